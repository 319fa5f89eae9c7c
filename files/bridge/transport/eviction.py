"""Which session gives way to a newcomer when there is no place left.

A client may have all places while nobody else wants one. Under contention each has an equal share by its address, and
what it has beyond that gives way: the least recently used of what is not in use. A session in use never does, and one
whose client has left always does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Protocol, TypeVar

LEFT, UNUSED, IDLE, LISTENING, FORSAKEN = range(5)
"""How a session is not in use, the first to go first: its client has left without an end; it never did more than
`initialize`; it does nothing; it listens without a call; its calls are waited for by nobody."""


class Evictable(Protocol):
    """A session, as far as this decision goes."""

    address: str
    """The address of its client."""
    used: float
    """When its client last did anything with it, in monotonic seconds."""

    def idleness(self, now: float) -> int | None:
        """Returns how it is not in use, as one of the constants above; None where it is. `now`: monotonic seconds."""


AnyEvictable = TypeVar("AnyEvictable", bound=Evictable)


def session_to_evict(
    sessions: Collection[AnyEvictable], newcomer: str, now: float, *, own_seconds: float
) -> AnyEvictable | None:
    """Returns the one of all `sessions` that gives way to a session of the client at the address `newcomer`, None where
    none does. A client's own do only when they have not been used for `own_seconds`: it may be many people behind one
    gateway. `now`: monotonic seconds."""
    held = Counter(session.address for session in sessions)
    share = len(sessions) / len(held.keys() | {newcomer})  # there is no room for more, for whatever reason
    candidates = []
    for session in sessions:
        idleness = session.idleness(now)
        if idleness is None:
            continue
        if idleness == LEFT:
            gives_way = True
        elif session.address == newcomer:
            gives_way = now - session.used > own_seconds
        else:
            gives_way = held[session.address] > share and held[newcomer] < share
        if gives_way:
            candidates.append((idleness, session.used, session))
    return min(candidates, key=lambda one: one[:2])[2] if candidates else None
