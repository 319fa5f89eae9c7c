"""Following logs for one reader who may be slower than the servers write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .growth import Growth
from .line import Line
from .logs import Logs
from .query import Query
from .segments import position_of

MOST_LINES = 100
"""Lines of one step, shared by the servers that have written, of which each may have a few."""
_LEAST = 10
_NEWEST, _NEWEST_SECONDS = 20, 0.2
MOST_LOOKS = 4
"""How often a step looks at the next piece of a log, at most 1 MiB each, before it goes on at the end."""
_BEGINNING = "0:0"


@dataclass(frozen=True, slots=True)
class Step:
    """What has come, in the order of the times, and the servers of which something was left out: it was too much, or
    it was deleted before it was read."""

    lines: Sequence[Line] = ()
    left_out: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.lines or self.left_out)


class Follower:
    """What comes to some logs from ``position`` on, with all servers also to those that begin later.

    A step costs the same however much is written. Of what does not fit the last lines are told and the others left out,
    and the follower goes on with what is written then, so that what it tells is never old.
    """

    def __init__(
        self, logs: Logs, growth: Growth, query: Query, position: Mapping[str, str], *, all_servers: bool = False
    ) -> None:
        self._logs = logs
        self._growth = growth
        self._query = query
        self._position = dict(position)
        self._all = all_servers

    def step(self) -> Step:
        """Returns what has come since the last step."""
        ends = self._growth.ends()
        gone = self._position.keys() - ends.keys()
        new = ends.keys() - self._position.keys() if self._all else set()
        self._position |= dict.fromkeys(gone | new, _BEGINNING)
        grown = [server for server, reached in self._position.items() if ends.get(server, reached) != reached]
        # One that floods must not take the place of those that say a word.
        limit = max(MOST_LINES // max(len(grown), 1), _LEAST)
        lines: list[Line] = []
        left_out: set[str] = set()
        for server in grown:
            found, whole = self._of(server, ends[server], limit)
            lines += found
            if not whole:
                left_out.add(server)
        return Step(sorted(lines, key=lambda line: line.time), frozenset(left_out))

    def _of(self, server: str, end: str, limit: int) -> tuple[list[Line], bool]:
        """The next lines of a server, and whether that is all up to ``end``."""
        lines: list[Line] = []
        whole = True
        for _ in range(MOST_LOOKS):
            if limit - len(lines) <= 0:
                break
            before = self._position[server]
            page = self._logs.after({server: before}, self._query, limit - len(lines))
            self._position[server] = page.position[server]
            whole = whole and not page.skipped
            lines += page.lines
            if _reached(self._position[server], end) or self._position[server] == before:
                return lines, whole
        return lines + self._newest_of(server), False

    def _newest_of(self, server: str) -> list[Line]:
        """The last lines of what is passed over: how a flood ends says more than how it goes on."""
        passed = position_of(self._position[server]) or (0, 0)
        page = self._logs.tail([server], self._query, _NEWEST, _NEWEST_SECONDS)
        self._position[server] = page.position.get(server, _BEGINNING)
        return [line for line in page.lines if (position_of(line.position) or (0, 0)) > passed]


def _reached(position: str, end: str) -> bool:
    return (position_of(position) or (0, 0)) >= (position_of(end) or (0, 0))
