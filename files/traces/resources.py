"""Whose a span is: one resource for each container."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic

from opentelemetry.sdk.resources import Resource
from records.containers import ServerContainer, containers
from records.line import SHORT_ID

_MOST = 4096
_LOOK_SECONDS = 5.0


class Resources:
    """The resources by container. What a container is told by the watcher's list, which ``samples`` has."""

    def __init__(self, fleet: str, samples: Path, clock: Callable[[], float] = monotonic) -> None:
        self._fleet = fleet
        self._samples = samples
        self._clock = clock
        self._host = socket.gethostname()
        self._known: dict[str, ServerContainer] = {}
        self._resources: dict[tuple[str, str], Resource] = {}
        self._looked = float("-inf")

    def of(self, server: str, container: str) -> Resource:
        """Returns the resource of a container; ``container`` is its short id. Its replica and generation are in it once
        the watcher has listed it, some seconds after its start."""
        found = self._resources.get((server, container))
        if found is None:
            known = self._container(container)
            found = Resource(self._attributes(server, container, known))
            if known is not None:
                if len(self._resources) >= _MOST:
                    self._resources.clear()
                self._resources[server, container] = found
        return found

    def _container(self, container: str) -> ServerContainer | None:
        if container not in self._known and self._clock() - self._looked >= _LOOK_SECONDS:
            self._looked = self._clock()
            listed = containers(self._samples)
            self._known = {each.id[:SHORT_ID]: each for members in listed.values() for each in members}
        return self._known.get(container)

    def _attributes(self, server: str, container: str, known: ServerContainer | None) -> Mapping[str, str]:
        found = {
            "service.name": server,
            "service.namespace": self._fleet,
            "service.instance.id": container,
            "host.name": self._host,
        }
        if known is not None:
            found |= {
                "service.version": known.generation,
                "mcp.orchestrator.fleet": self._fleet,
                "mcp.orchestrator.replica": known.replica,
            }
        return found
