"""Who may sign in, and what they may do: /etc/mcp-orchestrator/monitor.users.json, which holds no password."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.access.passwords import NotAHash, check_hash
from monitor.access.stored import OpenToAll, read_stored, stamp_of, write_stored

VIEW, OPERATE, ADMIN = "view", "operate", "admin"
ROLES = (VIEW, OPERATE, ADMIN)
"""Each may do what those before it may. ADMIN may also make servers, and remove them."""
SETTINGS, COMMAND = "settings", "command"
"""Who has made a user: the run of setup.sh from settings.conf, or somebody with make user."""

VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}", re.ASCII)


class UsersUnusable(Exception):
    """The file of users cannot be used. The sentence says why, and the way out."""


@dataclass(frozen=True)
class User:
    """Somebody who has signed in; without a role nobody has."""

    name: str
    role: str | None

    def may(self, role: str) -> bool:
        """Whether the user has this role, or one that includes it."""
        return self.role in ROLES and ROLES.index(self.role) >= ROLES.index(role)


NOBODY = User("", None)


@dataclass(frozen=True)
class Account:
    """A user as the file has them: ``kept`` is what is kept of the password, ``made_by`` SETTINGS or COMMAND."""

    user: User
    kept: str
    made_by: str = COMMAND


def check_name(name: str) -> None:
    """Raises ValueError where nobody can sign in under this name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a user name; use up to 64 letters, digits and _.@-")


def read_users(file: Path) -> dict[str, Account]:
    """The users by name; raises UsersUnusable."""
    try:
        content = read_stored(file)
    except OpenToAll as error:
        raise UsersUnusable(str(error)) from None
    except OSError as error:
        raise UsersUnusable(f"{file} cannot be read: {error.strerror}; setup.sh makes it") from error
    try:
        return _users(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = error if isinstance(error, NotAHash) else "what it holds are no users"
        raise UsersUnusable(f"{file}: {reason}; remove it, run setup.sh, and make the others again") from error


def _users(document: Any) -> dict[str, Account]:
    if document["version"] != VERSION:
        raise ValueError("another version")
    found = {}
    for name, each in document["users"].items():
        check_name(name)
        check_hash(each["password"])
        if each["role"] not in ROLES:
            raise ValueError("another role")
        found[name] = Account(User(name, each["role"]), each["password"], each["made_by"])
    return found


def write_users(file: Path, users: Mapping[str, Account], group: str | None = None) -> None:
    """Replaces the file in one step. Its owner writes it and its group reads it, the former one where none is named.

    Raises OSError and LookupError.
    """
    document = {
        "version": VERSION,
        "users": {
            name: {"role": each.user.role, "password": each.kept, "made_by": each.made_by}
            for name, each in sorted(users.items())
        },
    }
    write_stored(file, document, file.stat().st_gid if group is None else group)


class Users:
    """The users of a file, read anew once it is another."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.stamp: tuple[int, ...] = ()
        """Another one as soon as the file is another."""
        self._accounts: Mapping[str, Account] = {}
        self.refresh()

    def refresh(self) -> None:
        """Looks at the file; raises UsersUnusable, and has no users from then on."""
        stamp = stamp_of(self._file)
        if stamp != self.stamp or not stamp:
            # Whoever asks meanwhile finds the former users with the former stamp, or all of the new ones.
            accounts: Mapping[str, Account] = {}
            try:
                accounts = read_users(self._file)
            finally:
                self._accounts = accounts
                self.stamp = stamp

    def account(self, name: str) -> Account | None:
        """The user of this name, as of the last look."""
        return self._accounts.get(name)
