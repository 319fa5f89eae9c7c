# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries a plan out: what is to be applied first, by server, several servers at a time; then what is to go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster import CONNECTIONS, Cluster
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import (
    CONFLICT,
    INVALID,
    ClusterError,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import Kind, kind_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import MANAGER
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import Action
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.taken_place import claimed
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

SCALE_MANAGER = "mcp-orchestrator-scale"
"""Who owns the number of pods from when the config no longer names it until an autoscaler writes it."""


class Withheld(Exception):
    """An object cannot be completed now; the message is for people."""


@dataclass
class Done:
    """``actions`` that were done, ``errors`` by the label of the server."""

    actions: list[Action] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)


def apply(
    cluster: Cluster,
    actions: Sequence[Action],
    kinds: Sequence[Kind],
    complete: Callable[[Object], Object],
    *,
    force: bool,
) -> Done:
    """Does the actions. A server of which one fails keeps the rest of what it has; all others go on.

    ``complete`` returns an object with its secret values, or raises Withheld. ``force`` takes fields from others.
    """
    done = Done()
    by_server: dict[str, list[Action]] = {}
    for action in actions:
        by_server.setdefault(action.server, []).append(action)

    def one(server: str, own: Sequence[Action]) -> tuple[str, list[Action], str]:
        finished: list[Action] = []
        try:
            for action in own:
                _do(cluster, action, kinds, complete, force=force)
                finished.append(action)
        except (ClusterError, Withheld) as error:
            return server, finished, _told(error, force=force)
        return server, finished, ""

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for server, finished, error in pool.map(lambda item: one(*item), _in_order(by_server).items()):
            done.actions += finished
            if error:
                done.errors[server] = error
    return done


def _in_order(by_server: Mapping[str, list[Action]]) -> dict[str, list[Action]]:
    """Servers that need something first, then those of which something goes."""
    return dict(sorted(by_server.items(), key=lambda item: all(each.verb == "remove" for each in item[1])))


def _do(
    cluster: Cluster, action: Action, kinds: Sequence[Kind], complete: Callable[[Object], Object], *, force: bool
) -> None:
    kind = kind_of(action.object, kinds)
    if action.verb == "remove":
        metadata = action.object["metadata"]
        cluster.remove(kind, metadata["name"], str(metadata.get("uid", "")))
        return
    if action.handed_over is not None:
        cluster.apply(kind, action.handed_over, SCALE_MANAGER, force=False)
    # What was not there when we looked and is now is somebody else's, unless it is just the same.
    completed, may_take = complete(action.object), force and action.verb == "apply"
    try:
        cluster.apply(kind, completed, MANAGER, force=may_take)
    except ClusterError as error:
        # Our own hand from another time is no conflict.
        is_own = bool(error.managers) and all(each.startswith(f"{MANAGER}-") for each in error.managers)
        if not is_own and not (error.status == INVALID and may_take and _take_over(cluster, kind, completed)):
            raise
        cluster.apply(kind, completed, MANAGER, force=True)


def _take_over(cluster: Cluster, kind: Kind, desired: Object) -> bool:
    """Makes ours what others have put in the place of something desired. Returns whether there was anything."""
    for there in cluster.objects(kind, fields=f"metadata.name={desired['metadata']['name']}") or ():
        fields = claimed(desired, there, MANAGER)
        if fields is not None:
            cluster.give(kind, there, fields)
            return True
    return False


def _told(error: Exception, *, force: bool) -> str:
    if isinstance(error, ClusterError) and error.status == CONFLICT and not force:
        return f"{error}; set repair_drift in [kubernetes] of settings.conf, or let them give it up"
    return str(error)
