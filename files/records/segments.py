"""The files of one log: numbered segments, of which the last grows and the first is deleted when there are too many.

A segment never changes its name, and only the last one changes at all. So a position, ``NUMBER:OFFSET``, stays true
for as long as its segment is there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_NAME = re.compile(r"([0-9]{8})\.log")
_POSITION = re.compile(r"([0-9]{1,8}):([0-9]{1,18})")
_FIRST_WINDOW = 64 * 1024
LARGEST = 64 * 1024 * 1024
"""Bytes of a segment that are read at most; the watcher's are much smaller."""


def name_of(number: int) -> str:
    """Returns the name of a segment's file."""
    return f"{number:08d}.log"


def position_of(text: str) -> tuple[int, int] | None:
    """Returns segment and offset of a position that somebody sent back; None where it is none."""
    found = _POSITION.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]))


class Segments:
    """The segments in a directory, which need not exist."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def numbers(self) -> list[int]:
        """Returns the numbers of those that are there, in their order."""
        try:
            names = os.listdir(self._directory)
        except OSError:
            return []
        return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))

    def path(self, number: int) -> Path:
        """Returns where a segment is."""
        return self._directory / name_of(number)

    def read(self, number: int, offset: int = 0, most: int = LARGEST) -> bytes:
        """Returns whole lines from ``offset`` on, ``most`` bytes at most; nothing where the segment is gone."""
        try:
            with self.path(number).open("rb") as file:
                file.seek(offset)
                found = file.read(most)
        except OSError:
            return b""
        return found[: found.rfind(b"\n") + 1]

    def backwards(self, number: int) -> Iterator[tuple[int, bytes]]:
        """Yields offset and whole lines of a segment, its end first: most want the end alone."""
        with suppress(OSError), self.path(number).open("rb") as file:
            size = min(file.seek(0, os.SEEK_END), LARGEST)
            file.seek(max(size - _FIRST_WINDOW, 0))
            last = file.read(min(_FIRST_WINDOW, size))
            begun = last.find(b"\n") + 1 if size > _FIRST_WINDOW else 0
            yield size - len(last) + begun, last[begun : last.rfind(b"\n") + 1]
            rest = size - len(last) + begun
            if rest:
                file.seek(0)
                yield 0, file.read(rest)

    def changed(self, number: int) -> float:
        """Returns when something was last written, in seconds since 1970; 0 where the segment is gone."""
        with suppress(OSError):
            return self.path(number).stat().st_mtime
        return 0.0

    def end(self) -> str:
        """Returns the position behind everything that is there."""
        numbers = self.numbers()
        if not numbers:
            return "0:0"
        with suppress(OSError):
            return f"{numbers[-1]}:{self.path(numbers[-1]).stat().st_size}"
        return f"{numbers[-1]}:0"
