# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the wish and the observed world to the ordered steps between them. Pure: nothing here calls anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.action import (
    GROUP_REFERENCE,
    Action,
    Phase,
    Plan,
    Problem,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.draft import Draft, Room, api_tags, service_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.elsewhere_steps import leave_steps, lingering
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.group_steps import (
    deregister_steps,
    group_steps,
    record_steps,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.match import match_rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.priority import Allocation, allocate
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.removal_steps import (
    delete_group_steps,
    delete_rule_steps,
    group_notes,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.route import Route, Wish
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.rule import Rule
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.rule_steps import RuleSteps
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.world import World

# An open stream of the bridge is never silent for longer than this.
BRIDGE_COMMENT_SECONDS = 15


def make_plan(wish: Wish, world: World, room: Room = Room.AMPLE) -> Plan:
    """Plan everything that has to change.

    Target groups whose targets or attributes were not looked at (None) are trusted to be as their tags say.
    The plan is empty if and only if nothing is left to do; ``problems`` name the routes that cannot be as wished.
    """
    draft = Draft(wish, world, match_rules(wish, world.rules), room)
    doomed = _doomed_rules(draft)
    allocation, problems = _allocate(draft, doomed)
    rule_steps = RuleSteps(draft, allocation.priorities)
    actions: list[Action] = []
    for route in wish.routes:
        if route.name not in problems:
            actions += group_steps(draft, route)
            actions += rule_steps.steps(route)
            actions += deregister_steps(draft, route)
            actions += record_steps(draft, route)
    actions += rule_steps.moves([rule for rule in doomed if not draft.overlapping(rule) & problems.keys()])
    actions += delete_rule_steps(draft, doomed)
    for group in draft.spare_groups:
        actions += delete_group_steps(draft, group, doomed)
    for group in draft.groups_elsewhere:
        actions += leave_steps(draft, group)
    # What an impossible route has now stays: it may be all that serves its path.
    possible = [action for action in actions if not ({action.server} | action.needs) & problems.keys()]
    staying = lingering(draft)
    ordered = _with_seal(draft, sorted(possible, key=lambda action: action.order), bool(problems or staying))
    return Plan(
        actions=tuple(ordered),
        problems=tuple(problems.values()),
        notes=(
            *_shadow_notes(draft, allocation.priorities),
            *group_notes(draft),
            *(f"server '{name}' is served from this host until another host's target is healthy" for name in staying),
            *_idle_notes(world),
        ),
        lingering=staying,
        priorities=allocation.priorities,
        rule_arns={name: rule.arn for name, rule in draft.matching.kept.items()},
    )


def _allocate(draft: Draft, doomed: tuple[Rule, ...]) -> tuple[Allocation, dict[str, Problem]]:
    """Give out priorities. A rule that may be all that serves an impossible route's path keeps its own."""
    current = {name: rule.priority for name, rule in draft.matching.kept.items()}
    unmet = _unmet_needs(draft)
    staying: set[str] = set()
    while True:
        leaving = {rule.priority for rule in doomed if rule.arn not in staying}
        others = {rule.priority for rule in draft.world.rules} - leaving - set(current.values())
        allocation = allocate(draft.wish, current, others, leaving)
        problems = {problem.server: problem for problem in allocation.problems} | unmet
        problems |= _held_up(draft, problems)
        stuck = {rule.arn for rule in doomed if draft.overlapping(rule) & problems.keys()}
        if stuck <= staying:
            return allocation, problems
        staying |= stuck


def _held_up(draft: Draft, problems: Mapping[str, Problem]) -> dict[str, Problem]:
    """Find the routes that would take over the rule of an impossible route, and with it all that it has."""
    stuck = set(problems)
    found: dict[str, Problem] = {}
    while True:
        more = {
            name: Problem(name, f"its path still leads to server '{owner}', whose own route cannot be as it is wished")
            for name, rule in draft.matching.kept.items()
            if (owner := service_of(rule.tags, name)) in stuck and name not in stuck
        }
        if not more:
            return found
        found |= more
        stuck |= more.keys()


def _doomed_rules(draft: Draft) -> tuple[Rule, ...]:
    """Our rules that no route wants, but for those of servers that are not ours to remove, or that others serve."""
    wished = {route.name for route in draft.wish.routes}
    shared = {group.arn for group in draft.spare_groups if draft.is_shared(group)}
    return tuple(
        rule
        for rule in draft.matching.doomed
        if service_of(rule.tags, "") not in draft.wish.not_ours_to_remove
        and (service_of(rule.tags, "") in wished or not any(arn in shared for arn in rule.weights))
    )


def _unmet_needs(draft: Draft) -> dict[str, Problem]:
    """Find the routes that ask of the listener, or of a target group, what it cannot give."""
    problems = {
        route.name: Problem(route.name, "authenticate_oidc and jwt_validation need an HTTPS listener; this one is HTTP")
        for route in draft.wish.routes
        if route.front_actions and draft.world.listener.protocol != "HTTPS"
    }
    for route in draft.wish.routes:
        group = draft.group(route)
        if group is not None and not draft.wish.owner.owns(group.tags):
            tags = ", ".join(f"{key}={value}" for key, value in draft.wish.owner.tags.items())
            problems[route.name] = Problem(
                route.name,
                f"target group {group.name} exists but does not bear this fleet's tags; "
                f"if it is ours, tag it with {tags}; otherwise delete or rename it",
            )
    return problems


def _with_seal(draft: Draft, actions: list[Action], is_unfinished: bool) -> list[Action]:
    """Break the seal before anything changes, and set it when everything is as wished."""
    wish, world = draft.wish, draft.world
    tag = wish.owner.seal_tag
    sealed = world.group_by_name.get(world.sealed_group or "")
    home = _seal_home(draft)
    in_place = world.seal == wish.seal and sealed is not None and sealed.name == home
    if not actions and (in_place or home is None or is_unfinished):
        return actions
    before = []
    if sealed is not None and (actions or not in_place):
        broken = {"ResourceArns": [sealed.arn], "TagKeys": [tag]}
        before = [Action(Phase.UNSEAL, "", "unseal", "remove_tags", broken, "this run changes something")]
    if home is None or is_unfinished:
        return before + actions
    group = world.group_by_name.get(home)
    arguments: dict[str, Any] = {
        "ResourceArns": [group.arn if group else GROUP_REFERENCE + home],
        "Tags": api_tags({tag: wish.seal}),
    }
    seal = Action(Phase.SEAL, "", "seal", "add_tags", arguments, "everything is as this run wished it")
    return [*before, *actions, seal]


def _seal_home(draft: Draft) -> str | None:
    """The target group whose tags bear the seal: the first by name."""
    return min(draft.wish.group_names.values(), default=None)


def _idle_notes(world: World) -> list[str]:
    """Say that the load balancer cuts streams sooner than the bridge shows signs of life."""
    seconds = world.load_balancer.idle_timeout if world.load_balancer else None
    if seconds is None or seconds > BRIDGE_COMMENT_SECONDS:
        return []
    return [
        f"the load balancer's idle timeout is {seconds} s, but on an open stream the bridge is silent for up to "
        f"{BRIDGE_COMMENT_SECONDS} s: streams will be cut; raise idle_timeout.timeout_seconds (AWS's default is 60)"
    ]


def _shadow_notes(draft: Draft, priorities: Mapping[str, int]) -> list[str]:
    return [
        note
        for route in draft.wish.routes
        if route.name in priorities
        for rule in draft.matching.foreign
        for note in _shadow_note(route, priorities[route.name], rule)
    ]


def _shadow_note(route: Route, priority: int, rule: Rule) -> list[str]:
    """Say that a rule which is not ours matches a route's path before it, or after it."""
    looks_at_paths = any(condition["Field"] == "path-pattern" for condition in rule.conditions)
    if not looks_at_paths or not rule.may_match(route.patterns):
        return []
    paths = ", ".join(rule.path_values) or "a regular expression"
    some = " where its other conditions are met as well" if rule.has_other_conditions else ""
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
