"""Server-sent events towards one client, numbered, so that a broken stream can be taken up again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .http import Header, Request
    from .limits import Limits

COMMENT = b":\n\n"
_RETRY_MS = 1000


class Journal:
    """The last events of all streams of a session, bounded in number and bytes; the oldest go first."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._order: deque[Stream] = deque()
        self._size = 0

    def keep(self, stream: Stream, number: int, event: bytes) -> None:
        stream.events.append((number, event))
        self._order.append(stream)
        self._size += len(event)
        # One event may exceed the bound alone: it may be the only copy of an answer.
        while len(self._order) > 1 and (
            len(self._order) > self._limits.journal_events or self._size > self._limits.journal_bytes
        ):
            oldest = self._order.popleft()
            _, dropped = oldest.events.popleft()
            self._size -= len(dropped)
            oldest.trim()


class Stream:
    """Events `<stream>-<number>`, written to the client's newest connection, or kept until it has one."""

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
        slow: Callable[[Request], None],
        forget: Callable[[Stream], None],
        left: Callable[[Stream], None],
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
        self._forget = forget
        self._left = left

    def attach(self, request: Request, after: int | None = None, headers: Iterable[Header] = ()) -> None:
        """Answers `request` with this stream, from the event after number `after` on, or from what nobody got yet."""
        request.open_stream(headers=headers)
        request.on_lost = lambda: self.detach(request)
        self.readers.append(request)
        start = self.delivered if after is None else after
        if self.primes and after is None:
            request.write(b"id: %d-%d\nretry: %d\ndata:\n\n" % (self.number, start, _RETRY_MS))
        for number, event in self.events:
            if number > start:
                request.write(event)
        self.delivered = self.count
        if self.finished:
            self._close()

    def detach(self, request: Request) -> None:
        if request in self.readers:
            self.readers.remove(request)
            self._left(self)

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

    def trim(self) -> None:
        """A finished stream of which nothing is left cannot be resumed."""
        if self.finished and not self.events:
            self._forget(self)

    def _close(self) -> None:
        for request in self.readers:
            request.on_lost = None
            request.close()
        self.readers.clear()


def position(text: bytes) -> tuple[int, int] | None:
    """The stream's and the event's number in an event id, None where it is not one of ours."""
    stream, dash, event = text.partition(b"-")
    if dash and stream.isdigit() and event.isdigit():
        return int(stream), int(event)
    return None
