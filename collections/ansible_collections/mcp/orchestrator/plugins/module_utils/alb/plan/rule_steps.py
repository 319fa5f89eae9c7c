# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that bring one route's rule to what is desired, without a moment in which its path leads nowhere.

A rule that has to lead to another target group takes it on with weight 0 first: only a group that a rule refers to has
its targets' health checked. When they are healthy the weights turn, the old group is drained, and then it is let go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import TAG_SECRET
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import (
    Json,
    Rule,
    actions_for_api,
    forward,
    with_forward,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule_options import SECRET_REFERENCE
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import Target
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import (
    RULE_REFERENCE,
    WAIT_HEALTHY,
    Action,
    Phase,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.group_steps import (
    missing_targets,
    surplus_targets,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import Headroom, PlanInput, api_tags
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.priority import parking_place, takes_from
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.priority_moves import (
    RulePosition,
    at_turn,
    priority_actions,
)


@dataclass
class RuleSteps:
    """Plans the rules of all routes; remembers which priorities it has already given away."""

    plan_input: PlanInput
    priorities: Mapping[str, int]
    parked: dict[str, int] = field(default_factory=dict)

    def steps(self, route: Route) -> list[Action]:
        """Create or change a route's rule, and wait for its targets where something depends on them."""
        rule = self.plan_input.matching.kept.get(route.name)
        if rule is None:
            return self._create(route)
        return self._change(route, rule)

    def moves(self, obsolete: Iterable[Rule]) -> list[Action]:
        """Plan all changes of priorities: ours to their places, unwanted rules out of the way of desired ones."""
        places = [
            *(place for route in self.plan_input.desired.routes for place in self._route_place(route)),
            *(self._obsolete_position(rule) for rule in obsolete),
        ]
        known = {place.arn for place in places}
        places += [
            RulePosition(rule.arn, rule.arn, rule.priority, rule.priority, tuple(rule.path_values), is_ours=False)
            for rule in self.plan_input.observed.rules
            if rule.arn not in known
        ]
        return priority_actions(places)

    def _route_place(self, route: Route) -> list[RulePosition]:
        rule = self.plan_input.matching.kept.get(route.name)
        desired = self.priorities.get(route.name)
        if desired is None:
            return []
        if rule is None:
            reference = RULE_REFERENCE + route.name
            now = self.parked.get(route.name, desired)
            turns = self._turns(route)
            patterns = tuple(route.patterns)
            needs = frozenset({route.name})
            return [
                RulePosition(route.name, reference, now, desired, patterns, turns, needs, bool(route.extra_conditions))
            ]
        turns = self._turns(route)
        patterns = tuple({*rule.path_values, *route.patterns})
        needs = frozenset({route.name} if turns is not None else ())
        is_partial = rule.has_other_conditions or bool(route.extra_conditions)
        return [RulePosition(route.name, rule.arn, rule.priority, desired, patterns, turns, needs, is_partial)]

    def _turns(self, route: Route) -> int | None:
        """Tell the last turn after which a route's rule, and those of narrower routes before it, lead right."""
        involved = [other for other in self.plan_input.desired.routes if other is route or takes_from(route, other)]
        return max((self._turn(other) for other in involved if self._has_to_turn(other)), default=None)

    def _turn(self, route: Route) -> int:
        """Tell when a route's rule turns: narrower routes first, lest a broader one takes their requests meanwhile."""
        narrower = [other for other in self.plan_input.desired.routes if takes_from(route, other)]
        return max((self._turn(other) + 1 for other in narrower), default=0)

    def _has_to_turn(self, route: Route) -> bool:
        rule = self.plan_input.matching.kept.get(route.name)
        desired = (route.conditions, route.transforms, self._desired_actions(route))
        return rule is not None and (rule.conditions, rule.transforms, rule.actions) != desired

    def _obsolete_position(self, rule: Rule) -> RulePosition:
        label = f"unwanted rule {rule.arn.rsplit('/', 1)[-1]}"
        place = self._place_behind(rule)
        after = rule.priority if place is None else place
        needs = self.plan_input.overlapping(rule)
        return RulePosition(label, rule.arn, rule.priority, after, tuple(rule.path_values), needs=needs)

    def _place_behind(self, rule: Rule) -> int | None:
        """Find where an unwanted rule cannot stand in the way of a desired one; None if it does not."""
        plan_input = self.plan_input
        in_front_of = [
            self.priorities[name]
            for name in plan_input.overlapping(rule)
            if name in self.priorities and self.priorities[name] >= rule.priority
        ]
        if rule.priority in self.priorities.values():
            in_front_of.append(rule.priority)
        if not in_front_of or plan_input.goes_early(rule):
            return None
        place = parking_place(self._taken(), max(in_front_of), plan_input.desired)
        if place is not None:
            self.parked[rule.arn] = place
        return place

    def _taken(self) -> set[int]:
        used = {rule.priority for rule in self.plan_input.observed.rules}
        return used | set(self.priorities.values()) | set(self.parked.values())

    def _create(self, route: Route) -> list[Action]:
        plan_input = self.plan_input
        actions = self._desired_actions(route)
        desired = self.priorities[route.name]
        place = self._first_place(route, desired)
        arguments: Json = {
            "ListenerArn": plan_input.desired.owner.listener_arn,
            "Priority": place,
            "Conditions": route.conditions,
            "Actions": self._for_api(route, actions),
            "Tags": api_tags(plan_input.desired.rule_tags(route)),
        }
        if route.transforms:
            arguments["Transforms"] = route.transforms
        shown = plan_input.show_rule(desired, route.conditions, actions, route.transforms)
        reason = "no rule of ours leads to this path"
        create = Action(Phase.BUILD, route.name, "create_rule", "create_rule", arguments, reason, after=shown)
        undo: tuple[tuple[str, Mapping[str, Any]], ...] = ()
        if place != desired:
            undo = (("delete_rule", {"RuleArn": RULE_REFERENCE + route.name}),)
        return [create, *self._wait(route, self._awaited(route, switching=True), undo)]

    def _first_place(self, route: Route, desired: int) -> int:
        """Find where a new rule can wait for its targets without taking over requests that are served now."""
        plan_input = self.plan_input
        behind = [
            rule.priority
            for rule in plan_input.observed.rules
            if rule.priority > desired and rule.weights and rule.may_match(route.patterns)
        ]
        occupied = any(rule.priority == desired for rule in plan_input.observed.rules)
        served = plan_input.is_attached(plan_input.group(route)) and not missing_targets(plan_input, route)
        served = served and self._turns(route) is None and self._narrower_come_first(route, desired)
        if not occupied and (served or not behind):
            return desired
        place = parking_place(self._taken(), max(behind, default=desired), plan_input.desired)
        if place is None:
            return desired
        self.parked[route.name] = place
        return place

    def _narrower_come_first(self, route: Route, place: int) -> bool:
        """Say whether the routes inside this one have rules before a place, so that it would not take them along."""
        kept = self.plan_input.matching.kept
        inside = [other.name for other in self.plan_input.desired.routes if takes_from(route, other)]
        return all(name in kept and kept[name].priority < place for name in inside)

    def _change(self, route: Route, rule: Rule) -> list[Action]:
        plan_input = self.plan_input
        arn = plan_input.group_arn(route)
        desired = self._desired_actions(route)
        old = {other: 0 for other in rule.weights if other in plan_input.unused_arns and other != arn}
        turned = with_forward(desired, {arn: 1, **old}) if old else desired
        serving = {other: weight for other, weight in rule.weights.items() if weight > 0 and other != arn}
        awaited = self._awaited(route, switching=bool(serving))
        steps: list[Action] = []
        if awaited and not plan_input.is_attached(plan_input.group(route)):
            # Only a group that a rule refers to has its targets' health checked.
            both = {**serving, arn: 0} if serving and plan_input.headroom is Headroom.AMPLE else {arn: 1}
            actions = with_forward(rule.actions, both)
            reason = "its targets' health shows only when a rule refers to it"
            steps.append(self._modify(Phase.BUILD, route, rule, "attach_target_group", actions, reason))
        steps += self._wait(route, awaited)
        desired_mark = plan_input.desired.rule_tags(route).get(TAG_SECRET)
        has_new_secret = desired_mark is not None and (rule.tags or {}).get(TAG_SECRET) != desired_mark
        as_desired = (rule.conditions, rule.transforms, rule.actions) == (route.conditions, route.transforms, turned)
        if has_new_secret or not as_desired:
            reason = "the client secret is another" if as_desired else _difference(route, rule, turned)
            steps.append(self._modify(Phase.TURN, route, rule, "modify_rule", turned, reason, whole=True))
        if old:
            reason = "the old target group is drained"
            steps.append(self._modify(Phase.DETACH, route, rule, "detach_target_group", desired, reason))
        return steps + self._tags(route, rule)

    def _desired_actions(self, route: Route) -> list[Json]:
        return [*route.front_actions, forward({self.plan_input.group_arn(route): 1})]

    def _for_api(self, route: Route, actions: list[Json]) -> list[Json]:
        """Write actions for the API, with a reference where the client secret belongs."""
        written = actions_for_api(actions)
        for action in written:
            if action["Type"] == "authenticate-oidc":
                secret = (
                    {"ClientSecret": SECRET_REFERENCE + route.name}
                    if route.client_secret
                    else {"UseExistingClientSecret": True}
                )
                action["AuthenticateOidcConfig"] = {**action["AuthenticateOidcConfig"], **secret}
        return written

    def _modify(
        self, phase: Phase, route: Route, rule: Rule, name: str, actions: list[Json], reason: str, whole: bool = False
    ) -> Action:
        arguments: Json = {"RuleArn": rule.arn, "Actions": self._for_api(route, actions)}
        conditions, transforms = rule.conditions, rule.transforms
        if whole:
            if rule.conditions != route.conditions:
                arguments["Conditions"] = route.conditions
            if rule.transforms != route.transforms:
                arguments.update({"Transforms": route.transforms} if route.transforms else {"ResetTransforms": True})
        if whole or phase is Phase.DETACH:
            conditions, transforms = route.conditions, route.transforms
        before = self.plan_input.show_observed(rule)
        after = self.plan_input.show_rule(rule.priority, conditions, actions, transforms)
        rank = at_turn(self._turn(route)) if phase is Phase.TURN else 0
        return Action(phase, route.name, name, "modify_rule", arguments, reason, before, after, rank=rank)

    def _tags(self, route: Route, rule: Rule) -> list[Action]:
        observed = rule.tags or {}
        desired = self.plan_input.desired.rule_tags(route)
        changed = {key: value for key, value in desired.items() if observed.get(key) != value}
        if not changed:
            return []
        arguments = {"ResourceArns": [rule.arn], "Tags": api_tags(changed)}
        before = {key: observed.get(key) for key in changed}
        reason = "the rule's tags are not in the desired state"
        return [Action(Phase.RECORD, route.name, "tag_rule", "add_tags", arguments, reason, before, changed)]

    def _awaited(self, route: Route, switching: bool) -> list[Target]:
        """Which targets have to be healthy before something that serves now may go."""
        plan_input = self.plan_input
        group = plan_input.group(route)
        desired = plan_input.desired.targets(route)
        if group is None or not plan_input.is_attached(group):
            return desired
        if group.targets is None:
            return []
        missing = missing_targets(plan_input, route)
        serving = [target for target in surplus_targets(plan_input, route) if target.state == "healthy"]
        healthy = {target.port for target in plan_input.mine(group) if target.state == "healthy"}
        if switching or serving:
            return [target for target in desired if target.port not in healthy]
        return missing

    def _wait(
        self, route: Route, awaited: list[Target], undo: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    ) -> list[Action]:
        if not awaited:
            return []
        plan_input = self.plan_input
        arguments = {"TargetGroupArn": plan_input.group_arn(route), "Targets": [target.for_api() for target in awaited]}
        if any(target.state == "healthy" for target in surplus_targets(plan_input, route)):
            undo = (*undo, ("deregister_targets", arguments))
        reason = "nothing that serves now goes before the new targets are healthy"
        return [Action(Phase.WAIT_HEALTHY, route.name, WAIT_HEALTHY, WAIT_HEALTHY, arguments, reason, undo=undo)]


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
    return f"the rule's {' and '.join(parts)} are not in the desired state"
