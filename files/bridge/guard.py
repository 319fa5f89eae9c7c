"""Who may speak to the bridge from a browser: the guard against DNS rebinding.

A page on a name that its owner points to this address is of the same origin to the browser. What the page cannot hide
is that name, in `Origin` and in `Host` (modelcontextprotocol.io, transports, security).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .http import Request

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Lets requests pass by their `Origin` and `Host`.

    `origins`: those allowed besides pages on the machine itself, such as `https://app.example.com`, or `*`.
    `hosts`: names that requests may be addressed to, besides the machine's own and addresses in numbers; any, where
    none is given, because only the balancer's owner knows its names.
    """

    def __init__(self, origins: Iterable[str], hosts: Iterable[str]) -> None:
        self._origins = {origin.rstrip("/").lower() for origin in origins}
        self._hosts = {host.lower() for host in hosts}
        self._passed: set[tuple[bytes | None, bytes]] = set()  # a few clients ask again and again

    def refuses(self, request: Request) -> str | None:
        """Why the request must not be served, None where it may."""
        origin, host = request.headers.get(b"origin"), request.headers.get(b"host", b"")
        if (origin, host) in self._passed:
            return None
        if origin is not None and not self._origin_allowed(origin.decode("latin-1").lower()):
            return "this origin is not allowed"
        if self._hosts and not self._host_allowed(host.decode("latin-1").lower()):
            return "this host is not served here"
        if len(self._passed) < 256:
            self._passed.add((origin, host))
        return None

    def _origin_allowed(self, origin: str) -> bool:
        if "*" in self._origins or origin in self._origins:
            return True
        return _name(origin) in _LOOPBACK

    def _host_allowed(self, host: str) -> bool:
        name = _name("//" + host)
        return name in _LOOPBACK or name in self._hosts or name.replace(".", "").isdigit() or ":" in name


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
