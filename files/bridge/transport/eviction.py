"""Which session gives way to a newcomer when there is no place left.

A client may have all places while nobody else wants one. Under contention each has an equal share by its address, and
what it has beyond that gives way: the least recently used of what is not in use. A session in use never does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Protocol, TypeVar

UNUSED, IDLE, LISTENING, FORSAKEN = range(4)
"""How a session is not in use, the first to go first: its client never did more than `initialize`; it does nothing; it
listens without a call; its calls are waited for by nobody."""


class Place(Protocol):
    """A session, as far as this decision goes."""

    client: str
    used: float

    def rest(self, now: float) -> int | None:
        """How it is not in use; None where it is."""


AnyPlace = TypeVar("AnyPlace", bound=Place)


def who_yields(places: Collection[AnyPlace], newcomer: str, now: float, *, own_seconds: float) -> AnyPlace | None:
    """The one of all `places` that gives way to a session of the client `newcomer`, None where none does. A client's
    own do only when they have not been used for `own_seconds`: it may be many people behind one gateway."""
    held = Counter(place.client for place in places)
    share = len(places) / len(held.keys() | {newcomer})  # there is no room for more, for whatever reason
    candidates = []
    for place in places:
        rest = place.rest(now)
        if rest is None:
            continue
        if place.client == newcomer:
            gives_way = now - place.used > own_seconds
        else:
            gives_way = held[place.client] > share and held[newcomer] < share
        if gives_way:
            candidates.append((rest, place.used, place))
    return min(candidates, key=lambda one: one[:2])[2] if candidates else None
