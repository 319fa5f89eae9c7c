"""The calls whose spans are not sent yet: they wait in the files in which the watcher records them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from records.call import Call
from records.calls import Calls
from records.growth import Growth
from records.query import Query

MOST_CALLS = 512
"""Of one batch: what OpenTelemetry's own processors send at once."""
_ALL = Query()
_BEGINNING = "0:0"


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls in the order of their ends by server. ``position`` is how far they go; ``skipped`` are the servers of which
    calls were deleted before they were read."""

    calls: Sequence[Call]
    position: Mapping[str, str]
    skipped: frozenset[str]


class Backlog:
    """What has come to the records below ``directory`` since ``position``; without one, what comes from now on."""

    def __init__(self, directory: Path, position: Mapping[str, str] | None) -> None:
        self._calls = Calls(directory)
        self._growth = Growth(directory)
        self.position: dict[str, str] = dict(self._growth.ends() if position is None else position)

    def next(self) -> Batch:
        """Returns what comes next, MOST_CALLS at most; the same again until ``done``."""
        ends = self._growth.ends()
        for gone in self.position.keys() - ends.keys():
            del self.position[gone]
        calls: list[Call] = []
        reached: dict[str, str] = {}
        skipped: set[str] = set()
        for server in (*sorted(ends.keys() - self.position.keys()), *self.position):
            start = self.position.get(server, _BEGINNING)
            if ends[server] == start:
                continue
            page = self._calls.after({server: start}, _ALL, MOST_CALLS - len(calls))
            calls += page.calls
            reached[server] = page.position[server]
            skipped |= page.skipped
            if len(calls) >= MOST_CALLS:
                break
        return Batch(calls, reached, frozenset(skipped))

    def done(self, batch: Batch) -> None:
        """Goes on behind a batch. Its servers come last in the next one, so that none keeps the others waiting."""
        for server, position in batch.position.items():
            self.position.pop(server, None)
            self.position[server] = position
