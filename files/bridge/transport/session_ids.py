"""What clients name their sessions by: 128 random bits, and where children serve many, all that there is to a session.

A container that did not open such a session can take it: the id says what was agreed, under a signature. The
form, without a dot: the random bits (32 hexadecimal digits), the time of signing (8, Unix seconds), `o` if it has
an owner and `a` if it is anybody's, the revision, and 128 bits of an HMAC-SHA256. The owner is in what is signed only.
"""

from __future__ import annotations

import hmac
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from .identity import identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .identity import Identity

IDENT = 32  # characters of the random bits
_REVISION = re.compile(r"[A-Za-z0-9_-]{1,32}")
_SIGNED = re.compile(
    r"(?P<ident>[0-9a-f]{32})(?P<signed>[0-9a-f]{8})(?P<owned>[ao])(?P<revision>[\w-]{1,32})[0-9a-f]{32}"
)
_MOST = IDENT + 8 + 1 + 32 + 32


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a signed id says: the session's random bits, whether it has an owner, and its revision."""

    ident: str
    owned: bool
    revision: str


class SessionIds:
    """Signs ids and reads them.

    `keys`: those of the server; the first signs, all are accepted. `seconds`: for how long after it was signed.
    """

    def __init__(self, keys: Sequence[bytes], seconds: float) -> None:
        self._keys = keys
        self._seconds = seconds

    def sign(self, ident: str, revision: str, owner: Identity | None) -> str:
        """Returns the id of the session with the random bits `ident`. Where the server names a revision that no id can
        say, these alone: then only this container knows the session."""
        if not _REVISION.fullmatch(revision):
            return ident
        said = f"{ident}{int(time.time()):08x}{'a' if owner is None else 'o'}{revision}"
        return said + _signature(self._keys[0], said, owner)

    def read(self, name: str, headers: Mapping[bytes, bytes]) -> Agreed | None:
        """Returns what the id `name` says, if one of the keys has signed it for whoever sends `headers`, and not too
        long ago. Clocks may differ by as much: a session from the future is as good as an old one."""
        found = _SIGNED.fullmatch(name) if len(name) <= _MOST and name.isascii() else None
        if found is None:
            return None
        owned = found["owned"] == "o"
        owner = identity(headers) if owned else None
        said, signature = name[:-32], name[-32:]
        genuine = [hmac.compare_digest(_signature(key, said, owner), signature) for key in self._keys]
        if not any(genuine) or (owned and owner is None):
            return None
        if abs(time.time() - int(found["signed"], 16)) > self._seconds:
            return None
        return Agreed(found["ident"], owned, found["revision"])


def _signature(key: bytes, said: str, owner: Identity | None) -> str:
    whose = b"" if owner is None else orjson.dumps(owner)
    return hmac.digest(key, b"%b\0%b" % (said.encode(), whose), "sha256")[:16].hex()
