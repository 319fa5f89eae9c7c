"""The event streams of one session: one for each call that needs it, and one that belongs to no call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .event_stream import EventStream, position
from .keepalive import keep_alive

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.http.request import Request

    from .event_store import EventStore

_STANDALONE = 0  # the number of the stream that belongs to no call


class SessionStreams:
    """Opens streams, finds them again for clients that take them up, and keeps them alive.

    `slow` is told of a connection after each event that was written to it; `left` when a stream has lost its last
    connection, and whether that was the standalone one. `first`: the number of the stream after which others are
    counted.
    """

    def __init__(
        self, store: EventStore, *, slow: Callable[[Request], None], left: Callable[[bool], None], first: int = 0
    ) -> None:
        self._store = store
        self._slow = slow
        self._left = left
        self._primes = False
        self._by_number: dict[int, EventStream] = {}
        self._numbers = first
        self.standalone = self._open(_STANDALONE)
        """The stream that a GET opens."""

    @property
    def attended(self) -> bool:
        """Whether a client is there for any of them."""
        return any(stream.readers for stream in self._by_number.values())

    def open(self) -> EventStream:
        """Returns a new stream, for a call."""
        self._numbers += 1
        return self._open(self._numbers)

    def resume(self, request: Request, last: bytes) -> bool:
        """Answers `request` with the rest of the stream that broke off after the event `last`. Returns False where that
        is not held."""
        where = position(last)
        stream = None if where is None else self._by_number.get(where[0])
        if where is None or stream is None:
            return False
        stream.attach(request, after=where[1])
        return True

    def prime(self, primes: bool) -> None:
        """Sets whether the client understands an event with an id and no data at the start of a stream."""
        self._primes = primes
        for stream in self._by_number.values():
            stream.primes = primes

    def keep_alive(self, now: float, seconds: float) -> None:
        """Writes a comment to those to which nothing was written for `seconds`. `now`: monotonic seconds."""
        for stream in self._by_number.values():
            keep_alive(stream.readers, now, seconds)

    def close(self) -> None:
        """Ends all."""
        for stream in list(self._by_number.values()):
            stream.finish()
            stream.release()
        self.standalone.release()
        self._by_number.clear()
        self._store.close()
        # They know the session, and would keep it in memory until a collector comes by.
        self._slow = self._left = _ignore

    def _open(self, number: int) -> EventStream:
        stream = EventStream(number, self._store, slow=self._slow, left=self._lost, forget=self._forget)
        stream.primes = self._primes
        self._by_number[number] = stream
        return stream

    def _lost(self, stream: EventStream) -> None:
        self._left(stream is self.standalone)

    def _forget(self, stream: EventStream) -> None:
        self._by_number.pop(stream.number, None)


def is_standalone(last: bytes) -> bool:
    """Says whether the event `last` is of the stream that belongs to no call."""
    where = position(last)
    return where is not None and where[0] == _STANDALONE


def _ignore(_: object) -> None:
    pass
