# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time for a fleet on a host.

Who may open a lock's file may hold it for ever (flock(2) asks for no right beyond that), and who made it first may have
made it a link. So locks are in a directory that is its user's alone.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LOCK_DIRECTORY = "/run/mcp-orchestrator"
POLL_SECONDS = 0.2
# As long as a run may take to pull images, to wait for the health of a whole fleet, or for its old targets to drain.
TIMEOUT_SECONDS = 600


class HeldLock:
    """A fleet that this process holds. The lock's file keeps the run token of the run that converged last."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def issue_token(self) -> str:
        """Returns a new run token, after which that of every earlier run is superseded."""
        token = secrets.token_hex(8)
        os.pwrite(self._descriptor, token.encode(), 0)
        return token

    def is_current(self, run_token: str | None) -> bool:
        """Returns whether no other run has converged since this token was issued; true for a run that has none."""
        return run_token is None or os.pread(self._descriptor, 16, 0).decode("ascii", "replace") == run_token


class FleetBusy(Exception):
    """Another run holds the fleet, or the lock cannot be had; the sentence says what to do."""


def lock_directory() -> str:
    """Returns where this user's locks are: root shares a directory with setup.sh, others have their own."""
    if os.geteuid() == 0:
        return LOCK_DIRECTORY
    return os.path.join(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir(), f"mcp-orchestrator-{os.geteuid()}")


@contextmanager
def fleet_lock(fleet: str, timeout: float = TIMEOUT_SECONDS, directory: str | None = None) -> Iterator[HeldLock]:
    """Holds the fleet while the body runs; waits up to ``timeout`` seconds for another run. Raises FleetBusy.

    The lock belongs to the open file, so that a killed run leaves nothing behind.
    """
    directory = directory or lock_directory()
    path = os.path.join(directory, f"fleet-{fleet}.lock")
    deadline = time.monotonic() + timeout
    descriptor = _open(directory, os.path.basename(path))
    try:
        while not _taken(descriptor):
            if time.monotonic() >= deadline:
                raise FleetBusy(
                    f"another run has held fleet {fleet} for over {timeout:g} s ({path});"
                    f" wait for it to end, or find its process: fuser {path}"
                )
            time.sleep(POLL_SECONDS)
        yield HeldLock(descriptor)
    finally:
        os.close(descriptor)


def _open(directory: str, name: str) -> int:
    """The lock's file, in a directory that nobody else can reach into. Raises FleetBusy."""
    try:
        with _own_directory(directory) as folder:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    except OSError as error:
        path = error.filename if os.path.isabs(str(error.filename)) else os.path.join(directory, name)
        raise FleetBusy(f"{path} cannot be opened: {error.strerror}; run as the user who runs this fleet") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        os.close(descriptor)
        raise FleetBusy(f"{directory}/{name} is not a file of this user (its owner is uid {found.st_uid}); remove it")
    return descriptor


@contextmanager
def _own_directory(path: str) -> Iterator[int]:
    """The directory, made where it is missing, once it is certain to be its user's alone. Raises OSError, FleetBusy."""
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
    if os.path.islink(path):
        raise FleetBusy(f"{path} is a symbolic link, so that others may own the locks behind it; remove it")
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        found = os.fstat(descriptor)
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid != os.geteuid() or mode & 0o077:
            raise FleetBusy(
                f"{path} holds locks and others have access to it (owner uid {found.st_uid}, mode {mode:04o});"
                f" remove it, or find out why others have access"
            )
        yield descriptor
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
