"""How much of what streams have said is kept for clients that take up a broken stream again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bridge.limits import Limits


class Replayable(Protocol):
    """A stream that holds its own last events."""

    def drop_oldest(self) -> int:
        """Forgets the oldest event that is held, of which there is one. Returns its size in bytes."""


class EventStores:
    """Those of all sessions, which are bounded together, too: the largest loses its oldest events."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._size = 0
        self._all: set[EventStore] = set()

    def open(self) -> EventStore:
        """Returns the store of a new session."""
        store = EventStore(self)
        self._all.add(store)
        return store

    def close(self, store: EventStore) -> None:
        """Counts the events of `store` no more, whose session is over."""
        self._all.discard(store)
        self._size -= store.size

    def resize(self, size: int) -> None:
        """Adds `size` bytes, fewer than none where events were dropped."""
        self._size += size

    def shrink(self) -> None:
        """Drops events until the bound for all holds."""
        while self._size > self.limits.answers // 2 and self._all:
            max(self._all, key=lambda store: store.size).drop()


class EventStore:
    """The order of the last events of all streams of a session, bounded in number and bytes; the oldest go first."""

    def __init__(self, stores: EventStores) -> None:
        self.limits = stores.limits
        self.size = 0
        """Bytes."""
        self._stores = stores
        self._order: deque[Replayable] = deque()

    def keep(self, stream: Replayable, size: int) -> None:
        """Takes note that `stream` holds one more event, of `size` bytes."""
        self._order.append(stream)
        self._resize(size)
        limits = self.limits
        # One event may exceed the bound alone: it may be the only copy of an answer.
        while len(self._order) > 1 and (len(self._order) > limits.store_events or self.size > limits.store_bytes):
            self.drop()
        self._stores.shrink()

    def drop(self) -> None:
        """Makes the stream that holds the oldest event forget it."""
        self._resize(-self._order.popleft().drop_oldest())

    def close(self) -> None:
        """Ends the store with its session."""
        self._stores.close(self)

    def _resize(self, size: int) -> None:
        self.size += size
        self._stores.resize(size)
