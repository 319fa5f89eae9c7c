# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the desired and the observed routes to the ordered steps between them. Pure: nothing here calls anything."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.observed_routes import ObservedRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import Rule
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import (
    Action,
    Plan,
    RouteProblem,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.from_cluster import served_from_cluster
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.group_steps import (
    deregister_steps,
    group_steps,
    record_steps,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.last_applied import with_last_applied
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.match import match_rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.notes import idle_notes, shadow_notes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.other_hosts_steps import (
    handing_over,
    is_alone,
    leave_steps,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import (
    Headroom,
    PlanInput,
    server_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.priority import Allocation, allocate
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.removal_steps import (
    delete_group_steps,
    delete_rule_steps,
    group_notes,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.rule_steps import RuleSteps


def make_plan(desired: DesiredRoutes, observed: ObservedRoutes, headroom: Headroom = Headroom.AMPLE) -> Plan:
    """Returns everything that has to change, in order.

    Target groups whose targets or attributes were not looked at (None) are trusted to be as their tags say.
    The plan is empty if and only if nothing is left to do; ``problems`` name the routes that cannot be in the
    desired state.
    """
    plan_input = PlanInput(desired, observed, match_rules(desired, observed.rules), headroom)
    obsolete = _obsolete_rules(plan_input)
    allocation, problems = _allocate(plan_input, obsolete)
    rule_steps = RuleSteps(plan_input, allocation.priorities)
    actions: list[Action] = []
    for route in desired.routes:
        if route.name not in problems and route.shares:
            actions += rule_steps.steps(route)
        elif route.name not in problems:
            actions += group_steps(plan_input, route)
            actions += rule_steps.steps(route)
            if not is_alone(plan_input, route):
                actions += deregister_steps(plan_input, route)
                actions += record_steps(plan_input, route)
    actions += rule_steps.moves([rule for rule in obsolete if not plan_input.overlapping(rule) & problems.keys()])
    actions += delete_rule_steps(plan_input, obsolete)
    for group in plan_input.unused_groups:
        actions += delete_group_steps(plan_input, group, obsolete)
    for group in plan_input.groups_on_other_hosts:
        actions += leave_steps(plan_input, group)
    # What an impossible route has now stays: it may be all that serves its path.
    possible = [action for action in actions if not ({action.server} | action.needs) & problems.keys()]
    staying, still_there = handing_over(plan_input), served_from_cluster(plan_input)
    ordered = with_last_applied(
        plan_input, sorted(possible, key=lambda action: action.order), bool(problems or staying)
    )
    shadows = shadow_notes(plan_input, allocation.priorities)
    return Plan(
        actions=tuple(ordered),
        problems=tuple(problems.values()),
        notes=(
            *(note for notes in shadows.values() for note in notes),
            *group_notes(plan_input),
            *(_staying_note(plan_input, name) for name in staying),
            *(f"server '{name}' is served from the cluster until a host's target is healthy" for name in still_there),
            *idle_notes(observed),
        ),
        shadows=shadows,
        handing_over=staying,
        served_from_cluster=still_there,
        former_groups=plan_input.former_groups,
        priorities=allocation.priorities,
        rule_arns={name: rule.arn for name, rule in plan_input.matching.kept.items()},
    )


def _staying_note(plan_input: PlanInput, server: str) -> str:
    if server in plan_input.former_groups:
        return f"server '{server}' is served through its former target group until a target of the new one is healthy"
    return f"server '{server}' is served from this host until another host's target is healthy"


def _allocate(plan_input: PlanInput, obsolete: tuple[Rule, ...]) -> tuple[Allocation, dict[str, RouteProblem]]:
    """Gives out priorities. A rule that may be all that serves an impossible route's path keeps its own."""
    current = {name: rule.priority for name, rule in plan_input.matching.kept.items()}
    unmet = _unmet_needs(plan_input)
    staying: set[str] = set()
    while True:
        leaving = {rule.priority for rule in obsolete if rule.arn not in staying}
        others = {rule.priority for rule in plan_input.observed.rules} - leaving - set(current.values())
        allocation = allocate(plan_input.desired, current, others, leaving, plan_input.inside)
        problems = {problem.server: problem for problem in allocation.problems} | unmet
        problems |= _held_up(plan_input, problems)
        stuck = {rule.arn for rule in obsolete if plan_input.overlapping(rule) & problems.keys()}
        if stuck <= staying:
            return allocation, problems
        staying |= stuck


def _held_up(plan_input: PlanInput, problems: Mapping[str, RouteProblem]) -> dict[str, RouteProblem]:
    """Returns a problem for each route that would take over the rule of an impossible one, and with it all it has.

    A route that is to lead to an impossible one's targets, and does not yet, is held up too.
    """
    stuck = set(problems)
    found: dict[str, RouteProblem] = {}
    while True:
        more = {
            name: RouteProblem(
                name,
                f"its path still leads to server '{owner}', whose own route cannot be brought to its desired state",
            )
            for name, rule in plan_input.matching.kept.items()
            if (owner := server_of(rule.tags, name)) in stuck and name not in stuck
        }
        more |= {
            route.name: RouteProblem(
                route.name,
                f"it shares the targets of server '{route.shares}', whose own route cannot be brought to its desired "
                "state",
            )
            for route in plan_input.desired.routes
            if route.shares in stuck and route.name not in stuck and not _leads_there(plan_input, route)
        }
        if not more:
            return found
        found |= more
        stuck |= more.keys()


def _leads_there(plan_input: PlanInput, route: Route) -> bool:
    rule = plan_input.matching.kept.get(route.name)
    if rule is None or rule.conditions != route.conditions:
        return False
    return set(rule.weights) == {plan_input.group_arn(route)}


def _obsolete_rules(plan_input: PlanInput) -> tuple[Rule, ...]:
    """Returns our rules that no route wants, without those of servers that are protected or that other hosts serve."""
    desired = {route.name for route in plan_input.desired.routes}
    shared = {group.arn for group in plan_input.unused_groups if plan_input.is_shared(group)}
    return tuple(
        rule
        for rule in plan_input.matching.obsolete
        if server_of(rule.tags, "") not in plan_input.desired.not_ours_to_remove
        and (server_of(rule.tags, "") in desired or not any(arn in shared for arn in rule.weights))
    )


def _unmet_needs(plan_input: PlanInput) -> dict[str, RouteProblem]:
    """Returns a problem for each route that asks of the listener, or of a target group, what it cannot give."""
    problems = {
        route.name: RouteProblem(
            route.name, "authenticate_oidc and jwt_validation need an HTTPS listener; this one is HTTP"
        )
        for route in plan_input.desired.routes
        if (route.front_actions or route.needs_https) and plan_input.observed.listener.protocol != "HTTPS"
    }
    for route in plan_input.desired.routes:
        group = plan_input.group(route)
        if group is not None and not plan_input.desired.owner.owns(group.tags):
            tags = ", ".join(f"{key}={value}" for key, value in plan_input.desired.owner.tags.items())
            problems[route.name] = RouteProblem(
                route.name,
                f"target group {group.name} exists but does not have this fleet's tags; "
                f"if it is ours, tag it with {tags}; otherwise delete or rename it",
            )
    return problems
