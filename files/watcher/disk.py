"""Whether there is room to record. Records never take the last of a disk: runs need it to heal."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

log = logging.getLogger("watcher")

RESERVE_SHARE = 0.05
LARGEST_RESERVE = 512 * 1024 * 1024
LOOK_SECONDS = 5.0


class Disk:
    """The file system of ``directory``. Where it is full, recording stops, is tried again, and says both."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._looked = -LOOK_SECONDS
        self._why = ""

    @property
    def has_room(self) -> bool:
        """Whether records may be written now."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._judge(self._lacking())
        return not self._why

    def failed(self, error: OSError) -> None:
        """Notes that a write failed: nothing is written for the next LOOK_SECONDS."""
        self._looked = time.monotonic()
        self._judge(error.strerror or type(error).__name__)

    def _lacking(self) -> str:
        try:
            found = os.statvfs(self._directory)
        except OSError as error:
            return error.strerror or type(error).__name__
        free = found.f_bavail * found.f_frsize
        reserve = min(found.f_blocks * found.f_frsize * RESERVE_SHARE, LARGEST_RESERVE)
        return "" if free >= reserve else f"only {free // 1024} KiB are free"

    def _judge(self, why: str) -> None:
        if why and not self._why:
            log.warning("%s: %s: nothing is recorded until there is room", self._directory, why)
        elif self._why and not why:
            log.warning("%s: there is room again, and recording goes on", self._directory)
        self._why = why
