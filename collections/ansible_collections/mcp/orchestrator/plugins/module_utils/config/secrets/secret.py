# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A value that must not be shown, and its keyed digest."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from typing import NoReturn

KEY_BYTES = 32
DIGEST_CHARACTERS = 16


class Secret:
    """A string that only ``reveal()`` gives away: not ``str``, ``repr``, ``format``, ``json`` or ``pickle``."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Returns the value itself, for the one place that hands it to the engine."""
        return self._value

    def digest(self, key: bytes, server: str, name: str) -> str:
        """Returns a digest of the value that changes when it does and cannot be guessed without ``key``.

        Server and variable are hashed too, so that equal values do not show as equal.
        """
        message = b"\0".join(part.encode("utf-8", "surrogatepass") for part in (server, name, self._value))
        return hmac.new(key, message, hashlib.sha256).hexdigest()[:DIGEST_CHARACTERS]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            self._value.encode("utf-8", "surrogatepass"), other._value.encode("utf-8", "surrogatepass")
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be serialised")


class KeyFileError(Exception):
    """The fleet's key file cannot be used; the sentence names it and the way out."""


def read_key(path: str | None) -> bytes:
    """Reads the fleet's key. Without a file it is a throw-away key, enough where nothing is compared with a container.

    Raises KeyFileError when the file is too short, unreadable, or readable by others than its owner.
    """
    if path is None or not os.path.exists(path):
        return os.urandom(KEY_BYTES)
    try:
        with open(path, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            key = file.read()
    except OSError as error:
        raise KeyFileError(f"{path}: the key file cannot be read: {error.strerror}; run as its owner") from error
    if mode & 0o077:
        raise KeyFileError(f"{path}: the key file has mode {mode:04o}; chmod 0600 it")
    if len(key) < KEY_BYTES:
        raise KeyFileError(f"{path}: the key file holds {len(key)} bytes; it must hold {KEY_BYTES} random bytes")
    return key
