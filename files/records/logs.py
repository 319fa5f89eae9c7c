"""Reading logs: the last lines, what is found, and what comes next."""

from __future__ import annotations

import heapq
import math
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

from .line import Line, parse
from .moment import SECOND, nanoseconds_of
from .pattern import SECONDS, matches, matches_in
from .query import Query, spans
from .segments import Segments, position_of

MOST_LINES = 10_000
"""What one question is answered with at most."""
_STEP = 1024 * 1024  # bytes of new lines that are looked at in one go
_MOST_TOGETHER = 16  # servers that one matcher looks at
LONGEST_LINE = 256 * 1024
"""Bytes of a kept line at most: four a character, its head, and what says that it was cut."""


@dataclass(frozen=True, slots=True)
class Page:
    """Lines in the order of their times, and where to go on: ``position`` for each server by name.

    ``skipped``: the servers of which lines were deleted before they were read. ``is_whole`` is False where the time
    was up before everything had been looked at.
    """

    lines: Sequence[Line]
    position: dict[str, str]
    skipped: frozenset[str] = frozenset()
    is_whole: bool = True


class Logs:
    """The logs, or the calls, below one directory, with a directory for each server.

    Names of servers that a request brings are compared with those that are there, and open nothing by themselves.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def servers(self) -> list[str]:
        """Returns the names of the servers that have a log."""
        try:
            with os.scandir(self._directory) as found:
                return sorted(each.name for each in found if each.is_dir(follow_symlinks=False))
        except OSError:
            return []

    def size(self, server: str) -> int:
        """Returns the bytes of a server's log."""
        segments = self._of(server)
        return sum(_size(segments.path(number)) for number in segments.numbers()) if segments else 0

    def tail(self, servers: Sequence[str], query: Query, limit: int, seconds: float = SECONDS) -> Page:
        """Returns the last lines that are meant, of all these servers together, and where new ones will come.

        Looks for no longer than ``seconds``.
        """
        limit, until = min(limit, MOST_LINES), time.monotonic() + seconds
        segments = self._segments(servers)
        position = {server: each.end() for server, each in segments.items()}
        if query.regex:
            found = heapq.nlargest(limit, _by_expression(segments, query, until), key=_by_time)
        else:
            each_newest_first = [_by_text(server, each, query, until) for server, each in segments.items()]
            found = list(islice(heapq.merge(*each_newest_first, key=_by_time, reverse=True), limit))
        # The other way round first: of one time, those of a server stay in the order in which it wrote them.
        found.reverse()
        return Page(sorted(found, key=_by_time), position, is_whole=time.monotonic() < until)

    def search(self, servers: Sequence[str], query: Query, seconds: float = math.inf) -> Iterator[Line]:
        """Yields every line that is meant as it is found: server by server, the newest of each first.

        Ends after ``seconds``.
        """
        until, segments = time.monotonic() + seconds, self._segments(servers)
        if query.regex:
            yield from _by_expression(segments, query, until)
            return
        for server, each in segments.items():
            yield from _by_text(server, each, query, until)

    def oldest_first(self, server: str, query: Query) -> Iterator[Line]:
        """Yields every line of one server that is meant in the order in which it was written: what a download needs."""
        segments, admitted = self._of(server), query.admits()
        if segments is not None:
            for number in segments.numbers():
                if not _is_before(segments, number, query):
                    data = segments.read(number)
                    for first, last in _meant(data, query):
                        line = parse(server, data[first:last], f"{number}:{last + 1}")
                        if line is not None and admitted(line):
                            yield line

    def end(self, servers: Sequence[str]) -> dict[str, str]:
        """Returns the position behind all that is there now, for each of these servers that has a log."""
        return {server: segments.end() for server, segments in self._segments(servers).items()}

    def after(self, position: dict[str, str], query: Query, limit: int = MOST_LINES) -> Page:
        """Returns what has come since ``position``, which a former page gave. A position that is none begins anew at
        the end; so does that of a server without a log once it has one, at its beginning."""
        lines: list[Line] = []
        reached: dict[str, str] = {}
        skipped: set[str] = set()
        for server, text in position.items():
            segments = self._of(server)
            found = position_of(text)
            if segments is None or found is None:
                reached[server] = "0:0" if segments is None else segments.end()
                continue
            more, reached[server], lost = self._forward(server, segments, found, query, limit - len(lines))
            lines += more
            if lost:
                skipped.add(server)
        return Page(sorted(lines, key=_by_time), reached, frozenset(skipped))

    def _segments(self, servers: Sequence[str]) -> dict[str, Segments]:
        """The segments of those of these servers that there are."""
        there = set(self.servers())
        return {server: Segments(self._directory / server) for server in servers if server in there}

    def _of(self, server: str) -> Segments | None:
        return self._segments([server]).get(server)

    def _forward(
        self, server: str, segments: Segments, start: tuple[int, int], query: Query, limit: int
    ) -> tuple[list[Line], str, bool]:
        """The lines after ``start``, ``limit`` at most, where they end, and whether some before them are gone."""
        numbers = segments.numbers()
        number, offset = start
        lost = number > 0 and number not in numbers and any(each > number for each in numbers)
        admitted = query.admits()
        lines: list[Line] = []
        for each in (each for each in numbers if each >= number):
            begun = offset if each == number else 0
            data = segments.read(each, begun, _STEP)
            number, offset = each, begun + len(data)
            for first, last in _meant(data, query):
                if len(lines) >= limit:
                    return lines, f"{each}:{begun + first}", lost
                line = parse(server, data[first:last], f"{each}:{begun + last + 1}")
                if line is not None and admitted(line):
                    lines.append(line)
            if len(data) > _STEP - LONGEST_LINE:
                break  # there is more in this one
        return lines, f"{number}:{offset}", lost


def _by_text(server: str, segments: Segments, query: Query, until: float) -> Iterator[Line]:
    """The lines of a server that are meant, the newest first."""
    needle, admitted = query.needle, query.admits()
    for number in _numbers(segments, query):
        for offset, data in segments.backwards(number):
            if time.monotonic() >= until:
                return
            for first, last in reversed(list(spans(data, needle))):
                line = parse(server, data[first:last], f"{number}:{offset + last + 1}")
                if line is not None and admitted(line):
                    yield line


def _by_expression(segments: dict[str, Segments], query: Query, until: float) -> Iterator[Line]:
    """The lines that are meant: server by server, the newest of each first.

    A matcher takes the servers together, for it costs as much to start as to look at megabytes; at first few of them,
    for what it finds in a file is known to be all of it only when it has found something in another, or ends.
    """
    servers, count = list(segments), 1
    while servers:
        batch, servers = servers[:count], servers[count:]
        yield from _matched({server: segments[server] for server in batch}, query, until)
        count = min(2 * count, _MOST_TOGETHER)


def _matched(segments: dict[str, Segments], query: Query, until: float) -> Iterator[Line]:
    needle, admitted = query.needle, query.admits()
    files = {
        each.path(number): (server, number) for server, each in segments.items() for number in _numbers(each, query)
    }
    seconds = until - time.monotonic()
    if seconds <= 0:
        return
    for path, found in groupby(matches(query.regex, list(files), min(seconds, SECONDS)), key=itemgetter(0)):
        server, number = files[path]
        for _, offset, raw in reversed(deque(found, MOST_LINES)):
            if needle and not any(spans(raw + b"\n", needle)):
                continue
            line = parse(server, raw, f"{number}:{offset + len(raw) + 1}")
            if line is not None and admitted(line):
                yield line


def _numbers(segments: Segments, query: Query) -> list[int]:
    """The segments in which there may be something, the newest first."""
    return [number for number in reversed(segments.numbers()) if not _is_before(segments, number, query)]


def _meant(data: bytes, query: Query) -> Iterator[tuple[int, int]]:
    """Where the lines with the text and the expression begin and end in ``data``, in their order."""
    needle = query.needle
    if not query.regex or not data:
        yield from spans(data, needle)
        return
    for offset, raw in matches_in(query.regex, data):
        if not needle or any(spans(raw + b"\n", needle)):
            yield offset, offset + len(raw)


def _is_before(segments: Segments, number: int, query: Query) -> bool:
    """Whether all of a segment is older than what is asked for: nothing in it is younger than its last change."""
    return bool(query.since) and segments.changed(number) * SECOND < nanoseconds_of(query.since) - SECOND


def _by_time(line: Line) -> str:
    return line.time


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
