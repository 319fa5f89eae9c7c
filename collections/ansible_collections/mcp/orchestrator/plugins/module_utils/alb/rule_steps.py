# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that bring one route's rule to what is wished, without a moment in which its path leads nowhere.

A rule that has to lead to another target group takes it on with weight 0 first: only a group that a rule refers to has
its targets' health checked. When they are healthy the weights turn, the old group is drained, and then it is let go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.action import (
    RULE_REFERENCE,
    WAIT_HEALTHY,
    Action,
    Phase,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.draft import Draft, Room, api_tags
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.group_steps import missing_targets, surplus_targets
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.priority import parking_place
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.route import Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.rule import (
    Json,
    Rule,
    actions_for_api,
    forward,
    with_forward,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.target_group import Target


@dataclass
class RuleSteps:
    """Plans the rules of all routes; remembers which priorities it has already given away."""

    draft: Draft
    priorities: Mapping[str, int]
    parked: dict[str, int] = field(default_factory=dict)

    def steps(self, route: Route) -> list[Action]:
        """Create or change a route's rule, and wait for its targets where something depends on them."""
        rule = self.draft.matching.kept.get(route.name)
        if rule is None:
            return self._create(route)
        return self._change(route, rule)

    def moves(self, doomed: Iterable[Rule]) -> list[Action]:
        """All changes of priorities as one atomic step: our rules to their places, unwanted ones behind them."""
        draft = self.draft
        moved: list[tuple[str, str, int, int, frozenset[str]]] = []
        for route in draft.wish.routes:
            rule = draft.matching.kept.get(route.name)
            wished = self.priorities.get(route.name)
            if wished is None:
                continue
            if rule is not None and rule.priority != wished:
                moved.append((route.name, rule.arn, rule.priority, wished, frozenset()))
            elif route.name in self.parked:
                needs = frozenset({route.name})
                moved.append((route.name, RULE_REFERENCE + route.name, self.parked[route.name], wished, needs))
        for rule in doomed:
            place = self._place_behind(rule)
            if place is not None:
                label = f"unwanted rule {rule.arn.rsplit('/', 1)[-1]}"
                moved.append((label, rule.arn, rule.priority, place, draft.overlapping(rule)))
        if not moved:
            return []
        arguments = {
            "RulePriorities": [
                {"RuleArn": arn, "Priority": place, "Needs": sorted(needs)} for _, arn, _, place, needs in moved
            ]
        }
        before = {label: number for label, _, number, _, _ in moved}
        after = {label: place for label, _, _, place, _ in moved}
        reason = "all at once, so that no path is without its rule"
        return [Action(Phase.PRIORITIES, "", "set_priorities", "set_rule_priorities", arguments, reason, before, after)]

    def _place_behind(self, rule: Rule) -> int | None:
        """Find where an unwanted rule cannot stand in the way of a wished one; None if it does not."""
        draft = self.draft
        in_front_of = [
            self.priorities[name]
            for name in draft.overlapping(rule)
            if name in self.priorities and self.priorities[name] >= rule.priority
        ]
        if rule.priority in self.priorities.values():
            in_front_of.append(rule.priority)
        if not in_front_of or draft.goes_early(rule):
            return None
        place = parking_place(self._taken(), max(in_front_of), draft.wish)
        if place is not None:
            self.parked[rule.arn] = place
        return place

    def _taken(self) -> set[int]:
        used = {rule.priority for rule in self.draft.world.rules}
        return used | set(self.priorities.values()) | set(self.parked.values())

    def _create(self, route: Route) -> list[Action]:
        draft = self.draft
        actions = self._wished_actions(route)
        wished = self.priorities[route.name]
        place = self._first_place(route, wished)
        arguments: Json = {
            "ListenerArn": draft.wish.owner.listener_arn,
            "Priority": place,
            "Conditions": route.conditions,
            "Actions": actions_for_api(actions),
            "Tags": api_tags(draft.wish.rule_tags(route)),
        }
        if route.transforms:
            arguments["Transforms"] = route.transforms
        shown = draft.show_rule(wished, route.conditions, actions, route.transforms)
        reason = "no rule of ours leads to this path"
        create = Action(Phase.BUILD, route.name, "create_rule", "create_rule", arguments, reason, after=shown)
        undo: tuple[tuple[str, Mapping[str, Any]], ...] = ()
        if place != wished:
            undo = (("delete_rule", {"RuleArn": RULE_REFERENCE + route.name}),)
        return [create, *self._wait(route, self._awaited(route, switching=True), undo)]

    def _first_place(self, route: Route, wished: int) -> int:
        """Find where a new rule can wait for its targets without taking over requests that are served now."""
        draft = self.draft
        behind = [
            rule.priority
            for rule in draft.world.rules
            if rule.priority > wished and rule.weights and rule.may_match(route.patterns)
        ]
        occupied = any(rule.priority == wished for rule in draft.world.rules)
        served = draft.is_attached(draft.group(route)) and not missing_targets(draft, route)
        if not occupied and (served or not behind):
            return wished
        place = parking_place(self._taken(), max(behind, default=wished), draft.wish)
        if place is None:
            return wished
        self.parked[route.name] = place
        return place

    def _change(self, route: Route, rule: Rule) -> list[Action]:
        draft = self.draft
        arn = draft.group_arn(route)
        wished = self._wished_actions(route)
        old = {other: 0 for other in rule.weights if other in draft.spare_arns and other != arn}
        turned = with_forward(wished, {arn: 1, **old}) if old else wished
        same_rest = rule.conditions == route.conditions and rule.transforms == route.transforms
        steps: list[Action] = []
        switching = any(weight > 0 for other, weight in rule.weights.items() if other != arn)
        awaited = self._awaited(route, switching)
        staged = switching and bool(awaited) and arn not in rule.weights and self.draft.room is Room.AMPLE
        if staged:
            both = with_forward(rule.actions, {**_without_idle(rule.weights), arn: 0})
            steps.append(self._modify(Phase.BUILD, route, rule, "attach_target_group", both, "its health shows first"))
        # Where nothing refers to the group yet its health cannot be awaited, so the rule has to turn first.
        attached = staged or arn in rule.weights or draft.is_attached(draft.group(route))
        turn = Phase.SWITCH if attached or not awaited else Phase.BUILD
        steps += self._wait(route, awaited)
        if not (same_rest and rule.actions == turned):
            reason = _difference(route, rule, turned)
            steps.append(self._modify(turn, route, rule, "modify_rule", turned, reason, whole=True))
        if old:
            reason = "the old target group is drained"
            steps.append(self._modify(Phase.DETACH, route, rule, "detach_target_group", wished, reason))
        return steps + self._tags(route, rule)

    def _wished_actions(self, route: Route) -> list[Json]:
        return [*route.front_actions, forward({self.draft.group_arn(route): 1})]

    def _modify(
        self, phase: Phase, route: Route, rule: Rule, name: str, actions: list[Json], reason: str, whole: bool = False
    ) -> Action:
        arguments: Json = {"RuleArn": rule.arn, "Actions": actions_for_api(actions)}
        conditions, transforms = rule.conditions, rule.transforms
        if whole:
            if rule.conditions != route.conditions:
                arguments["Conditions"] = route.conditions
            if rule.transforms != route.transforms:
                arguments.update({"Transforms": route.transforms} if route.transforms else {"ResetTransforms": True})
        if whole or phase is Phase.DETACH:
            conditions, transforms = route.conditions, route.transforms
        before = self.draft.show_observed(rule)
        after = self.draft.show_rule(rule.priority, conditions, actions, transforms)
        return Action(phase, route.name, name, "modify_rule", arguments, reason, before, after)

    def _tags(self, route: Route, rule: Rule) -> list[Action]:
        observed = rule.tags or {}
        wished = self.draft.wish.rule_tags(route)
        changed = {key: value for key, value in wished.items() if observed.get(key) != value}
        if not changed:
            return []
        arguments = {"ResourceArns": [rule.arn], "Tags": api_tags(changed)}
        before = {key: observed.get(key) for key in changed}
        reason = "the rule's tags are not as wished"
        return [Action(Phase.SWITCH, route.name, "tag_rule", "add_tags", arguments, reason, before, changed)]

    def _awaited(self, route: Route, switching: bool) -> list[Target]:
        """Which targets have to be healthy before something that serves now may go."""
        draft = self.draft
        group = draft.group(route)
        wished = draft.wish.targets(route)
        if group is None:
            return wished
        if group.targets is None:
            return wished if switching and not draft.is_attached(group) else []
        missing = missing_targets(draft, route)
        serving = [target for target in surplus_targets(draft, route) if target.state == "healthy"]
        healthy = {target.port for target in draft.mine(group) if target.state == "healthy"}
        if switching or serving:
            return [target for target in wished if target.port not in healthy]
        return missing

    def _wait(
        self, route: Route, awaited: list[Target], undo: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    ) -> list[Action]:
        if not awaited:
            return []
        draft = self.draft
        arguments = {"TargetGroupArn": draft.group_arn(route), "Targets": [target.for_api() for target in awaited]}
        if any(target.state == "healthy" for target in surplus_targets(draft, route)):
            undo = (*undo, ("deregister_targets", arguments))
        reason = "nothing that serves now goes before the new targets are healthy"
        return [Action(Phase.WAIT_HEALTHY, route.name, WAIT_HEALTHY, WAIT_HEALTHY, arguments, reason, undo=undo)]


def _without_idle(weights: Mapping[str, int]) -> dict[str, int]:
    """Leave out groups that get no requests: an action takes five groups at most."""
    return {arn: weight for arn, weight in weights.items() if weight > 0}


def _difference(route: Route, rule: Rule, actions: list[Json]) -> str:
    parts = [
        name
        for name, same in (
            ("conditions", rule.conditions == route.conditions),
            ("actions", rule.actions == actions),
            ("transforms", rule.transforms == route.transforms),
        )
        if not same
    ]
    return f"the rule's {' and '.join(parts)} are not as wished"
