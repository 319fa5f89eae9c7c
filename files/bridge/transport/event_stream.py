"""Server-sent events towards one client."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.http.server import Header, Request
    from bridge.limits import Limits

COMMENT = b":\n\n"
_RETRY_MS = 1000


class Journals:
    """Those of all sessions, which are bounded together, too: the largest loses its oldest events."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.size = 0
        self._all: set[Journal] = set()

    def open(self) -> Journal:
        journal = Journal(self)
        self._all.add(journal)
        return journal

    def close(self, journal: Journal) -> None:
        self._all.discard(journal)
        self.size -= journal.size

    def bound(self) -> None:
        while self.size > self.limits.answers // 2 and self._all:
            max(self._all, key=lambda journal: journal.size).drop()


class Journal:
    """The last events of all streams of a session, bounded in number and bytes; the oldest go first."""

    def __init__(self, journals: Journals) -> None:
        self._journals = journals
        self._order: deque[Stream] = deque()
        self.limits = journals.limits
        self.size = 0

    def keep(self, stream: Stream, number: int, event: bytes) -> None:
        stream.events.append((number, event))
        self._order.append(stream)
        self._count(len(event))
        limits = self.limits
        # One event may exceed the bound alone: it may be the only copy of an answer.
        while len(self._order) > 1 and (len(self._order) > limits.journal_events or self.size > limits.journal_bytes):
            self.drop()
        self._journals.bound()

    def drop(self) -> None:
        """Forgets the oldest event."""
        oldest = self._order.popleft()
        _, dropped = oldest.events.popleft()
        self._count(-len(dropped))
        oldest.trim()

    def close(self) -> None:
        self._journals.close(self)

    def _count(self, size: int) -> None:
        self.size += size
        self._journals.size += size


class Stream:
    """Events `<stream>-<number>`, written to the client's newest connection, or kept until it has one.

    `slow` is told of a connection after each event, `left` when the last connection is gone, `forget` when nothing of
    the stream can be resumed any more.
    """

    __slots__ = (
        "_forget",
        "_journal",
        "_left",
        "_slow",
        "count",
        "delivered",
        "events",
        "finished",
        "number",
        "primes",
        "readers",
    )

    def __init__(
        self,
        number: int,
        journal: Journal,
        *,
        slow: Callable[[Request], None],
        left: Callable[[Stream], None],
        forget: Callable[[Stream], None],
    ) -> None:
        self.number = number
        self.count = 0
        self.delivered = 0
        self.events: deque[tuple[int, bytes]] = deque()
        self.readers: list[Request] = []
        self.finished = False
        self.primes = False  # whether the client understands an event without data (2025-11-25 and later)
        self._journal = journal
        self._slow = slow
        self._left = left
        self._forget = forget

    def attach(self, request: Request, headers: Iterable[Header] = (), *, after: int | None = None) -> None:
        """Answers `request` with this stream, from the event after number `after` on, or from what nobody got yet."""
        request.open_stream(headers=headers)
        request.on_lost = lambda: self._detach(request)
        self.readers.append(request)
        while len(self.readers) > self._journal.limits.readers:
            oldest = self.readers.pop(0)
            oldest.on_lost = None
            oldest.close()
        start = self.delivered if after is None else after
        if self.primes and after is None:
            request.write(b"id: %d-%d\nretry: %d\ndata:\n\n" % (self.number, start, _RETRY_MS))
        for number, event in self.events:
            if number > start:
                request.write(event)
        self.delivered = self.count
        if self.finished:
            self._close()

    def send(self, raw: bytes) -> None:
        """Sends one message."""
        self.count += 1
        event = b"event: message\nid: %d-%d\ndata: %b\n\n" % (self.number, self.count, raw)
        self._journal.keep(self, self.count, event)
        if self.readers:
            request = self.readers[-1]
            request.write(event)
            self.delivered = self.count
            self._slow(request)

    def finish(self) -> None:
        """No more events; the connections end properly."""
        self.finished = True
        self._close()
        self.trim()

    def release(self) -> None:
        """The session is over: nothing is told to it any more, so that nothing keeps it in memory."""
        self._slow = self._left = self._forget = _ignore

    def trim(self) -> None:
        """A finished stream of which nothing is left cannot be resumed."""
        if self.finished and not self.events:
            self._forget(self)

    def _detach(self, request: Request) -> None:
        if request in self.readers:
            self.readers.remove(request)
            if not self.readers:
                self._left(self)

    def _close(self) -> None:
        for request in self.readers:
            request.on_lost = None
            request.close()
        self.readers.clear()


class PlainStream:
    """Events without numbers, for one connection: when it is lost, the stream is."""

    __slots__ = ("_lost", "_slow", "readers")

    def __init__(self, *, slow: Callable[[Request], None], lost: Callable[[PlainStream], None]) -> None:
        self.readers: list[Request] = []
        self._slow = slow
        self._lost = lost

    def attach(self, request: Request, headers: Iterable[Header] = ()) -> None:
        request.open_stream(headers=headers)
        request.on_lost = self._detach
        self.readers.append(request)

    def send(self, raw: bytes, event: bytes = b"message") -> None:
        for request in self.readers:
            request.write(b"event: %b\ndata: %b\n\n" % (event, raw))
            self._slow(request)

    def finish(self) -> None:
        readers, self.readers = self.readers, []
        for request in readers:
            request.on_lost = None
            request.close()

    def _detach(self) -> None:
        if self.readers:
            self.readers.clear()
            self._lost(self)


def _ignore(_: object) -> None:
    pass


def position(text: bytes) -> tuple[int, int] | None:
    """The stream's and the event's number in an event id, None where it is not one of ours."""
    stream, dash, event = text.partition(b"-")
    if dash and stream.isdigit() and event.isdigit():
        return int(stream), int(event)
    return None
