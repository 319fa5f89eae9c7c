# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a whole fleet. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.way_to_pods import way_to_pods_errors
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.mcp_server import LOST, operated
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import object_name
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.server import render
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload


@dataclass(frozen=True)
class Rendering:
    """``objects`` and ``findings`` by server; one with errors has no objects. ``errors`` keep all from running, and
    ``notes`` concern all."""

    objects: Mapping[str, list[Object]] = field(default_factory=dict)
    findings: Mapping[str, Findings] = field(default_factory=dict)
    errors: Sequence[str] = ()
    notes: Sequence[str] = ()


def render_fleet(workloads: Sequence[Workload], settings: Settings, *, for_operator: bool = False) -> Rendering:
    """Returns the objects of all servers, in the order of their names, and everything that is to be said at once.

    ``for_operator`` makes MCPServers of those that the MCP lifecycle operator takes.
    """
    objects: dict[str, list[Object]] = {}
    findings: dict[str, Findings] = {}
    taken = Counter(workload.name for workload in workloads)
    for workload in sorted(workloads, key=lambda each: each.spec.name):
        name = workload.spec.name
        made, findings[name] = render(workload)
        if taken[workload.name] > 1:
            findings[name].error("name", f"its objects would be called {workload.name}, as another's; rename one")
        if not findings[name].errors:
            objects[name] = _for_operator(workload, made, findings[name]) if for_operator else made
    errors = [f"{key}: {message}" for key, message in way_to_pods_errors(settings)]
    notes = _notes(workloads, settings)
    if any(each["kind"] == "MCPServer" for made in objects.values() for each in made):
        notes.append(LOST)
    return Rendering({} if errors else objects, findings, errors, notes)


def file_name(fleet: str, server: str) -> str:
    """Returns the name of the file that holds a server's objects."""
    return f"{object_name(fleet, server)}.yaml"


def _for_operator(workload: Workload, objects: list[Object], findings: Findings) -> list[Object]:
    made, reasons = operated(workload, objects)
    if reasons:
        findings.note("format", f"the operator does not run it: {'; '.join(reasons)}")
    return made


def _notes(workloads: Sequence[Workload], settings: Settings) -> list[str]:
    is_open = any(each.spec.egress.kind is EgressKind.INTERNET for each in workloads)
    if not is_open or settings.kubernetes.cluster_networks:
        return []
    return [
        "[kubernetes] cluster_networks: is empty, so servers with network internet may connect to every pod that takes"
        " it; write the cluster's networks of pods and services"
    ]
