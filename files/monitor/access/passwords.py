"""Passwords as they are kept: scrypt (RFC 7914), written in the PHC string format.

https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets

# One of the settings that OWASP's password storage cheat sheet names: 16 MiB, a quarter of a second.
LOG_N, R, P = 14, 8, 5
SALT_BYTES, KEY_BYTES = 16, 32
GENERATED_BYTES = 18
FEWEST_CHARACTERS = 12

_FORM = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)", re.ASCII)
# What a file may ask for at most: a line of it must not take the host's memory.
_MOST_MEMORY = 64 * 1024 * 1024


class NotAHash(ValueError):
    """The text is none that a password can be compared with."""


def generated() -> str:
    """A password that nobody guesses."""
    return secrets.token_urlsafe(GENERATED_BYTES)


def hashed(password: str) -> str:
    """What is kept of a password."""
    salt = os.urandom(SALT_BYTES)
    return _kept(salt, _key(password, salt, LOG_N, R, P, KEY_BYTES))


def nobodys() -> str:
    """What no password matches, and any takes as long to be compared with."""
    return _kept(os.urandom(SALT_BYTES), os.urandom(KEY_BYTES))


def matches(password: str, kept: str) -> bool:
    """Whether it is the password of which this is kept, in a time that does not depend on where they differ.

    Raises NotAHash.
    """
    log_n, r, p, salt, key = _parts(kept)
    return hmac.compare_digest(_key(password, salt, log_n, r, p, len(key)), key)


def check_hash(kept: str) -> None:
    """Raises NotAHash where a password can never be compared with it."""
    _parts(kept)


def _parts(kept: str) -> tuple[int, int, int, bytes, bytes]:
    found = _FORM.fullmatch(kept)
    if found is None:
        raise NotAHash("is no hash of scrypt")
    log_n, r, p = (int(text) for text in found.groups()[:3])
    if not (log_n >= 1 and r >= 1 and 1 <= p <= 16) or (128 * r << log_n) > _MOST_MEMORY:
        raise NotAHash("is a hash of scrypt that asks for too much")
    try:
        salt, key = (base64.b64decode(text + "=" * (-len(text) % 4), validate=True) for text in found.groups()[3:])
    except binascii.Error:
        raise NotAHash("is no hash of scrypt") from None
    if len(key) < 16:
        raise NotAHash("is a hash of scrypt that is too short")
    return log_n, r, p, salt, key


def _key(password: str, salt: bytes, log_n: int, r: int, p: int, length: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=1 << log_n, r=r, p=p, maxmem=2 * _MOST_MEMORY, dklen=length)


def _kept(salt: bytes, key: bytes) -> str:
    return f"$scrypt$ln={LOG_N},r={R},p={P}${_text(salt)}${_text(key)}"


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")
