"""What the whole fleet used in the month that is kept, four hours at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from records.sample import REDUCED, Ring, Sample

STEP = 4 * 3600
POINTS = REDUCED.seconds // STEP


class Reader(Protocol):
    """As records.samples.Samples."""

    def servers(self) -> list[str]:
        """The servers that have samples."""

    def series(self, server: str, ring: Ring, since: int, until: int) -> list[Sample]:
        """The samples of a server."""


@dataclass(frozen=True, slots=True)
class Month:
    """``cpu`` in cores and ``memory`` in bytes, the sums of the servers' means, the oldest first, None in a gap."""

    cpu: tuple[float | None, ...]
    memory: tuple[float | None, ...]


class FleetMonth:
    """The sums of all servers. A step that has ended is read once."""

    def __init__(self, samples: Reader, clock: Callable[[], float] = time.time) -> None:
        self._samples = samples
        self._clock = clock
        self._sums: dict[int, tuple[float, float]] = {}
        self._read_to = 0

    def month(self) -> Month:
        """Returns the sums up to the last step that has ended."""
        # The last sample of a step is written a little after its end.
        until = (int(self._clock()) - REDUCED.step) // STEP * STEP
        if until != self._read_to:
            self._read(until)
        steps = [until - (POINTS - place) * STEP for place in range(POINTS)]
        found = [self._sums.get(step) for step in steps]
        return Month(
            tuple(None if each is None else each[0] for each in found),
            tuple(None if each is None else each[1] for each in found),
        )

    def _read(self, until: int) -> None:
        oldest = until - POINTS * STEP
        since = self._read_to if oldest <= self._read_to < until else oldest
        sums = {step: each for step, each in self._sums.items() if oldest <= step < since}
        for server in self._samples.servers():
            places: dict[int, list[Sample]] = {}
            for each in self._samples.series(server, REDUCED, since, until):
                if not each.is_measured:
                    continue
                places.setdefault(each.time // STEP * STEP, []).append(each)
            for step, members in places.items():
                cpu, memory = sums.get(step, (0.0, 0.0))
                sums[step] = (
                    cpu + _mean([each.cpu / 1000 for each in members]),
                    memory + _mean([float(each.memory) for each in members]),
                )
            time.sleep(0)  # others have their turn
        self._sums, self._read_to = sums, until


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
