# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers a cluster still serves that hosts are to run in its place.

Their pods are the cluster's to remove, and their targets a controller's to take away; the load balancer alone knows
whether a host has a healthy target beside them.
"""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import TargetGroup
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import PlanInput, server_of


def served_from_cluster(plan_input: PlanInput) -> tuple[str, ...]:
    """Returns the names of the servers in ``leaving`` that no host is known to serve, sorted."""
    return tuple(sorted(name for name in plan_input.desired.leaving if not _is_served_by_hosts(plan_input, name)))


def _is_served_by_hosts(plan_input: PlanInput, name: str) -> bool:
    route = next((each for each in plan_input.desired.routes if each.name == name), None)
    if route is not None and route.ports:
        group = plan_input.group(route)
        return group is not None and any(target.state == "healthy" for target in plan_input.mine(group))
    pods = plan_input.desired.leaving[name]
    return any(
        target.state == "healthy" and target.id not in pods
        for group in _groups(plan_input, name)
        for target in group.targets or ()
    )


def _groups(plan_input: PlanInput, name: str) -> list[TargetGroup]:
    """Our target groups of a server to which a rule leads."""
    used = {arn for rule in plan_input.observed.rules for arn in rule.weights}
    return [
        group
        for group in plan_input.observed.groups
        if plan_input.desired.owner.owns(group.tags) and server_of(group.tags, "") == name and group.arn in used
    ]
