# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user should know although nothing has to be done about it."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.observed_routes import ObservedRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import Rule
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import PlanInput, is_inside

# An open stream of the bridge is never silent for longer than this.
BRIDGE_COMMENT_SECONDS = 15


def idle_notes(observed: ObservedRoutes) -> list[str]:
    """Returns a sentence where the load balancer cuts streams sooner than the bridge shows signs of life.

    An ALB closes a connection on which nothing moves for its idle timeout, see "Connection idle timeout" on
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html.
    """
    seconds = observed.load_balancer.idle_timeout if observed.load_balancer else None
    if seconds is None or seconds > BRIDGE_COMMENT_SECONDS:
        return []
    return [
        f"the load balancer's idle timeout is {seconds} s, but on an open stream the bridge is silent for up to "
        f"{BRIDGE_COMMENT_SECONDS} s: streams will be cut; raise idle_timeout.timeout_seconds (AWS's default is 60)"
    ]


def shadow_notes(plan_input: PlanInput, priorities: Mapping[str, int]) -> dict[str, list[str]]:
    """Returns a sentence for each rule of others that takes requests of a route, or loses some to it, by the route."""
    found = {
        route.name: [
            note for rule in plan_input.matching.foreign for note in _shadow_note(route, priorities[route.name], rule)
        ]
        for route in plan_input.desired.routes
        if route.name in priorities
    }
    return {name: notes for name, notes in found.items() if notes}


def _shadow_note(route: Route, priority: int, rule: Rule) -> list[str]:
    """Returns a sentence where a rule which is not ours matches a route's path before it, or after it."""
    looks_at_paths = any(condition["Field"] == "path-pattern" for condition in rule.conditions)
    if not looks_at_paths or not rule.may_match(route.patterns):
        return []
    paths = ", ".join(rule.path_values) or "a regular expression"
    some = " where its other conditions are met as well" if rule.has_other_conditions else ""
    if rule.priority < priority and route.gives_way and is_inside(rule, route):
        return []
    if rule.priority < priority:
        return [
            f"rule {rule.arn} (priority {rule.priority}, path {paths}), which is not ours, takes requests of "
            f"{route.path} (route '{route.name}', priority {priority}){some}"
        ]
    if any(value in rule.path_values for value in route.patterns):
        return [
            f"route '{route.name}' (priority {priority}) takes requests of {route.path} before rule {rule.arn} "
            f"(priority {rule.priority}, path {paths}), which is not ours"
        ]
    return []
