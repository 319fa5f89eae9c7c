"""Logs as they are written: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

``found`` has lines of the past as a search finds them, the newest of each server first; ``searched`` says that it has
ended, and whether it has seen everything; ``lines`` has what is written from then on; ``left`` names servers of which
something was left out. An event's id is the time of its last line, from which a browser goes on.
"""

from __future__ import annotations

import heapq
import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from records.follow import Follower
from records.growth import Growth
from records.line import Line
from records.logs import Logs
from records.moment import SECOND, nanoseconds_of, text_of
from records.query import Query

from monitor.log_query import asked_of
from monitor.pages.logs import MOST_LINES, SECONDS, row_of
from monitor.server import apart, apart_each
from monitor.sources import Sources
from monitor.web import Answer, Request

MOST_FOLLOWERS = 100
STEP_SECONDS = 0.25
FLOOD_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0
LONGEST_SECONDS = 900.0
"""After this long a stream ends, and the browser begins another with a login that may have been taken away."""
# What one server wrote before the time from which a browser goes on may be kept later than what another wrote.
_OVERLAP = 2 * SECOND
_PIECE = 50
_EVENT_STREAM = "text/event-stream; charset=utf-8"


class _Followers:
    """How many there are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def enter(self) -> bool:
        with self._lock:
            if self._count >= MOST_FOLLOWERS:
                return False
            self._count += 1
            return True

    def leave(self) -> None:
        with self._lock:
            self._count -= 1


_followers = _Followers()


class _Body:
    """The events of one follower, who is counted until the server closes it, be it before the first event."""

    def __init__(self, events: Generator[bytes]) -> None:
        self._events = events
        self._open = True

    def __iter__(self) -> Iterator[bytes]:
        return self._events

    def close(self) -> None:
        self._events.close()
        if self._open:
            self._open = False
            _followers.leave()


def follow(request: Request, sources: Sources) -> Answer | None:
    """The stream of what is asked for, with ``past`` beginning with what has been written."""
    asked = apart(asked_of, request)
    there = sources.logs.servers()
    if asked.query is None:
        return Answer(f"{asked.problem}\n", 400, "text/plain; charset=utf-8")
    if asked.server and asked.server not in there:
        return None
    since = _moment(request.headers.get("last-event-id") or request.asked("from"))
    stream = LogStream(sources.logs, sources.growth, asked.query, asked.servers(there), is_all=not asked.server)
    events = stream.events(since, has_past=bool(request.asked("past")))
    answer = streamed(events)
    if answer is None:
        return Answer("Too many follow logs at once.\n", 503, "text/plain; charset=utf-8", {"Retry-After": "10"})
    return answer


def streamed(events: Generator[bytes]) -> Answer | None:
    """An answer of events, which takes one of the places for followers; None where there is none left."""
    return Answer(_Body(events), 200, _EVENT_STREAM) if _followers.enter() else None


class LogStream:
    """The events of one reader."""

    def __init__(
        self,
        logs: Logs,
        growth: Growth,
        query: Query,
        servers: Sequence[str],
        *,
        is_all: bool,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logs = logs
        self._growth = growth
        self._query = query
        self._servers = servers
        self._all = is_all
        self._sleep = sleep
        self._clock = clock

    def events(self, since: str, *, has_past: bool) -> Generator[bytes]:
        """Yields the events: what was written from ``since`` on, or with ``has_past`` what a search finds, and then
        what comes. What is between the two may come twice."""
        began = self._clock()
        yield b"retry: 1000\n\n"
        follower = Follower(self._logs, self._growth, self._query, self._logs.end(self._servers), all_servers=self._all)
        if has_past:
            yield from apart_each(self._past())
        elif since:
            yield from apart_each(self._missed(since))
        said = self._clock()
        while self._clock() - began < LONGEST_SECONDS:
            step = apart(follower.step) if self._query.regex else follower.step()
            if step.left_out:
                yield _event("left", sorted(step.left_out))
            if step.lines:
                yield _lines("lines", step.lines)
            if step:
                said = self._clock()
            elif self._clock() - said >= HEARTBEAT_SECONDS:
                yield b": still here\n\n"
                said = self._clock()
            # Nobody reads a flood, and fifty readers of one must leave time for the pages.
            self._sleep(FLOOD_SECONDS if step.left_out else STEP_SECONDS)

    def _past(self) -> Iterator[bytes]:
        """What is found, a few lines at a time: of each server those that are among the newest of all so far."""
        until = self._clock() + SECONDS
        newest: list[str] = []
        one_matcher = bool(self._query.regex)
        for servers in [self._servers] if one_matcher else [[server] for server in self._servers]:
            piece: list[Line] = []
            for line in self._logs.search(servers, self._query, max(until - self._clock(), 0)):
                if len(newest) >= MOST_LINES and line.time <= newest[0]:
                    if one_matcher:
                        continue
                    break
                (heapq.heappushpop if len(newest) >= MOST_LINES else heapq.heappush)(newest, line.time)
                piece.append(line)
                if len(piece) >= _PIECE or len(newest) == 1:
                    yield _lines("found", piece)
                    piece = []
            if piece:
                yield _lines("found", piece)
        yield _event("searched", {"whole": self._clock() < until, "count": len(newest)}, max(newest, default=""))

    def _missed(self, since: str) -> Iterator[bytes]:
        """What was written since a browser saw the last line."""
        from_then = text_of(max(nanoseconds_of(since) - _OVERLAP, 0))
        query = Query(
            text=self._query.text,
            regex=self._query.regex,
            since=max(from_then, self._query.since),
            stream=self._query.stream,
            level=self._query.level,
        )
        lines = self._logs.tail(self._servers, query, MOST_LINES, SECONDS).lines
        if lines:
            yield _lines("lines", lines)


def _moment(text: str) -> str:
    """The time that a browser sent back; empty where it is none."""
    try:
        nanoseconds_of(text)
    except ValueError:
        return ""
    return text


def _lines(name: str, lines: Sequence[Line]) -> bytes:
    return _event(name, [row_of(line).to_list() for line in lines], lines[-1].time if name == "lines" else "")


def _event(name: str, data: Any, identity: str = "") -> bytes:
    identified = f"id: {identity}\n" if identity else ""
    return f"event: {name}\n{identified}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode("utf-8", "replace")
