"""What stands between a client and the API server, and has faults: it throttles, and loses answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import requests

from tests.kubernetes.cluster import Cluster

Fault = Literal["", "throttle", "lose"]
_KEPT = ("Content-Type", "Accept", "User-Agent")


class Front:
    """``kubeconfig`` leads through it, as the administrator.

    ``fault`` is asked for each request, by its method and path: throttle it (429, and come back in a second), lose the
    answer after it was done, or neither.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.fault: Callable[[str, str], Fault] = lambda _method, _path: ""
        self.throttled = self.lost = self.served = 0
        self._lock = threading.Lock()
        self._cluster = cluster
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.kubeconfig = self._write_kubeconfig(self._server.server_port)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()

    def count(self, what: str) -> None:
        """Counts one request."""
        with self._lock:
            setattr(self, what, getattr(self, what) + 1)

    def _write_kubeconfig(self, port: int) -> Path:
        config = json.loads(self._cluster.kubeconfig.read_text())
        config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{port}"}
        path = self._cluster.folder / f"front-{port}.kubeconfig"
        path.write_text(json.dumps(config))
        return path

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        front, folder = self, self._cluster.folder
        session = requests.Session()
        session.trust_env = False
        session.verify = str(folder / "ca.pem")
        session.cert = (str(folder / "admin.pem"), str(folder / "admin-key.pem"))

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = front.fault(self.command, self.path)
                if fault == "throttle":
                    front.count("throttled")
                    self.answer(429, "application/json", _TOO_MANY, {"Retry-After": "1"})
                    return
                headers = {name: self.headers[name] for name in _KEPT if name in self.headers}
                url = f"{front._cluster.url}{self.path}"
                answer = session.request(self.command, url, data=body, headers=headers, timeout=60)
                if fault == "lose":
                    front.count("lost")
                    self.close_connection = True
                    return
                front.count("served")
                self.answer(answer.status_code, answer.headers.get("Content-Type", ""), answer.content, {})

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def answer(self, status: int, form: str, body: bytes, more: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": form, "Content-Length": str(len(body)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *_arguments: object) -> None:
                pass

        return Handler


@contextmanager
def front(cluster: Cluster) -> Iterator[Front]:
    """One until the block ends."""
    made = Front(cluster)
    try:
        yield made
    finally:
        made.close()


_TOO_MANY = json.dumps(
    {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": "too many requests, please try again later",
        "reason": "TooManyRequests",
        "code": 429,
    }
).encode()
