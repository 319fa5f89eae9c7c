"""Keeps quiet event streams alive on every hop: proxies and balancers close what is silent for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bridge.http.request import Request

_COMMENT = b":\n\n"  # which clients ignore (HTML standard, server-sent events, parsing)


def keep_alive(readers: Iterable[Request], now: float, seconds: float) -> None:
    """Writes a comment to each of the streams `readers` to which nothing was written for `seconds`. `now`: monotonic
    seconds."""
    for request in readers:
        if now - request.written >= seconds:
            request.write(_COMMENT)
