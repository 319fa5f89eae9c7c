"""Containers and events, as the engine tells of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FLEET_LABEL = "mcp_fleet"
SERVER_LABEL = "mcp_service"

_TROUBLES = {"exited": "has ended", "dead": "has ended", "created": "is half made", "paused": "is paused"}
_HEALTH = re.compile(r"\((?:health: )?(healthy|unhealthy|starting)\)")


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a listing.

    ``state`` is the engine's word: created, running, restarting, paused, exited, removing or dead. ``health`` is
    healthy, unhealthy, starting, or empty where there is no health check or the container does not run. ``networks``
    are names.
    """

    id: str
    name: str
    state: str
    health: str
    labels: Mapping[str, str]
    networks: frozenset[str]

    @property
    def server(self) -> str:
        """The name of the server that it belongs to."""
        return self.labels.get(SERVER_LABEL, "")

    @property
    def trouble(self) -> str:
        """What calls for a run by itself, empty where nothing does.

        A container that the engine is about to start again (``restarting``) is none: its policy does what a run would
        do. Nor is one that is being removed: it is gone in a moment.
        """
        if self.state == "running" and not self.networks:  # without any by its entry it has the one named none
            return "was cut off from its network"
        if self.state == "running" and self.health == "unhealthy":
            return "is unhealthy"
        return _TROUBLES.get(self.state, "")

    @property
    def serves(self) -> bool:
        """No: a run looks at containers itself, and waits for them."""
        return False

    @property
    def lasts(self) -> bool:
        """No: another generation's container takes its place."""
        return False

    def troubles_since(self, now: Container | None) -> Iterator[str]:
        """Yields what only shows beside the container as it is now: removed, renamed, cut off from a network."""
        if self.state in ("created", "dead"):
            return
        if now is None:  # also one that was being removed: a run holds its lock until what it removes is gone
            yield "was removed"
            return
        if now.state == "removing":
            return
        if now.name != self.name:
            yield "was renamed"
        if self.networks - now.networks:
            yield "was cut off from its network"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a container.

    ``action`` is the engine's word without what follows a colon; ``detail`` is that: ``unhealthy`` for
    ``health_status: unhealthy``. ``attributes`` hold the container's labels. ``seconds`` is the engine's clock.
    """

    kind: str
    action: str
    detail: str
    container: str
    attributes: Mapping[str, str]
    seconds: float


def container_of(entry: Mapping[str, Any]) -> Container:
    """Returns the container of an entry of ``GET /containers/json``.

    A paused container reads "Up 5 minutes (Paused)", which says nothing of its health.
    """
    names = entry.get("Names") or [""]
    health = _HEALTH.search(entry.get("Status") or "")
    return Container(
        id=entry["Id"],
        # A container has one name without a slash inside; older links add more.
        name=min((name.removeprefix("/") for name in names), key=lambda name: name.count("/")),
        state=entry.get("State") or "",
        health=health.group(1) if health else "",
        labels=entry.get("Labels") or {},
        networks=frozenset((entry.get("NetworkSettings") or {}).get("Networks") or {}),
    )


def event_of(entry: Mapping[str, Any]) -> Event:
    """Returns the event of a line of ``GET /events``. podman says ``remove`` for ``destroy``."""
    action, _, detail = str(entry.get("Action") or entry.get("status") or "").partition(": ")
    kind = entry.get("Type") or "container"
    actor = entry.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    return Event(
        kind=kind,
        action="destroy" if (kind, action) == ("container", "remove") else action,
        detail=detail,
        container=attributes.get("container", "") if kind == "network" else actor.get("ID") or entry.get("id") or "",
        attributes=attributes,
        seconds=(entry.get("timeNano") or 0) / 1e9 or float(entry.get("time") or 0),
    )
