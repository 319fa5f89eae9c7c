"""A small HTTP server that stands behind a load balancer as one MCP server would."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: health checks hang up as soon as they know enough."""


class TinyServer:
    """Answers 200 to every GET with its own name and the path it saw, but 503 below ``/health`` while it is sick, and
    403 to any Host but ``host``, if that is set, as guards against DNS rebinding do."""

    def __init__(self, name: str, address: str = "127.0.0.1") -> None:
        server = self
        self.name = name
        self.is_sick = False
        self.host: str | None = None
        self.seen: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                is_health = self.path.endswith("/health")
                if not is_health:
                    server.seen.append(self.path)
                body = json.dumps({"name": server.name, "path": self.path}).encode()
                status = 503 if is_health and server.is_sick else 200
                if server.host is not None and self.headers["Host"] != server.host:
                    status, body = 403, f"Access is only allowed at {server.host}".encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Say nothing."""

        self._server = _QuietServer((address, 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
