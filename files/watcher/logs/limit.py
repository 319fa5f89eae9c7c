"""How much of one container's output is kept: so many bytes a second, and a burst of them at once.

It goes by the times of the lines, not by when they are read: what a quiet server wrote while nobody read counts as
quiet.
"""

from __future__ import annotations

from dataclasses import dataclass

from records.moment import SECOND, nanoseconds_of

BURST_SECONDS = 30


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was not kept. ``time``: that of the last line of it."""

    time: str
    lines: int
    size: int

    @property
    def text(self) -> bytes:
        """The remark that takes its place."""
        lines = "1 line" if self.lines == 1 else f"{self.lines} lines"
        return f"{lines} ({self.size} bytes) left out: more than is kept of one container in a second".encode()


class Limit:
    """``rate``: bytes a second; 0 keeps everything."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._room = float(rate * BURST_SECONDS)
        self._at = 0
        self._second = ""
        self._lines = self._size = 0
        self._last = ""

    @property
    def leaves_out(self) -> bool:
        """Whether lines are being left out now."""
        return self._lines > 0

    def takes(self, time: str, size: int) -> bool:
        """Returns whether a line of ``size`` bytes is to be kept; counts those that are not."""
        if not self._rate:
            return True
        if time[:19] != self._second:  # once a second is exact enough, and costs nothing in a flood
            self._refill(time)
        # Out of a flood whole seconds are kept, with gaps between them, rather than every hundredth line.
        enough = size if not self._lines else self._rate
        if self._room >= enough:
            self._room -= size
            return True
        self._lines, self._size, self._last = self._lines + 1, self._size + size, time
        return False

    def report(self, kept: int = 0, size: int = 0) -> LeftOut | None:
        """Returns what was left out since the last report; of that, ``kept`` lines of ``size`` bytes were not."""
        found = LeftOut(self._last, self._lines - kept, self._size - size)
        self._lines = self._size = 0
        return found if found.lines > 0 else None

    def _refill(self, time: str) -> None:
        self._second = time[:19]
        now = nanoseconds_of(time)
        self._room = min(self._room + max(now - self._at, 0) / SECOND * self._rate, self._rate * BURST_SECONDS)
        self._at = now
