"""What of the fleet's containers, and of its objects in a cluster, calls for a run. Pure: two listings in, reasons out.

Events only say that something happened, and engines differ in which they send and in what order: ``die`` comes before
``stop`` in Docker 20.10 and after it in 26, a container that is paused becomes unhealthy without any, and the replay
after a lost connection holds 256. So an event has the watcher look, and what it sees decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .engine.model import Container


class Watched(Protocol):
    """A container, or an object of a cluster (``watcher.cluster.objects``)."""

    @property
    def id(self) -> str:
        """By what it is known."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def server(self) -> str:
        """The server that it belongs to."""

    @property
    def trouble(self) -> str:
        """What calls for a run by itself, empty where nothing does."""

    @property
    def serves(self) -> bool:
        """Whether what serves the server is there, as far as an object of a cluster tells that."""

    @property
    def lasts(self) -> bool:
        """Whether no run removes it as long as its server is to run, so that somebody else has where it is gone."""

    def troubles_since(self, now: Any) -> Iterator[str]:
        """Yields what only shows beside it as it is now, None where it is gone."""


Listing = Mapping[str, Watched]

# What a container or a run can do to itself, again and again. Everything else somebody has done to it.
NOT_FIXED = "was not fixed"
_BY_ITSELF = frozenset(
    {"has ended", "is unhealthy", "is half made", "is not ready", "is ready again"}
    | {"the last run was cut short", NOT_FIXED}
)
# In a cluster a controller may be at odds with us: it does the same again after each run.
_BY_CONTROLLERS = "had its "


@dataclass(frozen=True, order=True)
class Trouble:
    """A reason for a run, as in "time was removed". ``server`` is empty where it concerns no single one."""

    server: str
    what: str

    @property
    def by_itself(self) -> bool:
        """Whether the container may have done it itself, so that it may do it again after each run."""
        return self.what in _BY_ITSELF or self.what.startswith(_BY_CONTROLLERS)

    def __str__(self) -> str:
        return f"{self.server} {self.what}" if self.server else self.what


# A trouble and the id of the container that shows it.
Mark = tuple[str, Trouble]


def listing_of(containers: Iterable[Container]) -> Listing:
    """Returns containers by their ids."""
    return {each.id: each for each in containers}


def standing(now: Listing) -> frozenset[Mark]:
    """Returns the troubles that a listing shows by itself."""
    return frozenset((each.id, Trouble(each.server, what)) for each in now.values() if (what := each.trouble))


def changes(before: Listing, now: Listing) -> frozenset[Trouble]:
    """Returns the troubles that only show beside an earlier listing."""
    return frozenset(
        Trouble(each.server, what) for each in before.values() for what in each.troubles_since(now.get(each.id))
    )
