# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which replaced targets of this host the load balancer still leads sessions to, once a run has converged."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import ApiError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.observe import Caller
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import Target, target_from_api
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.builders import targets_argument
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Result


def still_draining(api: Caller, desired: DesiredRoutes, result: Result) -> dict[str, tuple[int, ...]]:
    """Returns the ports of this host that drain, by server; none where the listener leads no session to them.

    A run that has nothing to do does not look at targets, so they are asked for here. Where the service does not answer
    they count as draining: the next run asks again.
    """
    if not desired.session_drain:
        return {}
    found = {route.name: _ports(api, desired, route, result) for route in desired.routes if route.superseded}
    return {name: ports for name, ports in found.items() if ports}


def _ports(api: Caller, desired: DesiredRoutes, route: Route, result: Result) -> tuple[int, ...]:
    arn = result.group_arn(desired.group_names[route.name])
    if arn is None:
        return ()
    targets = [Target(desired.owner.target_id, port) for port in route.superseded]
    try:
        answer = api.call("describe_target_health", targets_argument(arn, targets))
    except ApiError:
        return route.superseded
    states = [target_from_api(each) for each in answer["TargetHealthDescriptions"]]
    return tuple(sorted(target.port for target in states if target.is_leaving))
