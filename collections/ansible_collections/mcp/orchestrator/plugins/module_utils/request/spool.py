# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of the requests: who may write what, what is moved where, and how much is kept.

``requests`` is the one that others than root may write to. Whatever they put there, a run moves it to ``taken``, which
is root's, before it looks at it: a rename needs no space and cannot be raced, and the spool is empty afterwards.
"""

from __future__ import annotations

import contextlib
import fcntl
import grp
import json
import os
import pwd
import shutil
import stat
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import GROUP_READABLE, replace_file
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.form import LARGEST, Refused

# How much of the spool one run takes; the next takes the rest.
FILES_A_RUN = 2000
RESULTS_KEPT, REFUSED_KEPT = 2000, 100
REFUSED_BYTES_KEPT = 4 * 1024 * 1024
AUDIT_BYTES, AUDITS_KEPT = 1024 * 1024, 8
# A file whose name begins with a dot is being written; one that is an hour old is left over.
UNFINISHED_SECONDS = 3600
SUFFIX = ".json"


@dataclass(frozen=True)
class Rooms:
    """The folders below ``directory``. Results and audit log are readable by the group ``group_id``, -1 for none."""

    directory: str
    group_id: int = -1

    @property
    def spool(self) -> str:
        """Where requests are dropped."""
        return os.path.join(self.directory, "requests")

    @property
    def taken(self) -> str:
        """Where a run has moved them, until what they ask for is recorded."""
        return os.path.join(self.directory, "taken")

    @property
    def refused(self) -> str:
        """Where those go that are not done."""
        return os.path.join(self.directory, "refused")

    @property
    def results(self) -> str:
        """Where the answers are."""
        return os.path.join(self.directory, "results")

    @property
    def overrides(self) -> str:
        """The file of what operators ask for."""
        return os.path.join(self.directory, "overrides.json")

    @property
    def audit(self) -> str:
        """The file of what was asked by whom."""
        return os.path.join(self.directory, "audit.jsonl")

    def result(self, identity: str) -> str:
        """The file of the answer to one request."""
        return os.path.join(self.results, identity + SUFFIX)


@contextmanager
def locked(rooms: Rooms) -> Iterator[None]:
    """Lets one process at a time change the folders. Raises OSError."""
    descriptor = os.open(rooms.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def waiting(rooms: Rooms) -> bool:
    """Returns whether there is anything to take."""
    return any(True for folder in (rooms.taken, rooms.spool) for _name in _names(folder))


def take_in(rooms: Rooms) -> list[str]:
    """Moves what is in the spool to ``taken``; returns the names there, in the order in which they were written.

    What cannot be moved for a file of the same name is refused at once. Raises OSError.
    """
    fresh = list(islice(_names(rooms.spool), FILES_A_RUN))
    if fresh:
        os.makedirs(rooms.taken, 0o700, exist_ok=True)
    for name in fresh:
        target = os.path.join(rooms.taken, name)
        if os.path.lexists(target):
            move_aside(rooms, os.path.join(rooms.spool, name))
            continue
        with contextlib.suppress(FileNotFoundError):  # its writer has taken it back
            os.rename(os.path.join(rooms.spool, name), target)
    return sorted(_names(rooms.taken), key=lambda name: (_written(os.path.join(rooms.taken, name)), name))


def _names(folder: str) -> Iterator[str]:
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if not entry.name.startswith("."):
                yield entry.name
            elif time.time() - _written(entry.path) / 1e9 > UNFINISHED_SECONDS:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def _written(path: str) -> int:
    try:
        return os.lstat(path).st_mtime_ns
    except OSError:
        return 0


def read_taken(path: str, owners: Collection[int]) -> tuple[bytes, int, str]:
    """Returns a taken file's content, and its owner's number and name. Raises Refused, and OSError."""
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise Refused(f"it is {_kind(found.st_mode)}, no file")
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        found = os.fstat(file.fileno())
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid not in owners:
            raise Refused(f"its owner, uid {found.st_uid}, may not ask")
        if found.st_nlink != 1:
            raise Refused("it has a second name (a hard link); write a file of its own")
        if mode & 0o022:
            raise Refused(f"others may write to it (mode {mode:04o}); write it with mode 0600")
        if found.st_size > LARGEST:
            raise Refused(f"it is larger than {LARGEST // 1024} KiB")
        return file.read(LARGEST + 1), found.st_uid, user_name(found.st_uid)


def user_name(uid: int) -> str:
    """Returns the name of a user of this host, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_number(name: str | None) -> int:
    """Returns the number of the group that may read answers; -1 where this host has none of that name."""
    with contextlib.suppress(KeyError):
        return grp.getgrnam(name).gr_gid if name else -1
    return -1


def _kind(mode: int) -> str:
    kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a FIFO", stat.S_IFDIR: "a directory"}
    return kinds.get(stat.S_IFMT(mode), "something special")


def move_aside(rooms: Rooms, path: str) -> None:
    """Moves what is refused out of the way, under a name that is free. Raises OSError."""
    os.makedirs(rooms.refused, 0o700, exist_ok=True)
    name = f"{time.time_ns()}.{os.path.basename(path)[:200]}"
    os.rename(path, os.path.join(rooms.refused, name))


def prune(rooms: Rooms) -> None:
    """Removes the oldest of what is kept beyond its bounds. Raises OSError."""
    refused = _oldest_first(rooms.refused)
    size = sum(each.size for each in refused)
    surplus = len(refused) - REFUSED_KEPT
    for index, each in enumerate(refused):
        if index >= surplus and size <= REFUSED_BYTES_KEPT:
            break
        size -= each.size
        # What is in it may belong to somebody who changes it meanwhile; rmtree follows no link (its documentation).
        if each.is_folder:
            shutil.rmtree(each.path, ignore_errors=True)
        else:
            os.unlink(each.path)
    for each in _oldest_first(rooms.results)[:-RESULTS_KEPT]:
        os.unlink(each.path)


@dataclass(frozen=True)
class _Kept:
    path: str
    written: int
    size: int
    is_folder: bool


def _oldest_first(folder: str) -> list[_Kept]:
    try:
        with os.scandir(folder) as entries:
            found = [(each.path, each.stat(follow_symlinks=False)) for each in entries if each.name[0] != "."]
    except FileNotFoundError:
        return []
    kept = [_Kept(path, at.st_ctime_ns, at.st_size, stat.S_ISDIR(at.st_mode)) for path, at in found]
    return sorted(kept, key=lambda each: (each.written, each.path))


def write_result(rooms: Rooms, identity: str, result: Mapping[str, Any]) -> None:
    """Writes the answer to one request. Raises OSError."""
    replace_file(rooms.result(identity), _line(result, indent=1), GROUP_READABLE, rooms.group_id)


def append_audit(rooms: Rooms, line: Mapping[str, Any]) -> None:
    """Adds a line to the audit log, whole or not at all. Raises OSError."""
    descriptor = os.open(
        rooms.audit, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, GROUP_READABLE
    )
    with open(descriptor, "ab", buffering=0) as file:
        before = os.fstat(descriptor).st_size
        if before == 0 and rooms.group_id != -1:
            os.fchown(descriptor, -1, rooms.group_id)
        content = _line(line)
        try:
            if file.write(content) != len(content):
                raise OSError(28, "No space left on device")
        except OSError:
            os.ftruncate(descriptor, before)
            raise
        after = before + len(content)
    if after >= AUDIT_BYTES:
        for number in range(AUDITS_KEPT - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{rooms.audit}.{number}", f"{rooms.audit}.{number + 1}")
        os.replace(rooms.audit, f"{rooms.audit}.1")


def audited(rooms: Rooms) -> set[str]:
    """Returns the ids of the requests whose answers the audit log has, as far back as they matter. Raises OSError."""
    found = set()
    for path in (rooms.audit, f"{rooms.audit}.1"):
        with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
            for line in file:
                with contextlib.suppress(ValueError):
                    found.add(str(json.loads(line).get("id")))
    return found


def _line(document: Mapping[str, Any], indent: int | None = None) -> bytes:
    return (json.dumps(document, indent=indent) + "\n").encode()
