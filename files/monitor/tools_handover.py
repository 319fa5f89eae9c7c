"""The MCP tools at ``/mcp`` below the monitor's path: what comes in is handed on to the manager, at its socket.

The manager is a process of its own, since the official SDK is asyncio's and this server is gevent's; it is behind the
monitor, since a target group and a rule of its own would be of the load balancer's few.
"""

from __future__ import annotations

import http.client
import logging
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from gevent import socket

from monitor.access.refusals import ACTION
from monitor.access.users import User
from monitor.api.problem import BROWSER, METHOD, TOO_LARGE, TOO_MANY, UNAVAILABLE, Note, Problem
from monitor.api.service import Api
from monitor.web import Answer, Request

log = logging.getLogger("monitor")

MOST_AT_ONCE = 100
QUIET_SECONDS = 70
"""A tool waits for less than a minute, and the SDK says every 15 seconds that it does."""
_PIECE = 64 * 1024
_ASKED = ("accept", "authorization", "content-type", "traceparent", "tracestate")
_TOLD = ("Cache-Control", "X-Accel-Buffering")
_PROTOCOL = "mcp-"
"""How the protocol's own headers begin."""


class _Connection(http.client.HTTPConnection):
    """A connection to the manager; while one waits for what it says, others are served."""

    def __init__(self, path: Path) -> None:
        super().__init__("manager", timeout=QUIET_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Raises OSError."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Handover:
    """Hands on to the manager at its ``socket`` what those ask whom the API admits, pages of ``origins`` among them."""

    path = "/mcp"
    is_public = False

    def __init__(self, api: Api, socket: Path, origins: Collection[str] = ()) -> None:
        self._api = api
        self._socket = socket
        self._origins = origins
        self._open = 0

    def answer(self, request: Request, body: bytes | None = b"") -> Answer:
        """The manager's answer, as it comes, or a problem document. A body of None is too large."""
        return self._api.guarded(request, lambda user: self._handed_on(request, body, user))

    def _handed_on(self, request: Request, body: bytes | None, user: User) -> Answer:
        self._check(request, user)
        if body is None:
            raise Problem(TOO_LARGE, "A message has at most 64 KiB")
        connection = _Connection(self._socket)
        self._open += 1
        try:
            answer = self._asked(connection, request, body)
        except (OSError, http.client.HTTPException) as error:
            self._left(connection)
            log.error("the manager at %s does not answer: %s", self._socket, error or type(error).__name__)
            text = "The MCP tools do not answer now. On the host, journalctl -u mcp-manager says more"
            raise Problem(UNAVAILABLE, text, headers={"Retry-After": "10"}) from None
        return self._told(connection, answer)

    def _check(self, request: Request, user: User) -> None:
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._origins:
            text = "A page of another site may not call the tools; settings.conf names those that may (api_origins)"
            raise Problem(BROWSER, text, note=Note(ACTION, user.name))
        if request.method != "POST":  # there are no sessions, and so no stream of one and no end of one
            raise Problem(METHOD, "Here is: POST", headers={"Allow": "POST"})
        if self._open >= MOST_AT_ONCE:
            text = f"{MOST_AT_ONCE} calls of tools are open already; try again"
            raise Problem(TOO_MANY, text, headers={"Retry-After": "5"})

    def _asked(self, connection: _Connection, request: Request, body: bytes) -> http.client.HTTPResponse:
        headers = {name: value for name, value in request.headers.items() if name in _ASKED or _is_protocols(name)}
        client = request.client.partition("/")[0]  # a network of IPv6 is named by its first address as well
        connection.request(request.method, self.path, body, {**headers, "X-Forwarded-For": client})
        return connection.getresponse()

    def _told(self, connection: _Connection, answer: http.client.HTTPResponse) -> Answer:
        headers = {name.title(): value for name, value in answer.getheaders()}
        kind = headers.get("Content-Type", "text/plain; charset=utf-8")
        kept: Mapping[str, str] = {
            name: value for name, value in headers.items() if name in _TOLD or _is_protocols(name)
        }
        if "Content-Length" not in headers:
            return Answer(_Pieces(answer, lambda: self._left(connection)), answer.status, kind, kept)
        try:
            return Answer(answer.read(), answer.status, kind, kept)
        finally:
            self._left(connection)

    def _left(self, connection: _Connection) -> None:
        self._open -= 1
        connection.close()


def _is_protocols(name: str) -> bool:
    return name.lower().startswith(_PROTOCOL)


class _Pieces:
    """What the manager says, piece by piece. The server closes it at its end, and when the client has left."""

    def __init__(self, answer: http.client.HTTPResponse, left: Any) -> None:
        self._answer = answer
        self._left = left
        self._is_open = True

    def __iter__(self) -> Iterator[bytes]:
        try:
            while piece := self._answer.read1(_PIECE):
                yield piece
        except (OSError, http.client.HTTPException) as error:
            log.warning("an answer of the manager broke off: %s", error or type(error).__name__)

    def close(self) -> None:
        """Ends the call where it goes on."""
        if self._is_open:
            self._is_open = False
            self._answer.close()
            self._left()
