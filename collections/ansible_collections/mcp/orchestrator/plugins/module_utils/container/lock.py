# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time for a fleet on a host."""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOCK_DIRECTORY = "/run/lock"
POLL_SECONDS = 0.2
# As long as a run may take to pull images, to wait for the health of a whole fleet, or for its old targets to drain.
PATIENCE_SECONDS = 600


class Turn:
    """Whose turn it is on a fleet: the lock's file bears the name of the run that converged last."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def take(self) -> str:
        """Makes it this run's turn, and gives its name."""
        name = secrets.token_hex(8)
        os.pwrite(self._descriptor, name.encode(), 0)
        return name

    def belongs_to(self, name: str | None) -> bool:
        """Whether no other run has converged since; true for a run that took none."""
        return name is None or os.pread(self._descriptor, 16, 0).decode("ascii", "replace") == name


class FleetBusy(Exception):
    """Another run holds the fleet, or the lock cannot be had; the sentence says what to do."""


@contextmanager
def fleet_lock(fleet: str, patience: float = PATIENCE_SECONDS, directory: str = LOCK_DIRECTORY) -> Iterator[Turn]:
    """Holds the fleet while the body runs; waits up to ``patience`` seconds for another run. Raises FleetBusy.

    The lock belongs to the open file, so that a killed run leaves nothing behind.
    """
    if not os.access(directory, os.W_OK):
        directory = tempfile.gettempdir()
    path = os.path.join(directory, f"mcp-orchestrator-{fleet}.lock")
    deadline = time.monotonic() + patience
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise FleetBusy(f"{path} cannot be opened: {error.strerror}; run as the user who runs this fleet") from error
    try:
        while not _taken(descriptor):
            if time.monotonic() >= deadline:
                raise FleetBusy(
                    f"another run has held fleet {fleet} for over {patience:g} s ({path});"
                    f" wait for it to end, or see who it is: fuser {path}"
                )
            time.sleep(POLL_SECONDS)
        yield Turn(descriptor)
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
