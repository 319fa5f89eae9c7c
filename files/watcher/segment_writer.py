"""Writing a log in segments: see ``records.segments``."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from records.segments import Segments

from .disk import Disk

SEGMENTS = 8
FILE_MODE = 0o640
# What is made below a directory with the bit set-group-ID gets its group and, where it is one, the bit: mkdir(2) itself
# ignores the bit, and the sandbox of the unit refuses it (RestrictSUIDSGID in systemd.exec(5)).
DIRECTORY_MODE = 0o750


class SegmentWriter:
    """Appends to the segments in ``directory``, which together hold ``size`` bytes at most.

    One process writes. What it wrote last may be torn, when the host lost power: that is cut off.
    """

    def __init__(self, directory: Path, size: int, disk: Disk) -> None:
        self._directory = directory
        self._segments = Segments(directory)
        self._most = size // SEGMENTS
        self._disk = disk
        self._number, self._end = 0, 0
        self._known = False

    @property
    def position(self) -> str:
        """Where the next line will begin."""
        self._look()
        return f"{self._number}:{self._end}"

    def write(self, lines: bytes) -> bool:
        """Appends whole lines; returns False where the disk has no room, and then nothing of them is there."""
        if not self._disk.has_room:
            return False
        try:
            self._look()
            if self._number == 0 or (self._end and self._end + len(lines) > self._most):
                self._begin()
            return self._append(lines)
        except OSError as error:
            self._disk.failed(error)
            return False

    def _append(self, lines: bytes) -> bool:
        path = self._segments.path(self._number)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
        try:
            try:
                written = os.pwrite(descriptor, lines, self._end)
            except OSError as error:
                written, failure = 0, error
            else:
                failure = OSError(28, "the file system is full")
            if written < len(lines):
                os.ftruncate(descriptor, self._end)
                self._disk.failed(failure)
                return False
        finally:
            os.close(descriptor)
        self._end += len(lines)
        return True

    def _look(self) -> None:
        """Finds the last segment once, and cuts off what is torn in it."""
        if self._known:
            return
        numbers = self._segments.numbers()
        if numbers:
            self._number = numbers[-1]
            path = self._segments.path(self._number)
            self._end = len(self._segments.read(self._number))
            with suppress(OSError):
                os.truncate(path, self._end)
        self._known = True

    def _begin(self) -> None:
        """Goes on in a new segment, and deletes those that are too many."""
        self._directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        self._number, self._end = self._number + 1, 0
        for number in self._segments.numbers()[: 1 - SEGMENTS]:
            self._segments.path(number).unlink(missing_ok=True)
