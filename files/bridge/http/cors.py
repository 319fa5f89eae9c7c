"""What a browser is told, so that the pages of allowed origins can speak to the bridge, and no others
(https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bridge.protocol import message as messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .origin_check import OriginCheck
    from .request import Header, Request

_METHODS = b"GET, POST, DELETE"
# What clients of every revision send. `*` would not stand for Authorization.
_HEADERS = (
    "Content-Type",
    "Accept",
    "Authorization",
    "Mcp-Session-Id",
    "Mcp-Protocol-Version",
    "Last-Event-ID",
    "Mcp-Method",
    "Mcp-Name",
)
_EXPOSED = b"Mcp-Session-Id, Mcp-Protocol-Version, WWW-Authenticate, Retry-After"
# Arguments that a tool wants in headers, too (2026-07-28): their names are the server's choice.
_PARAMETER = re.compile(rb"mcp-param-[a-z0-9!#$%&'*+.^_`|~-]+")
_MAX_AGE_SECONDS = 600
_MOST_REMEMBERED = 256
_LONGEST_REMEMBERED = 256  # bytes
_VARY = b"vary: Origin\r\n"


class Cors:
    """Answers preflights, and says of every answer whether the page that asked may read it. `headers`: further ones
    that clients may send, such as those which the server's environment takes."""

    def __init__(self, origin_check: OriginCheck, headers: Iterable[str] = ()) -> None:
        self._origin_check = origin_check
        self._headers = ", ".join([*_HEADERS, *headers]).encode()
        self._lines: dict[bytes, bytes] = {}

    def lines(self, headers: Mapping[bytes, bytes]) -> bytes:
        """Returns the header lines of any answer to a request with `headers`. Credentials of the browser's own, such as
        cookies, are never allowed: a client of MCP says who it is in headers."""
        origin = headers.get(b"origin")
        if origin is None:
            return _VARY
        known = self._lines.get(origin)
        if known is None:
            known = _VARY
            if self._origin_check.allows(origin):
                known += b"access-control-allow-origin: %b\r\naccess-control-expose-headers: %b\r\n" % (
                    origin,
                    _EXPOSED,
                )
            if len(self._lines) < _MOST_REMEMBERED and len(origin) < _LONGEST_REMEMBERED:
                self._lines[origin] = known
        return known

    def preflight(self, request: Request) -> bool:
        """Answers `request` if it is a preflight. Returns False where it is none."""
        headers = request.headers
        if request.method != b"OPTIONS" or b"origin" not in headers or b"access-control-request-method" not in headers:
            return False
        refusal = self._origin_check.refuses(request)
        if refusal is not None:
            request.respond(403, messages.error(None, messages.INVALID_REQUEST, refusal))
            return True
        asked = (name.strip().lower() for name in headers.get(b"access-control-request-headers", b"").split(b","))
        parameters = [name for name in asked if _PARAMETER.fullmatch(name)]
        answer: list[Header] = [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", b", ".join([self._headers, *parameters])),
            (b"access-control-max-age", b"%d" % _MAX_AGE_SECONDS),
            (b"vary", b"Access-Control-Request-Method, Access-Control-Request-Headers"),
        ]
        request.respond(204, headers=answer)
        return True
