"""Tokens of programs: monitor.tokens.json beside the users' file. Of each only a digest is kept.

A token is made up of 256 random bits, so that a plain digest of it tells nothing and can be looked up at once; a slow
hash is for passwords, which people choose.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.access.stored import OpenToAll, read_stored, stamp_of, write_stored
from monitor.access.users import ROLES, User

FILE = "monitor.tokens.json"
VERSION = 1
PREFIX = "mcpt_"
"""By this a scanner of repositories knows one."""
MOST = 1000
_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class TokensUnusable(Exception):
    """The file of tokens cannot be used. The sentence says why, and the way out."""


@dataclass(frozen=True)
class Token:
    """A token as the file has it; ``expires`` is None for one that never does."""

    name: str
    scope: str
    digest: str
    made: datetime
    expires: datetime | None

    @property
    def user(self) -> User:
        """Whom it admits; no user's name has a space."""
        return User(f"token {self.name}", self.scope)

    def has_expired(self, now: datetime) -> bool:
        """Whether it admits nobody any more."""
        return self.expires is not None and now >= self.expires


def generated_token() -> str:
    """A token that nobody guesses."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def check_token_name(name: str) -> None:
    """Raises ValueError where no token may have this name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a token's name; use up to 64 letters, digits and _.@-")


def read_tokens(file: Path) -> dict[str, Token]:
    """The tokens by name, none where there is no file; raises TokensUnusable."""
    try:
        found = json.loads(read_stored(file))
        if found["version"] != VERSION:
            raise ValueError("another version")
        return {name: _token(name, each) for name, each in found["tokens"].items()}
    except FileNotFoundError:
        return {}
    except OpenToAll as error:
        raise TokensUnusable(str(error)) from None
    except OSError as error:
        raise TokensUnusable(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise TokensUnusable(f"{file}: what it holds are no tokens; remove it, and make them again") from error


def _token(name: str, found: Any) -> Token:
    check_token_name(name)
    if found["scope"] not in ROLES or not _DIGEST.fullmatch(found["sha256"]):
        raise ValueError("another form")
    expires = found["expires"]
    return Token(
        name,
        found["scope"],
        found["sha256"],
        datetime.fromisoformat(found["made"]).astimezone(UTC),
        None if expires is None else datetime.fromisoformat(expires).astimezone(UTC),
    )


def write_tokens(file: Path, tokens: Mapping[str, Token], group: str | int) -> None:
    """Replaces the file in one step; it belongs to ``group``, which may read it. Raises OSError and LookupError."""
    document = {
        "version": VERSION,
        "tokens": {
            name: {
                "scope": each.scope,
                "sha256": each.digest,
                "made": each.made.isoformat(timespec="seconds"),
                "expires": None if each.expires is None else each.expires.isoformat(timespec="seconds"),
            }
            for name, each in sorted(tokens.items())
        },
    }
    write_stored(file, document, group)


class Tokens:
    """The tokens of a file, read anew once it is another. The file may be missing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, ...] = ()
        self._known: Mapping[str, Token] = {}

    def of(self, text: str) -> Token | None:
        """The token that somebody shows, expired or not; raises TokensUnusable, and knows none from then on."""
        stamp = stamp_of(self._file)
        if stamp != self._stamp:
            # Whoever asks meanwhile finds the former tokens with the former stamp, or all of the new ones.
            known: dict[str, Token] = {}
            try:
                known = {each.digest: each for each in read_tokens(self._file).values()}
            finally:
                self._known = known
                self._stamp = stamp
        return self._known.get(digest_of(text))
