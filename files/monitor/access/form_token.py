"""What a page's own forms and scripts bear, and no other page can know (OWASP: HMAC based token pattern).

It is made of what is kept of the user's password, so that it outlives a restart of the monitor and no change of the
password. Each is another one: a page that is compressed does not give it away, piece by piece, to who sees its length.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os

LASTS_SECONDS = 7 * 24 * 3600
_TIME_BYTES, _SALT_BYTES = 5, 9


def form_token(kept: str, user: str, now: float) -> str:
    """A token for the user of whose password this is kept; ``now`` in seconds since 1970."""
    head = int(now).to_bytes(_TIME_BYTES, "big") + os.urandom(_SALT_BYTES)
    return base64.urlsafe_b64encode(head + _seal(kept, user, head)).decode().rstrip("=")


def holds(token: str, kept: str, user: str, now: float) -> bool:
    """Whether it is a token of that user that still holds."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    head, seal = raw[: _TIME_BYTES + _SALT_BYTES], raw[_TIME_BYTES + _SALT_BYTES :]
    age = now - int.from_bytes(head[:_TIME_BYTES], "big")
    return hmac.compare_digest(seal, _seal(kept, user, head)) and -60 <= age <= LASTS_SECONDS


def _seal(kept: str, user: str, head: bytes) -> bytes:
    key = hashlib.sha256(f"form token of {user}: {kept}".encode()).digest()
    return hmac.digest(key, head, hashlib.sha256)
