# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the cluster has of a fleet, in as few requests as there are kinds.

Which kinds a fleet has is written down in a ConfigMap of its name, before the first object of a kind is made. So kinds
that it neither has nor desires are not asked for. Without it all are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster import CONNECTIONS, Cluster
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import CONFIG_MAP, DEPLOYMENT, Kind
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import MANAGER
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import is_ours, key_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

_KINDS = "kinds"
_AT_A_TIME = 2
"""Lists under way together: the Deployments are as much as all else, and each connection costs a handshake."""


@dataclass(frozen=True)
class World:
    """``objects`` are the fleet's, in the order in which they are made. ``recorded`` are the kinds that the fleet is
    known to have, None where nothing is written down; ``unknown`` those that the cluster does not know."""

    objects: list[Object] = field(default_factory=list)
    recorded: frozenset[str] | None = None
    unknown: frozenset[Kind] = frozenset()

    def deployments(self) -> dict[str, Object]:
        """Returns the Deployments by name."""
        return {each["metadata"]["name"]: each for each in self.objects if each["kind"] == DEPLOYMENT.kind}


def selector_of(fleet: str) -> str:
    """Returns how the API server is asked for the objects of a fleet."""
    return f"{labels.FLEET}={fleet}"


def observe(cluster: Cluster, fleet: str, kinds: Sequence[Kind], desired: Collection[Kind]) -> World:
    """Returns the fleet's objects. Raises ClusterError."""
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        surely = [DEPLOYMENT, *(kind for kind in kinds if kind in desired and kind != DEPLOYMENT)]
        inventory = pool.submit(cluster.get, CONFIG_MAP, fleet)
        listed = {kind: pool.submit(cluster.objects, kind, selector_of(fleet)) for kind in surely}
        recorded = _recorded(inventory.result(), fleet)
        for kind in kinds:
            if kind not in listed and (recorded is None or kind.text in recorded):
                listed[kind] = pool.submit(cluster.objects, kind, selector_of(fleet))
        found = {kind: listed[kind].result() for kind in kinds if kind in listed}
    return World(
        [each for kind in kinds for each in found.get(kind) or ()],
        recorded,
        frozenset(kind for kind, objects in found.items() if objects is None),
    )


def observe_kind(cluster: Cluster, fleet: str, kind: Kind) -> World:
    """Returns the fleet's objects of one kind. Raises ClusterError."""
    recorded = _recorded(cluster.get(CONFIG_MAP, fleet), fleet)
    found = cluster.objects(kind, selector_of(fleet))
    return World(found or [], recorded, frozenset() if found is not None else frozenset({kind}))


def strangers(
    cluster: Cluster, fleet: str, kinds: Iterable[Kind], missing: Collection[tuple[str, str, str]]
) -> list[Object]:
    """Returns objects that are not the fleet's and have the names of some that it is about to make: their metadata
    alone. Raises ClusterError."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        asked = {kind.key for kind in kinds} & {key[:2] for key in missing}
        lists = pool.map(
            lambda kind: cluster.objects(kind, names_alone=True), [kind for kind in kinds if kind.key in asked]
        )
        return [each for found in lists for each in found or () if key_of(each) in missing and not is_ours(each, fleet)]


def record(cluster: Cluster, fleet: str, kinds: Iterable[Kind]) -> None:
    """Writes down of which kinds the fleet has objects. Raises ClusterError."""
    cluster.apply(
        CONFIG_MAP,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": fleet,
                "namespace": cluster.namespace,
                "labels": {"app.kubernetes.io/managed-by": MANAGER, labels.FLEET: fleet},
            },
            "data": {_KINDS: " ".join(sorted(kind.text for kind in kinds))},
        },
        MANAGER,
        force=True,
    )


def _recorded(inventory: Object | None, fleet: str) -> frozenset[str] | None:
    if inventory is None or not is_ours(inventory, fleet):
        return None
    return frozenset(str((inventory.get("data") or {}).get(_KINDS, "")).split())
