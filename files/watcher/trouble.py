"""What of the fleet's containers calls for a run. Pure: two listings in, reasons out.

Events only say that something happened, and engines differ in which they send and in what order: ``die`` comes before
``stop`` in Docker 20.10 and after it in 26, a container that is paused becomes unhealthy without any, and the replay
after a lost connection holds 256. So an event has the watcher look, and what it sees decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .engine.model import Container

Listing = Mapping[str, Container]

# What a container or a run can do to itself, again and again. Everything else somebody has done to it.
NOT_FIXED = "was not fixed"
_BY_ITSELF = frozenset({"has ended", "is unhealthy", "is half made", "the last run was cut short", NOT_FIXED})
_STATES = {"exited": "has ended", "dead": "has ended", "created": "is half made", "paused": "is paused"}


@dataclass(frozen=True, order=True)
class Trouble:
    """A reason for a run, as in "time was removed". ``server`` is empty where it concerns no single one."""

    server: str
    what: str

    @property
    def by_itself(self) -> bool:
        """Whether the container may have done it itself, so that it may do it again after each run."""
        return self.what in _BY_ITSELF

    def __str__(self) -> str:
        return f"{self.server} {self.what}" if self.server else self.what


# A trouble and the id of the container that shows it.
Mark = tuple[str, Trouble]


def listing_of(containers: Iterable[Container]) -> Listing:
    """Returns containers by their ids."""
    return {each.id: each for each in containers}


def standing(now: Listing) -> frozenset[Mark]:
    """Returns the troubles that a listing shows by itself.

    A container that the engine is about to start again (``restarting``) is none: its policy does what a run would do.
    Nor is one that is being removed: it is gone in a moment.
    """
    return frozenset((each.id, Trouble(each.server, what)) for each in now.values() if (what := _state_of(each)))


def changes(before: Listing, now: Listing) -> frozenset[Trouble]:
    """Returns the troubles that only show beside an earlier listing: removed, renamed, cut off from a network."""
    return frozenset(
        Trouble(each.server, what) for each in before.values() for what in _changes_of(each, now.get(each.id))
    )


def _state_of(container: Container) -> str:
    if container.state == "running" and not container.networks:  # without any by its entry it has the one named none
        return "was cut off from its network"
    if container.state == "running" and container.health == "unhealthy":
        return "is unhealthy"
    return _STATES.get(container.state, "")


def _changes_of(before: Container, now: Container | None) -> Iterator[str]:
    if before.state in ("created", "dead"):
        return
    if now is None:  # also one that was being removed: a run holds its lock until what it removes is gone
        yield "was removed"
        return
    if now.state == "removing":
        return
    if now.name != before.name:
        yield "was renamed"
    if before.networks - now.networks:
        yield "was cut off from its network"
