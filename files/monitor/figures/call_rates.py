"""How often each bridged server was called in the last hour, how that ended and how long it took."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from records.call import Call, call_of
from records.growth import Growth
from records.line import parse
from records.moment import SECOND, nanoseconds_of, text_of
from records.segments import Segments, position_of

WINDOW_SECONDS = 3600
LOOK_SECONDS = 5.0
# Of a server that was called so often that an hour does not fit, the last calls are counted.
MOST_AT_FIRST = 256 * 1024
MOST_AT_ONCE = 1024 * 1024
FAILED = ("error", "lost", "busy")
"""The outcomes that are errors: the server's answer, its death, no room for the call."""
# Durations are counted in classes that differ by a twentieth; a percentile is true to that.
_RATIO = math.log(1.05)


@dataclass(frozen=True, slots=True)
class Rate:
    """The calls of the last hour. ``p50`` and ``p95`` are milliseconds, None without a call; ``per_minute`` is over the
    part of the hour that is known."""

    calls: int
    errors: int
    per_minute: float
    p50: float | None
    p95: float | None


NOTHING = Rate(0, 0, 0.0, None, None)


@dataclass(slots=True)
class _Minute:
    calls: int = 0
    errors: int = 0
    durations: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class _Server:
    number: int
    offset: int
    known_since: int
    minutes: dict[int, _Minute] = field(default_factory=dict)


class CallRates:
    """The rates of all servers below the directory of the calls. What is there already is not read again."""

    def __init__(self, directory: Path, clock: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._growth = Growth(directory)
        self._clock = clock
        self._looked = float("-inf")
        self._servers: dict[str, _Server] = {}
        self._rates: dict[str, Rate] = {}
        self.identity = 0
        """Another one as soon as a figure is another."""

    def all(self) -> Mapping[str, Rate]:
        """Returns the rate by server, for each whose calls are recorded."""
        now = self._clock()
        if not 0 <= now - self._looked < LOOK_SECONDS:
            self._looked = now
            self._look(int(now))
        return self._rates

    def of(self, server: str) -> Rate:
        """Returns the rate of a server; no call where none is recorded."""
        return self.all().get(server, NOTHING)

    def _look(self, now: int) -> None:
        ends = self._growth.ends()
        self._servers = {name: each for name, each in self._servers.items() if name in ends}
        rates = {}
        for name, end in ends.items():
            number, offset = position_of(end) or (0, 0)
            known = self._servers.get(name)
            if known is None or (number, offset) < (known.number, known.offset):
                known = self._servers[name] = self._begin(name, number, offset, now)
            self._go_on(name, known, number, now)
            rates[name] = _rate(known, now)
        if rates != self._rates:
            self.identity += 1
            self._rates = rates

    def _begin(self, name: str, number: int, offset: int, now: int) -> _Server:
        """Where to begin with a server: in its last segments, as much as fits."""
        segments = Segments(self._directory / name)
        numbers = [each for each in segments.numbers() if each <= number]
        if offset < MOST_AT_FIRST and number - 1 in numbers:
            number -= 1
            offset = _size(segments, number)
        begun = max(offset - MOST_AT_FIRST, 0)
        whole = begun == 0 and numbers[:1] in ([number], [])
        return _Server(number, begun, 0 if whole else now)

    def _go_on(self, name: str, known: _Server, last: int, now: int) -> None:
        segments = Segments(self._directory / name)
        oldest = now - WINDOW_SECONDS
        known.minutes = {minute: each for minute, each in known.minutes.items() if minute * 60 >= oldest}
        for number in range(known.number, last + 1):
            offset = known.offset if number == known.number else 0
            size = _size(segments, number)
            if size - offset > MOST_AT_ONCE:  # a flood: what came last counts
                offset, known.known_since = size - MOST_AT_ONCE, now
                known.minutes.clear()
            if size > offset:
                data = segments.read(number, offset)
                self._count(name, known, data, text_of(oldest * SECOND))
                offset += len(data)
            known.number, known.offset = number, offset

    @staticmethod
    def _count(name: str, known: _Server, data: bytes, oldest: str) -> None:
        first, begun = oldest.encode("ascii"), None
        for raw in data.splitlines():
            if raw < first:
                begun = begun or oldest
                continue
            line = parse(name, raw, "")
            call = None if line is None else call_of(line)
            if line is None or call is None:
                continue
            begun = begun or line.time
            _add(known, call, nanoseconds_of(line.time) // SECOND)
        if begun is not None:
            known.known_since = min(known.known_since, nanoseconds_of(begun) // SECOND)


def _add(known: _Server, call: Call, at: int) -> None:
    minute = known.minutes.setdefault(at // 60, _Minute())
    minute.calls += 1
    minute.errors += call.outcome in FAILED
    minute.durations[math.floor(math.log(max(call.milliseconds, 0.1)) / _RATIO)] += 1


def _rate(known: _Server, now: int) -> Rate:
    if not known.minutes:
        return NOTHING
    calls = sum(each.calls for each in known.minutes.values())
    durations: Counter[int] = Counter()
    for each in known.minutes.values():
        durations.update(each.durations)
    minutes = min(max(now - known.known_since, 60), WINDOW_SECONDS) / 60
    errors = sum(each.errors for each in known.minutes.values())
    return Rate(calls, errors, calls / minutes, _percentile(durations, calls, 0.5), _percentile(durations, calls, 0.95))


def _percentile(durations: Counter[int], calls: int, share: float) -> float | None:
    seen = 0
    for place in sorted(durations):
        seen += durations[place]
        if seen >= share * calls:
            return math.exp((place + 0.5) * _RATIO)
    return None


def _size(segments: Segments, number: int) -> int:
    try:
        return segments.path(number).stat().st_size
    except OSError:
        return 0
