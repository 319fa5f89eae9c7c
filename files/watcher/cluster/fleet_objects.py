"""Follows the fleet's objects in a cluster, and has them for whoever decides about runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace

from .client import Cluster, Object
from .collection import Collection
from .objects import DEPLOYMENTS, PATIENCE_SECONDS, ClusterObject, cluster_object, selector_of

log = logging.getLogger("watcher")


class FleetObjects:
    """The objects of one fleet. ``wake`` is called when there is something to see."""

    def __init__(self, cluster: Cluster, fleet: str, wake: Callable[[], None]) -> None:
        self._cluster = cluster
        self._selector = {"labelSelector": selector_of(fleet)}
        self._wake = wake
        self._parts: dict[str, _Part] = {}

    async def follow(self) -> None:
        """Follows every collection that the kubeconfig names, until it is cancelled. Raises Unreachable without one."""
        watched = self._cluster.access.watched
        for path in self._parts.keys() - set(watched):
            del self._parts[path]
        async with asyncio.TaskGroup() as group:
            for path in watched:
                part = self._parts.setdefault(path, _Part(path.rpartition("/")[2], self._wake))
                collection = Collection(path, self._selector, metadata=part.plural != DEPLOYMENTS)
                group.create_task(collection.follow(self._cluster, part))

    def listing(self) -> dict[str, ClusterObject] | None:
        """Returns the objects by id, as they were last seen; None where not all Deployments have been seen yet.

        A kind that the cluster does not know has none.
        """
        parts = list(self._parts.values())
        if not any(part.is_complete for part in parts if part.plural == DEPLOYMENTS):
            return None
        at = time.monotonic()
        return {each.id: _judged(each, at) for part in parts if part.is_complete for each in part.objects.values()}


def _judged(each: ClusterObject, at: float) -> ClusterObject:
    late = each.lacking is not None and at - each.lacking >= PATIENCE_SECONDS
    return replace(each, is_late=True) if late else each


class _Part:
    """One collection. Until it has been listed whole, what was seen before holds."""

    def __init__(self, plural: str, wake: Callable[[], None]) -> None:
        self.plural = plural
        self.objects: dict[str, ClusterObject] = {}
        self.is_complete = False
        self._wake = wake
        self._coming: dict[str, ClusterObject] | None = None

    def begin(self) -> None:
        self._coming = {}

    def take(self, each: Object) -> None:
        found = cluster_object(self.plural, each, self.objects.get(each["metadata"]["name"]), time.monotonic())
        if self._coming is not None:
            self._coming[found.name] = found
        else:
            before, self.objects[found.name] = self.objects.get(found.name), found
            if before != found:
                self._tell(found)

    def drop(self, each: Object) -> None:
        if self.objects.pop(each["metadata"]["name"], None) is not None:
            self._wake()

    def complete(self) -> None:
        self.objects, self._coming, self.is_complete = self._coming or {}, None, True
        for each in self.objects.values():
            self._tell(each)
        self._wake()

    def _tell(self, each: ClusterObject) -> None:
        self._wake()
        if each.lacking is not None:  # nobody says another word when it has lasted
            asyncio.get_running_loop().call_later(PATIENCE_SECONDS + 0.1, self._wake)
