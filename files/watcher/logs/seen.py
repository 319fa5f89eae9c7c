"""What of a container's output is kept already.

The engine repeats lines: after a reconnect, and at each rotation of its own files (Docker 20.10).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from records.moment import SECOND, nanoseconds_of, text_of

_OUT_OF_ORDER = 2 * SECOND


@dataclass(slots=True)
class Seen:
    """How far one stream of one container is kept: the last time, and the digests of the lines that have it."""

    time: str = ""
    digests: set[int] = field(default_factory=set)
    resuming: bool = False
    """Whether the engine may still send what is older."""

    def is_new(self, time: str, text: bytes) -> bool:
        """Returns whether a line is not kept yet, and remembers it."""
        if time == self.time:
            digest = zlib.crc32(text)
            if digest in self.digests:
                return False
            self.digests.add(digest)
            return True
        if self.resuming and time < self.time:
            return False
        self.time, self.digests, self.resuming = time, {zlib.crc32(text)}, False
        return True

    def may_be_new(self, time: str) -> bool:
        """Returns whether a line of this time can be new."""
        return not self.resuming or time >= self.time

    def pass_over(self, time: str) -> None:
        """Remembers that a line of this time was left out."""
        if time > self.time:
            self.time, self.digests, self.resuming = time, set(), False

    def note(self, time: str, text: bytes) -> None:
        """Remembers a line that is found in what is kept."""
        if time >= self.time:
            self.is_new(time, text)


class Progress:
    """How far a container is kept, in each of its streams: out, err, and call for the calls among err."""

    def __init__(self, saved: Mapping[str, Any] | None = None) -> None:
        """``saved`` is what ``to_dict`` returned. Raises ValueError, TypeError or AttributeError else."""
        self._streams = {
            name: Seen(str(time), set(map(int, digests))) for name, (time, digests) in (saved or {}).items()
        }
        # What is found behind what was saved may be one stream's and not yet the other's.
        self._complete: str | None = self._since()

    @property
    def has_begun(self) -> bool:
        """Whether anything of the container is kept."""
        return bool(self._streams)

    def stream(self, name: str) -> Seen:
        """Returns that of ``out``, ``err`` or ``call``."""
        return self._streams.setdefault(name, Seen())

    def resume(self, now: str) -> str:
        """Returns the time from which the engine is to send, as it is in ``records.moment``; empty for all.

        A time after ``now`` was written while the clock was wrong, and would hide what comes.
        """
        since, self._complete = (self._since() if self._complete is None else self._complete), None
        for name, seen in list(self._streams.items()):
            if seen.time > now:
                self._streams[name] = Seen(now)
            self._streams[name].resuming = True
        return min(since, now)

    def _since(self) -> str:
        """The time before which everything is kept: the streams' lines are a moment out of order at most."""
        last = max((seen.time for seen in self._streams.values()), default="")
        return text_of(max(nanoseconds_of(last) - _OUT_OF_ORDER, 0)) if last else ""

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data."""
        return {name: [seen.time, sorted(seen.digests)] for name, seen in self._streams.items()}
