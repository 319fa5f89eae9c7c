"""All open connections: how many there may be, which one gives way, and how long each may wait."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bridge.limits import Limits


_SETTLED_SECONDS = 1.0
"""A connection that has waited for so long gives way to others; one that has just come is about to be used."""


class OpenConnection(Protocol):
    """One of them, as far as this goes. Times: monotonic seconds."""

    changed: float
    """When it last began to wait, to read or to serve."""
    stalled: float | None
    """Since when its client has not been reading; None where it is."""
    closing: bool
    """Whether it ends after the next answer."""

    @property
    def client(self) -> str:
        """The address of its client."""

    @property
    def backlog(self) -> int:
        """Bytes written that the client has not taken yet."""

    @property
    def due(self) -> float | None:
        """When it must be ended; None where it has time."""

    @property
    def idle(self) -> bool:
        """Whether no request is in service."""

    def expire(self) -> None:
        """Ends what takes too long."""

    def refuse_for_others(self) -> None:
        """Ends the connection because others need the room more."""

    def close(self) -> None:
        """Closes it when everything is written."""

    def abort(self) -> None:
        """Drops it without a proper end."""


class Connections:
    """Each connection is being read (or has never sent a request), serves a request, or rests between two."""

    def __init__(self, limits: Limits) -> None:
        self.received = self.sent = 0
        """Bytes of all that there were."""
        self._limits = limits
        self._open: set[OpenConnection] = set()
        self._reading: dict[OpenConnection, None] = {}  # these two: the longest there first
        self._resting: dict[OpenConnection, None] = {}
        self._stalled: dict[OpenConnection, None] = {}
        self._requests: dict[str, int] = {}  # in service or being read, by client
        self._most = limits.share * limits.connections

    def __len__(self) -> int:
        return len(self._open)

    @property
    def full(self) -> bool:
        """Whether all are in use, besides the one that carries this question."""
        return len(self._open) - len(self._reading) - len(self._resting) > self._limits.connections

    # what connections tell

    def add(self, connection: OpenConnection) -> None:
        """Adds a new one. Above the limit another gives way; if none does, it serves vital requests only, as long as
        the reserve lasts."""
        self._open.add(connection)
        self.reads(connection)
        if len(self._open) > self._limits.connections:
            self._make_room(connection, at_once=len(self._open) > self._limits.connections + self._limits.reserve)

    def discard(self, connection: OpenConnection) -> None:
        """Removes one that is closed."""
        self._open.discard(connection)
        self._stalled.pop(connection, None)
        self._leave(connection)

    def reads(self, connection: OpenConnection) -> None:
        """Takes note that a request is being read, or waited for for the first time."""
        if connection not in self._reading:
            self._leave(connection)
            self._reading[connection] = None

    def serves(self, connection: OpenConnection) -> None:
        """Takes note that a request is in service."""
        self._leave(connection)

    def rests(self, connection: OpenConnection) -> None:
        """Takes note that it waits for a further request."""
        self._leave(connection)
        self._resting[connection] = None

    def stall(self, connection: OpenConnection) -> None:
        """Takes note that its client does not take what is written. Where too much has gathered, those to whom most is
        owed lose it."""
        self._stalled[connection] = None
        while (owed := self._owed()).total() > self._limits.answers:
            debtor = owed.most_common(1)[0][0]
            worst = max((one for one in self._stalled if one.client == debtor), key=lambda one: one.backlog)
            self._stalled.pop(worst)
            worst.abort()

    def flow(self, connection: OpenConnection) -> None:
        """Takes note that its client takes what is written again."""
        self._stalled.pop(connection, None)

    def crowded(self, connection: OpenConnection) -> bool:
        """Says whether there is no room for a request on `connection`."""
        return len(self._open) > self._limits.connections and not self._make_room(connection, at_once=False)

    def enter(self, client: str) -> bool:
        """Takes note of a request of `client`. Returns False where it has its share of the connections in use."""
        count = self._requests.get(client, 0)
        if count >= self._most:
            return False
        self._requests[client] = count + 1
        return True

    def leave(self, client: str) -> None:
        """Takes note that a request of `client` has ended."""
        count = self._requests.get(client, 0) - 1
        if count > 0:
            self._requests[client] = count
        else:
            self._requests.pop(client, None)

    # the clock, and the end

    def sweep(self, now: float) -> None:
        """Ends what has waited, or has been sending one request, for too long. `now`: monotonic seconds."""
        for connection in list(self._open):
            due = connection.due
            if due is not None and now > due:
                connection.expire()
            if connection.stalled is not None and now - connection.stalled > self._limits.stall_seconds:
                connection.abort()

    def drain(self) -> None:
        """Closes idle connections now and the others after the answer they wait for."""
        for connection in list(self._open):
            connection.closing = True
            if connection.idle:
                connection.close()

    def abort(self) -> None:
        """Drops all."""
        for connection in list(self._open):
            connection.abort()

    # inside

    def _leave(self, connection: OpenConnection) -> None:
        self._reading.pop(connection, None)
        self._resting.pop(connection, None)

    def _make_room(self, newcomer: OpenConnection, *, at_once: bool) -> bool:
        """Ends a connection for `newcomer`: one whose request is not complete, of the client that has most of these, or
        one that rests. `at_once`: however short it has been there."""
        now = time.monotonic()
        there = [one for one in self._reading if one is not newcomer and (at_once or _is_settled(one, now))]
        if there:
            most, _ = Counter(one.client for one in there).most_common(1)[0]
            there = [one for one in there if one.client == most]
        else:
            there = [one for one in self._resting if at_once or _is_settled(one, now)]
        if there:
            self._open.discard(there[0])
            self._leave(there[0])
            there[0].refuse_for_others()
            return True
        if at_once:
            newcomer.refuse_for_others()
        return False

    def _owed(self) -> Counter[str]:
        owed: Counter[str] = Counter()
        for connection in self._stalled:
            owed[connection.client] += connection.backlog
        return owed


def _is_settled(connection: OpenConnection, now: float) -> bool:
    return now - connection.changed > _SETTLED_SECONDS
