"""A target behind a load balancer: tells what it was asked, streams events, and is as healthy as it is told to be."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE_SECONDS = 30.0


class Upstream:
    """A target: tells what it was asked, streams events, and is as healthy as it is told to be."""

    def __init__(
        self, name: str = "upstream", port: int = 0, tls: Any = None, fixed: bytes | None = None, raw: bytes = b""
    ) -> None:
        """``fixed`` is the body of every answer, ``raw`` what goes over the wire instead of any."""
        self.name = name
        self.health = 200
        self.hold = threading.Event()
        self.go = threading.Event()
        self.requests = 0
        self.fixed = fixed
        self.raw = raw
        upstream = self

        class Handler(_Handler):
            owner = upstream

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that go away are part of the tests."""

        self._server = Server(("127.0.0.1", port), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: Upstream
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536

    def do_GET(self) -> None:
        owner = self.owner
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        if owner.raw:
            self.wfile.write(owner.raw)
            self.close_connection = True
            return
        if self.path == "/health":
            self._answer(owner.health, b"")
            return
        owner.requests += 1
        if owner.fixed is not None:
            self._answer(200, owner.fixed)
        elif self.headers.get("Upgrade", "").lower() == "websocket":
            self._upgrade()
        elif self.path.startswith("/stream"):
            self._stream()
        elif self.path.startswith("/slow"):
            owner.hold.set()
            owner.go.wait(PATIENCE_SECONDS)
            self._answer(200, b"{}")
        else:
            seen = {
                "upstream": owner.name,
                "method": self.command,
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "all": [[name.lower(), value] for name, value in self.headers.items()],
                "body": body,
            }
            self._answer(200, json.dumps(seen).encode())

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_GET

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.headers.get("X-Open-Session"):
            self.send_header("Mcp-Session-Id", f"session-of-{self.owner.name}")
        if self.headers.get("X-Log-In"):
            self.send_header("Set-Cookie", f"login=at-{self.owner.name}; HttpOnly")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _stream(self) -> None:
        """One event at once, and one more each time that ``go`` is set; ends when it cannot be sent."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        number = 0
        while True:
            event = f"data: {self.owner.name} {number}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()
            number += 1
            self.owner.go.wait()
            self.owner.go.clear()

    def _upgrade(self) -> None:
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_header("Sec-WebSocket-Accept", b64encode(sha1(key.encode()).digest()).decode())  # noqa: S324
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        while data := self.connection.recv(4096):
            self.connection.sendall(b"echo:" + data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
