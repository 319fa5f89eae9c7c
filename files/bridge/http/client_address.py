"""Which client a request is from, as far as shares go: by its address."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

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
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"
