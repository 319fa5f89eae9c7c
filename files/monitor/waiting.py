"""What was asked for through this monitor, while no run has answered: the request itself is no longer its to read."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

MOST_KEPT = 2000


@dataclass(frozen=True)
class Wanted:
    """What a request asks for, who asks, and from where."""

    action: str
    server: str | None
    who: str
    origin: str


class Waiting:
    """The last requests of this process, by their ids."""

    def __init__(self) -> None:
        self._wanted: OrderedDict[str, Wanted] = OrderedDict()

    def note(self, identity: str, wanted: Wanted) -> None:
        """Keeps a request; the oldest is forgotten when there are too many."""
        self._wanted[identity] = wanted
        while len(self._wanted) > MOST_KEPT:
            self._wanted.popitem(last=False)

    def of(self, identity: str) -> Wanted | None:
        """Returns what was asked for; None where this process does not know."""
        return self._wanted.get(identity)
