# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts and the cluster beside each other: what hosts that do not speak to the cluster know of it, and which pods serve
what hosts are to run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster import Cluster
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import POD
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.observe import World, selector_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import server_of


def of_another_host(servers: Iterable[str]) -> dict[str, Any]:
    """Returns the result of mcp_workload on a host that another one speaks for. The cluster is not asked."""
    return {
        "changed": False,
        "diff": [],
        "actions": [],
        "endpoints": [],
        "unserved": [],
        "routes": [],
        "probes": [],
        "readiness": [],
        "errors": [],
        "left": [],
        "postponed": [],
        "requests": {},
        "notes": [],
        "needs": [],
        "on_other_hosts": sorted(servers),
        "leaving": {},
        "warnings": [],
    }


def pods_by_server(cluster: Cluster, world: World, fleet: str, leaving: Mapping[str, str]) -> dict[str, list[str]]:
    """Returns by server the addresses of the pods of those that have objects in the cluster still; none of the others.

    ``leaving`` are the servers by the value of ``mcp_service``. Raises ClusterError.
    """
    there = {server_of(each) for each in world.objects} & leaving.keys()
    pods = (cluster.objects(POD, selector_of(fleet)) or []) if there else []
    found: dict[str, set[str]] = {label: set() for label in there}
    for pod in pods:
        address = (pod.get("status") or {}).get("podIP")
        if server_of(pod) in found and address:
            found[server_of(pod)].add(address)
    return {leaving[label]: sorted(addresses) for label, addresses in sorted(found.items())}
