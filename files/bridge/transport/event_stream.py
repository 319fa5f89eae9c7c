"""Server-sent events towards one client that can take them up again where they broke off."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bridge.http.request import Header, Request

    from .event_store import EventStore

_RETRY_MS = 1000


class EventStream:
    """Events `<stream>-<number>`, written to the client's newest connection, or kept until it has one.

    `slow` is told of a connection after each event, `left` when the last connection is gone, `forget` when nothing of
    the stream can be resumed any more.
    """

    __slots__ = (
        "_count",
        "_delivered",
        "_events",
        "_finished",
        "_forget",
        "_left",
        "_slow",
        "_store",
        "number",
        "primes",
        "readers",
    )

    def __init__(
        self,
        number: int,
        store: EventStore,
        *,
        slow: Callable[[Request], None],
        left: Callable[[EventStream], None],
        forget: Callable[[EventStream], None],
    ) -> None:
        self.number = number
        self._count = 0
        self._delivered = 0
        self._events: deque[tuple[int, bytes]] = deque()
        self.readers: list[Request] = []
        self._finished = False
        self.primes = False  # whether the client understands an event without data (2025-11-25 and later)
        self._store = store
        self._slow = slow
        self._left = left
        self._forget = forget

    def attach(self, request: Request, headers: Iterable[Header] = (), *, after: int | None = None) -> None:
        """Answers `request` with this stream, from the event after number `after` on, or from what nobody got yet."""
        request.open_stream(headers=headers)
        request.on_lost = lambda: self._detach(request)
        self.readers.append(request)
        while len(self.readers) > self._store.limits.readers:
            oldest = self.readers.pop(0)
            oldest.on_lost = None
            oldest.close()
        start = self._delivered if after is None else after
        if self.primes and after is None:
            request.write(b"id: %d-%d\nretry: %d\ndata:\n\n" % (self.number, start, _RETRY_MS))
        for number, event in self._events:
            if number > start:
                request.write(event)
        self._delivered = self._count
        if self._finished:
            self._close()

    def send(self, raw: bytes) -> None:
        """Sends one message, and keeps it for a client that takes the stream up again."""
        self._count += 1
        event = b"event: message\nid: %d-%d\ndata: %b\n\n" % (self.number, self._count, raw)
        self._events.append((self._count, event))
        self._store.keep(self, len(event))
        if self.readers:
            request = self.readers[-1]
            request.write(event)
            self._delivered = self._count
            self._slow(request)

    def finish(self) -> None:
        """Ends the stream and, properly, its connections."""
        self._finished = True
        self._close()
        self._trim()

    def release(self) -> None:
        """Tells the session nothing any more, which is over, so that nothing keeps it in memory."""
        self._slow = self._left = self._forget = _ignore

    def drop_oldest(self) -> int:
        """Forgets the oldest event that is held. Returns its size in bytes."""
        _, dropped = self._events.popleft()
        self._trim()
        return len(dropped)

    def _trim(self) -> None:
        """A finished stream of which nothing is left cannot be resumed."""
        if self._finished and not self._events:
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


def _ignore(_: object) -> None:
    pass


def position(text: bytes) -> tuple[int, int] | None:
    """Returns the stream's and the event's number in the event id `text`, None where it is not one of ours."""
    stream, dash, event = text.partition(b"-")
    if dash and stream.isdigit() and event.isdigit():
        return int(stream), int(event)
    return None
