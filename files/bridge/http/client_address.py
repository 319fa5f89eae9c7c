"""Which client a request is from, as far as shares go: by its address."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, an IPv4 address written as IPv6 (RFC 4291, 2.5.5.2)
_LONGEST = 64  # characters; no address is longer
_WITH_PORT = re.compile(r"(?:\[(?P<bracketed>[^\]]+)\]|(?P<plain>[^:]+))(?::[0-9]+)?")


def client_of(forwarded: bytes | None, peer: str) -> str:
    """Returns the address of the client: the last that X-Forwarded-For has, else `peer`.

    The last entry is what the balancer in front of everything has seen itself; what stands before it is what the client
    has sent (AWS, "HTTP headers and Application Load Balancers"), and the router on the host adds none. A port is left
    out, and an IPv6 address counts with all of its network of 64 bits, in which one client may choose (RFC 7934).
    """
    last = "" if forwarded is None else forwarded.rpartition(b",")[2].decode("latin-1").strip()
    return (_normal(last) if 0 < len(last) < _LONGEST else None) or _normal(peer) or peer


@lru_cache(maxsize=1024)
def _normal(text: str) -> str | None:
    match = _WITH_PORT.fullmatch(text)
    if match is not None:
        text = match["bracketed"] or match["plain"]
    plain = text.partition("%")[0]
    for family in (AF_INET, AF_INET6):
        with suppress(OSError, ValueError):  # ValueError: a null character
            return _counted(inet_pton(family, plain))
    return None


def _counted(address: bytes) -> str:
    if len(address) == 4:
        return inet_ntop(AF_INET, address)
    if address.startswith(_MAPPED):
        return inet_ntop(AF_INET, address[len(_MAPPED) :])
    return f"{inet_ntop(AF_INET6, address[:8] + bytes(8))}/64"
