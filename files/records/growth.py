"""Where each log ends now, looked up once for all that follow."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from .segments import Segments

SECONDS = 0.2
"""How old an answer may be."""


class Growth:
    """The ends of the logs below one directory.

    Many followers ask several times a second, each of all servers. Who comes first looks; a log in which no segment has
    begun costs two calls of stat. Safe for threads.
    """

    def __init__(self, directory: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._ends: Mapping[str, str] = {}
        self._last: dict[str, tuple[int, int]] = {}

    def ends(self) -> Mapping[str, str]:
        """Returns the position behind everything that is there, by server."""
        with self._lock:
            if self._clock() - self._looked >= SECONDS:
                self._ends = self._look()
                self._looked = self._clock()
            return self._ends

    def _look(self) -> dict[str, str]:
        try:
            with os.scandir(self._directory) as found:
                there = {each.name: each.path for each in found if each.is_dir(follow_symlinks=False)}
        except OSError:
            there = {}
        self._last = {server: known for server, known in self._last.items() if server in there}
        return {server: self._end(server, Path(place)) for server, place in there.items()}

    def _end(self, server: str, place: Path) -> str:
        segments = Segments(place)
        try:
            changed = place.stat().st_mtime_ns
            known, number = self._last.get(server, (0, 0))
            if known != changed:
                number = segments.numbers()[-1]
                self._last[server] = changed, number
            return f"{number}:{segments.path(number).stat().st_size}"
        except (OSError, IndexError):
            self._last.pop(server, None)
            return "0:0"
