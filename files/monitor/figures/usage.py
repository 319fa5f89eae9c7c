"""What each server used in the last day, as sparklines and sums."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from records.sample import FULL, REDUCED, Ring, Sample
from records.samples import Latest, Now

POINTS = 48
DAY = 86400
_STEP = DAY // POINTS
LOOK_SECONDS = 15.0
# The watcher writes a reduced sample at the end of its step; one that is late is looked for again.
_AGAIN = 2 * REDUCED.step


class Reader(Protocol):
    """As records.samples.Samples."""

    def servers(self) -> list[str]:
        """The servers that have samples."""

    def of_all(self, ring: Ring, since: int, until: int) -> Mapping[str, list[Sample]]:
        """The samples of all servers."""

    def series(self, server: str, ring: Ring, since: int, until: int) -> list[Sample]:
        """The samples of a server."""

    def now(self) -> Now:
        """The last round."""


@dataclass(frozen=True, slots=True)
class Usage:
    """``cpu`` in cores and ``memory`` in bytes are means of half an hour each, the oldest first, None in a gap.

    ``latest`` is the last sample, None where there is none or it is old. ``restarts`` and ``oom_kills`` are those of
    the last day.
    """

    cpu: tuple[float | None, ...]
    memory: tuple[float | None, ...]
    latest: Latest | None
    restarts: int
    oom_kills: int


NOTHING = Usage((None,) * POINTS, (None,) * POINTS, None, 0, 0)


class Usages:
    """The usage of all servers. What is there already is not read again."""

    def __init__(self, samples: Reader, clock: Callable[[], float] = time.time) -> None:
        self._samples = samples
        self._clock = clock
        self._looked = float("-inf")
        self._read_to = 0
        self._day: dict[str, dict[int, Sample]] = {}
        self._usages: dict[str, Usage] = {}
        self.identity = 0
        """Another one as soon as a figure is another."""

    def all(self) -> Mapping[str, Usage]:
        """Returns the usage by server."""
        now = self._clock()
        if not 0 <= now - self._looked < LOOK_SECONDS:
            self._looked = now
            self._look(int(now))
        return self._usages

    def of(self, server: str) -> Usage:
        """Returns the usage of a server; nothing where none is known."""
        return self.all().get(server, NOTHING)

    def _look(self, now: int) -> None:
        since = now - DAY
        if self._read_to > now:  # the clock was set back
            self._day, self._read_to = {}, 0
        for server, samples in self._samples.of_all(REDUCED, max(since, self._read_to - _AGAIN), now).items():
            self._day.setdefault(server, {}).update((each.time, each) for each in samples)
        self._read_to = now
        found = self._samples.now()
        fresh = found.servers if now - found.time < 4 * FULL.step else {}
        there = set(self._samples.servers())
        self._day = {
            server: {at: each for at, each in day.items() if at >= since}
            for server, day in self._day.items()
            if server in there
        }
        usages = {server: self._usage(server, fresh.get(server), now) for server in there}
        if usages != self._usages:
            self.identity += 1
            self._usages = usages

    def _usage(self, server: str, latest: Latest | None, now: int) -> Usage:
        day = list(self._day.get(server, {}).values())
        restarts, oom_kills = sum(each.restarts for each in day), sum(each.oom_kills for each in day)
        if latest is not None and (latest.restarts or latest.oom_kills):
            # What has happened since the last step of ten minutes is news, and not in it.
            since = max((each.time + REDUCED.step for each in day), default=now - REDUCED.step)
            for each in self._samples.series(server, FULL, since, now):
                restarts, oom_kills = restarts + each.restarts, oom_kills + each.oom_kills
        begun = now // _STEP * _STEP - (POINTS - 1) * _STEP
        places: list[list[Sample]] = [[] for _ in range(POINTS)]
        for each in day:
            if each.time >= begun and each.is_measured:
                places[(each.time - begun) // _STEP].append(each)
        cpu = tuple(_mean([each.cpu / 1000 for each in place]) for place in places)
        memory = tuple(_mean([float(each.memory) for each in place]) for place in places)
        return Usage(cpu, memory, latest, restarts, oom_kills)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
