"""What of HAProxy's page is worth keeping, with the server that a backend is of."""

from __future__ import annotations

import re
from collections.abc import Mapping

_KEPT = frozenset(
    {
        "haproxy_process_build_info",
        "haproxy_process_current_connections",
        "haproxy_process_requests_total",
        "haproxy_process_start_time_seconds",
        "haproxy_frontend_bytes_in_total",
        "haproxy_frontend_bytes_out_total",
        "haproxy_frontend_current_sessions",
        "haproxy_frontend_http_requests_total",
        "haproxy_frontend_http_responses_total",
        "haproxy_backend_active_servers",
        "haproxy_backend_bytes_in_total",
        "haproxy_backend_bytes_out_total",
        "haproxy_backend_connect_time_average_seconds",
        "haproxy_backend_connection_errors_total",
        "haproxy_backend_current_queue",
        "haproxy_backend_current_sessions",
        "haproxy_backend_http_requests_total",
        "haproxy_backend_http_responses_total",
        "haproxy_backend_response_errors_total",
        "haproxy_backend_response_time_average_seconds",
        "haproxy_backend_retry_warnings_total",
        "haproxy_backend_total_time_average_seconds",
    }
)
_LINE = re.compile(rb'(?:# (?:HELP|TYPE) )?([a-z_]+)(?:[ ]|\{(?:proxy="([^"\\]*)")?)')


def kept(page: bytes, servers: Mapping[str, str]) -> bytes:
    """Returns the lines of a page whose metrics are kept. ``servers`` has the server of each target group by its name,
    with which a backend's name begins."""
    lines = []
    for line in page.split(b"\n"):
        found = _LINE.match(line)
        if found is None or found[1].decode() not in _KEPT:
            continue
        if found[2] is not None:
            group = found[2].decode("utf-8", "replace").rpartition(".")[0]
            server = servers.get(group, "")
            line = line.replace(b"{", f'{{server="{server}",'.encode(), 1)
        lines.append(line)
    return b"\n".join([*lines, b""])
