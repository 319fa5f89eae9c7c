"""What HAProxy counts, for Prometheus: its own exporter, which the packages of distributions have built in.

It answers at a socket that the control plane alone can open, and passes on (https://docs.haproxy.org/2.6/management.html).
"""

from __future__ import annotations

import http.client
import socket
import subprocess
from urllib.parse import quote

SECONDS = 5.0
_PATH = "/metrics"


def has_exporter() -> bool:
    """Returns whether the HAProxy of this host has one; without, a configuration that names it would be refused."""
    try:
        run = subprocess.run(["haproxy", "-vv"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "prometheus-exporter" in run.stdout


def exporter(folder: str) -> list[str]:
    """Returns the frontend of the exporter, whose socket is in ``folder``."""
    return [
        "frontend metrics",
        f"  bind unix@{_socket_of(folder)} mode 600",
        "  timeout client 10s",
        f"  http-request deny unless {{ path {_PATH} }}",
        "  http-request use-service prometheus-exporter",
    ]


def counted(folder: str, query: str) -> bytes | None:
    """Returns HAProxy's page, of which ``query`` may narrow the scope; None where it does not answer."""
    connection = http.client.HTTPConnection("localhost", timeout=SECONDS)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(SECONDS)
            sock.connect(_socket_of(folder))
            connection.sock = sock
            connection.request("GET", f"{_PATH}?{quote(query, safe='=&')}")
            answer = connection.getresponse()
            content = answer.read()
            return content if answer.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException):
        return None


def _socket_of(folder: str) -> str:
    return f"{folder}/metrics"
