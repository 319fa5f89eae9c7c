"""Follows the cluster's warnings about the fleet's pods: probes that fail, volumes that do not come, a full quota.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from watcher.happenings import Happenings

from .client import Cluster, Object
from .collection import Collection
from .pods import Pods

# A pod's own status tells these, and with more.
_TOLD = frozenset({"BackOff", "Evicted", "FailedScheduling"})
# What goes on and on is told again after that.
QUIET_SECONDS = 3600.0
_LONGEST = 1000


class Warnings:
    """The warnings about the pods of one fleet."""

    def __init__(self, cluster: Cluster, pods: Pods, happenings: Happenings) -> None:
        self._cluster = cluster
        self._pods = pods
        self._happenings = happenings
        self._told: dict[tuple[str, str], float] = {}
        self._is_new = True

    async def follow(self) -> None:
        """Follows them until it is cancelled. Raises Unreachable without a kubeconfig."""
        path = f"/api/v1/namespaces/{self._cluster.access.namespace}/events"
        await Collection(path, {"fieldSelector": "type=Warning"}).follow(self._cluster, self)

    def begin(self) -> None:
        """See Sink."""

    def take(self, each: Object) -> None:
        """See Sink."""
        about: Mapping[str, Any] = each.get("involvedObject") or {}
        reason, name = str(each.get("reason") or ""), str(about.get("name") or "")
        server = self._server(str(about.get("kind") or ""), name)
        key, now = (name, reason), time.monotonic()
        if not server or reason in _TOLD or now - self._told.get(key, -QUIET_SECONDS) < QUIET_SECONDS:
            return
        self._told = {one: at for one, at in self._told.items() if now - at < QUIET_SECONDS} | {key: now}
        if self._is_new:  # it was told before, or nobody was there to tell it
            return
        kind, message = str(about.get("kind")), " ".join(str(each.get("message") or "").split())[:_LONGEST]
        text = f"{'pod' if kind == 'Pod' else kind} {name}: {reason}: {message}"
        self._happenings.tell(server, "warning", text, {kind.lower(): name, "reason": reason})

    def drop(self, each: Object) -> None:
        """See Sink. The cluster forgets them after an hour."""

    def complete(self) -> None:
        """See Sink."""
        self._is_new = False

    def _server(self, kind: str, name: str) -> str:
        """The server of a pod, or of what makes pods: their names begin with its own."""
        for pod in self._pods.pods.values():
            if (kind == "Pod" and pod.name == name) or (kind == "ReplicaSet" and pod.name.startswith(f"{name}-")):
                return pod.server
        return ""
