"""Who may speak to the bridge from a browser: the check against other sites' pages and against DNS rebinding.

A page on a name that its owner points to this address is of the same origin to the browser. What the page cannot hide
is that name, in `Origin` and in `Host` (modelcontextprotocol.io, transports, security), and that it is a page, in
`Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/): images, scripts and frames come without an `Origin`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bridge.printable import VALUE, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .request import Request

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LOOPBACK_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s:/?#@\[\]]*))(?::[0-9]*)?")
_NO_PAGE = frozenset({b"", b"none"})  # not a browser, or a person who wrote the address into one
_FORWARDED = (b"x-forwarded-for", b"x-amzn-trace-id", b"forwarded", b"via")
# Nobody outside can own a name of one label, or below these (RFC 6761; ICANN's resolution 2024.07.29.06).
_OWN_DOMAINS = (".localhost", ".internal")
_SETTING = "[security] allowed_origins in settings.conf"
_HOSTS = "orchestrator.bridge.allowed_hosts in the server's entry"


class OriginCheck:
    """Lets requests pass by their `Origin`, `Sec-Fetch-Site` and `Host`.

    `origins`: those allowed besides pages on the machine itself, such as `https://app.example.com`, or `*`.
    `hosts`: names that requests may be addressed to, besides the machine's own and addresses in numbers; any, where
    none is given, because only the balancer's owner knows its names.
    """

    def __init__(self, origins: Iterable[str], hosts: Iterable[str]) -> None:
        self._origins = {origin.rstrip("/").lower() for origin in origins}
        self._authorities = {origin.partition("://")[2] for origin in self._origins}
        self._hosts = {host.lower() for host in hosts}
        self._passed: set[tuple[bytes | None, bytes, bytes]] = set()  # a few clients ask again and again

    def allows(self, origin: bytes) -> bool:
        """Says whether pages of `origin` may use the server."""
        text = origin.decode("latin-1").lower()
        return "*" in self._origins or text in self._origins or _LOOPBACK_ORIGIN.fullmatch(text) is not None

    def refuses(self, request: Request) -> str | None:
        """Returns why the request must not be served, None where it may."""
        headers = request.headers
        origin, host = headers.get(b"origin"), headers.get(b"host", b"")
        key = (origin, host, headers.get(b"sec-fetch-site", b""))
        if key in self._passed:
            return None
        refusal = self._refusal(*key)
        if refusal is None and len(self._passed) < 256 and sum(len(value or b"") for value in key) < 1024:
            self._passed.add(key)
        return refusal

    def refuses_bare(self, request: Request) -> str | None:
        """Returns why a GET must not be served that shows nothing of a browser; None where it may.

        A page under a name that was led here reads its own origin without `Origin`, and over plain HTTP without
        `Sec-Fetch-Site`, which browsers send to trustworthy URLs only. Its name in `Host` is all there is, and what
        has come through a balancer bears the balancer's."""
        host = request.headers.get(b"host", b"").decode("latin-1").lower()
        if b"origin" in request.headers or forwarded(request) or self._host_allowed(host) or self._is_own(host):
            return None
        return (
            f"the host '{printable(host, VALUE)}' is not known here, so a page of that name may have asked; use the"
            " address, or come through the load balancer"
        )

    def _is_own(self, host: str) -> bool:
        name = _name(host)
        return "." not in name or name.endswith(_OWN_DOMAINS) or host in self._authorities

    def _refusal(self, origin: bytes | None, host: bytes, site: bytes) -> str | None:
        if origin is not None:
            if not self.allows(origin):
                value = printable(origin, VALUE)
                return f"the origin '{value}' is not allowed; add it to {_SETTING} if its pages may use this server"
        elif site not in _NO_PAGE and not (site == b"same-origin" and self._is_home(host)):
            return (
                f"Sec-Fetch-Site is '{printable(site, VALUE)}' and there is no Origin, so a page of any origin may have"
                f" asked; let it use fetch in the mode cors, and add its origin to {_SETTING}"
            )
        if self._hosts and not self._host_allowed(host.decode("latin-1").lower()):
            return f"the host '{printable(host, VALUE)}' is not served here; add it to {_HOSTS} if it is yours"
        return None

    def _is_home(self, host: bytes) -> bool:
        """Whether pages at `host` itself are allowed: browsers name no origin when such a page reads its own."""
        text = host.decode("latin-1").lower()
        return "*" in self._origins or text in self._authorities or _name(text) in _LOOPBACK

    def _host_allowed(self, host: str) -> bool:
        name = _name(host)
        return name in _LOOPBACK or name in self._hosts or name.replace(".", "").isdigit() or ":" in name


def forwarded(request: Request) -> bool:
    """Says whether the request came through a balancer: all name the client they forward for. Who wants to pass for one
    that did is told less, not more."""
    return any(header in request.headers for header in _FORWARDED)


def _name(authority: str) -> str:
    """The name or address in `host[:port]`; for anything else one that nobody has."""
    found = _AUTHORITY.fullmatch(authority)
    return "." if found is None else found[1] or found[2]
