"""The HTTP server of the control plane."""

from __future__ import annotations

import ipaddress
import json
import logging
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from .dispatch import Api
from .faults import Dropped, Faults
from .signature import Request

log = logging.getLogger("local_alb")

MAX_BODY = 1_048_576
IDLE_TIMEOUT = 60  # seconds


class ControlServer(ThreadingHTTPServer):
    """Serves ``api`` on ``address``; ``status`` gives what GET /health tells, ``counted`` what GET /metrics does of a
    query, None where HAProxy does not answer, ``faults`` what /faults sets.

    Requests must name a loopback host, so that no page in a browser can reach this server under a name of its own.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        api: Api,
        status: Callable[[], dict[str, Any]],
        counted: Callable[[str], bytes | None],
        faults: Faults | None = None,
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.api = api
        self.status = status
        self.counted = counted
        self.faults = faults
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a connection from %s ended early", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: ControlServer
    protocol_version = "HTTP/1.1"
    server_version = "local_alb"
    sys_version = ""
    timeout = IDLE_TIMEOUT
    wbufsize = 65_536  # headers and body leave together
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if not self._from_here():
            return
        if url.path == "/health":
            self._send(200, json.dumps(self.server.status()), "application/json")
        elif url.path == "/metrics":
            page = self.server.counted(url.query)
            self._send(503 if page is None else 200, page or b"HAProxy does not answer\n", "text/plain; version=0.0.4")
        elif url.path == "/faults" and self.server.faults:
            self._send(200, json.dumps({"calls": self.server.faults.calls}), "application/json")
        elif url.path == "/":
            self._perform(b"")
        else:
            self._send(404, "no such path\n", "text/plain")

    def do_POST(self) -> None:
        body = self._body()
        if body is None or not self._from_here():
            return
        if urlsplit(self.path).path == "/":
            self._perform(body)
        else:
            self._send(404, "no such path\n", "text/plain")

    def do_PUT(self) -> None:
        body = self._body()
        if body is None or not self._from_here():
            return
        if self.path != "/faults" or not self.server.faults:
            self._send(404, "no such path\n", "text/plain")
            return
        try:
            self.server.faults.set(json.loads(body))
        except (ValueError, TypeError) as error:
            self._send(400, f"{error}\n", "text/plain")
        else:
            self._send(204, "", "text/plain")

    def _perform(self, body: bytes) -> None:
        try:
            answer = self.server.api.answer(Request(self.command, self.path, self.headers.items(), body))
        except Dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(answer.status, answer.body, "text/xml", {"x-amzn-RequestId": answer.request_id})

    def _from_here(self) -> bool:
        if _is_loopback_name(self.headers.get("Host", "")):
            return True
        self._send(403, "this server answers to loopback names only\n", "text/plain")
        return False

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        plain = length.isascii() and length.isdigit() and "Transfer-Encoding" not in self.headers
        if not plain or int(length) > MAX_BODY:
            self.close_connection = True
            self._send(413, f"a request needs a Content-Length of at most {MAX_BODY}\n", "text/plain")
            return None
        return self.rfile.read(int(length))

    def _send(self, status: int, text: str | bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        body = text.encode() if isinstance(text, str) else text
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("%s %s", self.address_string(), format % args)


def _is_loopback_name(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
