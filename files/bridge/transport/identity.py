"""Who a request comes from, where something in front of the bridge has made sure of it.

A session id alone is no proof of who uses it (modelcontextprotocol.io, security best practices, session hijacking): a
session belongs to whoever opened it. Signatures are not verified here. A load balancer that authenticates has done that
before it passed the request on, and where none does, there is nobody whom the bridge could tell apart.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

Identity = tuple[str, ...]

# The `sub` of the user, written by a load balancer's authenticate-oidc action over whatever the client sent (AWS, user
# guide for Application Load Balancers, "Authenticate users", "User claims encoding").
_OIDC = b"x-amzn-oidc-identity"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")  # RFC 4648, 5


def identity(headers: Mapping[bytes, bytes]) -> Identity | None:
    """Returns the user for whom a load balancer of AWS vouches, else issuer and subject of the bearer token if that is
    a JWT (RFC 7519, 4.1), else None. A renewed token of the same user has the same two."""
    user = headers.get(_OIDC)
    if user:
        return ("oidc", user.decode("latin-1"))
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return _subject(token.strip()) if scheme.lower() == b"bearer" else None


def _subject(token: bytes) -> Identity | None:
    parts = token.split(b".")
    if len(parts) != 3:
        return None
    try:
        claims = orjson.loads(binascii.a2b_base64(parts[1].translate(_URL_SAFE) + b"=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(claims, dict):
        return None
    issuer, subject = claims.get("iss", ""), claims.get("sub")
    return ("jwt", issuer, subject) if isinstance(issuer, str) and isinstance(subject, str) else None


class Ownership:
    """Whose a session is: anybody's, if it was opened by a request without an identity."""

    __slots__ = ("owner",)

    def __init__(self, headers: Mapping[bytes, bytes]) -> None:
        self.owner = identity(headers)

    def admits(self, headers: Mapping[bytes, bytes]) -> bool:
        """Says whether a request with `headers` is the owner's. One without an identity is not, where there is an
        owner."""
        return self.owner is None or identity(headers) == self.owner
