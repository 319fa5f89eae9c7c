"""The server: a light thread for each connection (gevent), so that followers cost memory and never a place.

Measured with 50 open followers: waitress with a thread for each is deaf as soon as there are as many followers, closed
tabs that it has not noticed among them, as threads; gevent serves on. Polling takes more processor time, and is later.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import gevent
from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer

from monitor.login import is_for_clients

# Longer than the balancer keeps an idle connection (an ALB: 60 s), or it meets a closed one and answers 502.
IDLE_SECONDS = 75
HEAD_SECONDS = 20
LARGEST_REQUEST = 64 * 1024
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
    """Serves one connection; a client that is too slow, or says too much, is left."""

    def handle(self) -> None:
        self.socket.settimeout(IDLE_SECONDS)
        super().handle()

    def read_requestline(self) -> str:
        with gevent.Timeout(IDLE_SECONDS, TimeoutError("nothing was asked")):
            return super().read_requestline()  # type: ignore[no-any-return]

    def read_request(self, raw_requestline: str) -> bool:
        with gevent.Timeout(HEAD_SECONDS, ValueError("the head of the request came too slowly")):
            understood: bool = super().read_request(raw_requestline)
        if is_for_clients(self.path):
            return understood
        if self.content_length is not None and int(self.content_length) > LARGEST_REQUEST:
            raise ValueError("the request is too large")
        if self.headers.get("Transfer-Encoding"):
            raise ValueError("the request does not say how long it is")
        return understood

    def handle_one_response(self) -> None:
        """Answers. What the balancer sends here for want of a token was meant for a server and may have any body, which
        some clients send without its length; it is read past for a bounded time, so that the answer is not lost."""
        if not is_for_clients(self.path):
            super().handle_one_response()
            return
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
        with gevent.Timeout(HEAD_SECONDS, gevent.GreenletExit()):
            super().handle_one_response()


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
