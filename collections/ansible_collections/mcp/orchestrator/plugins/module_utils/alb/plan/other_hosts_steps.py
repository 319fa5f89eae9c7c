# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps by which this host leaves the target group of a server that other hosts are to run.

The group and its rule are theirs to make and to remove; this host only takes its own targets away, and not before
another host's are healthy, so that the server is served throughout its move.
"""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import NO_PORTS
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import TargetGroup
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import Action, Phase
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.builders import drain, tag
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import PlanInput, server_of


def handing_over(plan_input: PlanInput) -> tuple[str, ...]:
    """Returns the names of the servers that what served them before serves as yet, sorted."""
    groups = [group for group in plan_input.groups_on_other_hosts if _is_alone_in(plan_input, group)]
    moving = {route.name for route in plan_input.desired.routes if is_alone(plan_input, route)}
    return tuple(sorted({server_of(group.tags, "") for group in groups} | moving | plan_input.former_groups.keys()))


def is_alone(plan_input: PlanInput, route: Route) -> bool:
    """Returns whether others are to bring the targets of a route, and only this host's are healthy as yet."""
    group = plan_input.group(route) if route.elsewhere else None
    return group is not None and _is_alone_in(plan_input, group)


def leave_steps(plan_input: PlanInput, group: TargetGroup) -> list[Action]:
    """Returns the steps that drain this host's targets, unless it serves alone, and write down that it has none."""
    if group.targets is None or _is_alone_in(plan_input, group):
        return []
    server = server_of(group.tags, group.name)
    leaving = [target for target in plan_input.mine(group) if not target.is_leaving]
    port_tag = plan_input.desired.owner.port_tag
    return [
        *drain(server, group.arn, leaving, "other hosts run the server", awaited=leaving),
        *tag(
            Phase.RECORD,
            server,
            "tag_target_group",
            group.arn,
            desired={port_tag: NO_PORTS},
            observed={port_tag: NO_PORTS, **(group.tags or {})},  # a missing tag says the same
            reason="the group's tags say what is registered in it",
        ),
    ]


def _is_alone_in(plan_input: PlanInput, group: TargetGroup) -> bool:
    """Returns whether requests reach a group in which this host's targets are the only healthy ones."""
    stays = any(not target.is_leaving for target in plan_input.mine(group))
    is_used = any(group.arn in rule.weights for rule in plan_input.observed.rules)
    return stays and is_used and not any(target.state == "healthy" for target in plan_input.others(group))
