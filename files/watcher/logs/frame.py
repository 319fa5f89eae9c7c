"""From the engine's frames to lines: the time before each, and the pieces of long ones joined.

The engine splits lines at 16,384 bytes; all pieces have the line's time, and the newline may be a piece of its own
(Docker 20.10 and 26).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from records.line import LONGEST
from records.moment import WIDTH, nanoseconds_of, text_of

_STREAMS = {"stdout": "out", "stderr": "err"}
_KEPT = 4 * LONGEST + 1  # bytes: a character has four at most


@dataclass(frozen=True, slots=True)
class Output:
    """A whole line of a container without its newline: ``stream`` is out or err, ``time`` as ``records.moment``.
    ``size`` is the bytes that it had; ``raw`` holds no more than can be kept."""

    time: str
    stream: str
    raw: bytes
    size: int


@dataclass(slots=True)
class _Part:
    time: str
    raw: bytearray = field(default_factory=bytearray)
    size: int = 0

    def line(self, stream: str) -> Output:
        return Output(self.time, stream, bytes(self.raw), self.size)


class Joiner:
    """Joins the frames of one container."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}

    def feed(self, stream: str, frame: bytes) -> Iterator[Output]:
        """Yields the lines that end with this frame. ``stream``: stdout or stderr."""
        given, _, raw = frame.partition(b" ")
        time = _time(given)
        name = _STREAMS[stream]
        part = self._parts.get(name)
        if part is not None and part.time != time:
            # Its end was lost: the container died, or its log was rotated.
            yield self._parts.pop(name).line(name)
            part = None
        ended = raw.endswith(b"\n")
        if ended and part is None:
            yield Output(time, name, raw.rstrip(b"\r\n")[:_KEPT], len(raw) - 1)
            return
        if part is None:
            part = self._parts[name] = _Part(time)
        piece = raw.rstrip(b"\r\n") if ended else raw
        part.raw += piece[: max(_KEPT - len(part.raw), 0)]
        part.size += len(piece)
        if ended:
            yield self._parts.pop(name).line(name)

    def rest(self) -> Iterator[Output]:
        """Yields the lines that have not ended, once there will be no more."""
        parts, self._parts = self._parts, {}
        for name, part in parts.items():
            yield part.line(name)


def _time(given: bytes) -> str:
    text = given.decode("ascii", "replace")
    if len(text) == WIDTH and text[-1] == "Z":
        return text
    try:
        return text_of(nanoseconds_of(text))  # podman writes the host's zone
    except ValueError:
        return text_of(0)
