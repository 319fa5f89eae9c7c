"""A server that runs elsewhere, as far as TLS tells: what it is asked goes on to the site's own listener."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_OF_A_CONNECTION = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class Remote:
    """``authority`` is the file of whoever has signed its certificate, which is itself."""

    port: int
    authority: Path
    _context: ssl.SSLContext

    def renew(self, days: int) -> None:
        """Has it show another certificate from now on, which ends after so many days."""
        key = self.authority.with_suffix(".key")
        request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        files = ["-keyout", str(key), "-out", str(self.authority)]
        subprocess.run([*request, *names, *files, "-days", str(days)], capture_output=True, check=True)
        self._context.load_cert_chain(self.authority, key)


@contextmanager
def remote(folder: Path, listener: str, days: int) -> Iterator[Remote]:
    """Listens at a port of localhost until the block ends, with a certificate for so many days."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
            plain, address = super().get_request()
            return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, request: object, client_address: object) -> None:
            """Says nothing: a client may hang up."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_A_CONNECTION}
            connection = http.client.HTTPConnection(listener, timeout=30)
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _OF_A_CONNECTION:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_DELETE = do_POST

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    with Server(("127.0.0.1", 0), Handler) as server:
        made = Remote(server.server_address[1], folder / "remote.pem", context)
        made.renew(days)
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        try:
            yield made
        finally:
            server.shutdown()
