"""The server: a light thread for each connection (gevent), so that followers cost memory and never a place.

Measured with 50 open followers: waitress with a thread for each is deaf as soon as there are as many followers, closed
tabs that it has not noticed among them, as threads; gevent serves on. Polling takes more processor time, and is later.
"""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import gevent
from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer

from monitor.client import CONNECTION

# Longer than the balancer keeps an idle connection (an ALB: 60 s), or it meets a closed one and answers 502.
IDLE_SECONDS = 75
HEAD_SECONDS = 20
LARGEST_REQUEST = 64 * 1024
LARGEST_REST = 4 * 1024 * 1024
REST_SECONDS = 10
MOST_CONNECTIONS = 1000

Returned = TypeVar("Returned")


def apart(call: Callable[..., Returned], *arguments: Any) -> Returned:
    """Does what takes the processor for long in a thread of its own, while others are served; raises what it raises.

    It must not sleep there.
    """
    return gevent.get_hub().threadpool.apply(call, arguments)  # type: ignore[no-any-return]


def apart_each(pieces: Iterator[Returned]) -> Iterator[Returned]:
    """Yields the pieces, each of which is made as ``apart`` does."""
    nothing = object()
    while (piece := apart(next, pieces, nothing)) is not nothing:
        yield piece  # type: ignore[misc]


class _Handler(WSGIHandler):  # type: ignore[misc]
    """Serves one connection. A client that is too slow is left, and so is one that says much more than is read."""

    def handle(self) -> None:
        self._known: dict[str, bool] = {}
        self.socket.settimeout(IDLE_SECONDS)
        # Head and body are sent apart: Nagle's algorithm would hold the body until the client acknowledges the head,
        # which it puts off for 40 ms (tcp(7), TCP_QUICKACK).
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().handle()

    def read_requestline(self) -> str:
        with gevent.Timeout(IDLE_SECONDS, TimeoutError("nothing was asked")):
            return super().read_requestline()  # type: ignore[no-any-return]

    def read_request(self, raw_requestline: str) -> bool:
        with gevent.Timeout(HEAD_SECONDS, ValueError("the head of the request came too slowly")):
            return super().read_request(raw_requestline)  # type: ignore[no-any-return]

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ[CONNECTION] = self._known
        self.wsgi_input: Any = _Rest(environ["wsgi.input"], self)
        return environ


class _Rest:
    """What an answer has left of a request's body. A client reads the answer once it has sent everything."""

    def __init__(self, body: Any, handler: _Handler) -> None:
        self._body = body
        self._handler = handler

    def _discard(self) -> None:
        """Reads it, as far as it is not too much and does not take too long; then the connection ends."""
        left = LARGEST_REST
        with gevent.Timeout(REST_SECONDS, False):
            while left > 0:
                piece = self._body.read(LARGEST_REQUEST)
                if not piece:
                    return
                left -= len(piece)
        self._handler.close_connection = True


def make_server(application: Any, host: str, port: int) -> WSGIServer:
    """A server that already listens; raises OSError."""
    server = WSGIServer(
        (host, port),
        application,
        handler_class=_Handler,
        spawn=Pool(MOST_CONNECTIONS),
        log=None,
        error_log=logging.getLogger("monitor.server"),
        environ={"SERVER_NAME": host},  # or it asks the resolver
    )
    server.stop_timeout = 0
    server.init_socket()
    return server


def serve(server: WSGIServer) -> None:
    """Serves until SIGTERM, and then leaves every connection as it is."""
    gevent.signal_handler(signal.SIGTERM, server.stop)
    server.serve_forever()
