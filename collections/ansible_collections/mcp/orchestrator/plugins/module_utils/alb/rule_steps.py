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
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.move import Place, at_turn, priority_actions
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.ownership import TAG_SECRET
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.priority import parking_place, takes_from
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.route import Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.rule import (
    Json,
    Rule,
    actions_for_api,
    forward,
    with_forward,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.rule_options import SECRET_REFERENCE
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
        """Plan all changes of priorities: ours to their places, unwanted rules out of the way of wished ones."""
        places = [
            *(place for route in self.draft.wish.routes for place in self._route_place(route)),
            *(self._doomed_place(rule) for rule in doomed),
        ]
        known = {place.arn for place in places}
        places += [
            Place(rule.arn, rule.arn, rule.priority, rule.priority, tuple(rule.path_values), is_ours=False)
            for rule in self.draft.world.rules
            if rule.arn not in known
        ]
        return priority_actions(places)

    def _route_place(self, route: Route) -> list[Place]:
        rule = self.draft.matching.kept.get(route.name)
        wished = self.priorities.get(route.name)
        if wished is None:
            return []
        if rule is None:
            reference = RULE_REFERENCE + route.name
            now = self.parked.get(route.name, wished)
            turns = self._turns(route)
            patterns = tuple(route.patterns)
            needs = frozenset({route.name})
            return [Place(route.name, reference, now, wished, patterns, turns, needs, bool(route.extra_conditions))]
        turns = self._turns(route)
        patterns = tuple({*rule.path_values, *route.patterns})
        needs = frozenset({route.name} if turns is not None else ())
        is_partial = rule.has_other_conditions or bool(route.extra_conditions)
        return [Place(route.name, rule.arn, rule.priority, wished, patterns, turns, needs, is_partial)]

    def _turns(self, route: Route) -> int | None:
        """Tell the last turn after which a route's rule, and those of narrower routes before it, lead right."""
        involved = [other for other in self.draft.wish.routes if other is route or takes_from(route, other)]
        return max((self._turn(other) for other in involved if self._has_to_turn(other)), default=None)

    def _turn(self, route: Route) -> int:
        """Tell when a route's rule turns: narrower routes first, lest a broader one takes their requests meanwhile."""
        narrower = [other for other in self.draft.wish.routes if takes_from(route, other)]
        return max((self._turn(other) + 1 for other in narrower), default=0)

    def _has_to_turn(self, route: Route) -> bool:
        rule = self.draft.matching.kept.get(route.name)
        wished = (route.conditions, route.transforms, self._wished_actions(route))
        return rule is not None and (rule.conditions, rule.transforms, rule.actions) != wished

    def _doomed_place(self, rule: Rule) -> Place:
        label = f"unwanted rule {rule.arn.rsplit('/', 1)[-1]}"
        place = self._place_behind(rule)
        after = rule.priority if place is None else place
        needs = self.draft.overlapping(rule)
        return Place(label, rule.arn, rule.priority, after, tuple(rule.path_values), needs=needs)

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
            "Actions": self._for_api(route, actions),
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
        served = served and self._turns(route) is None and self._narrower_come_first(route, wished)
        if not occupied and (served or not behind):
            return wished
        place = parking_place(self._taken(), max(behind, default=wished), draft.wish)
        if place is None:
            return wished
        self.parked[route.name] = place
        return place

    def _narrower_come_first(self, route: Route, place: int) -> bool:
        """Say whether the routes inside this one have rules before a place, so that it would not take them along."""
        kept = self.draft.matching.kept
        inside = [other.name for other in self.draft.wish.routes if takes_from(route, other)]
        return all(name in kept and kept[name].priority < place for name in inside)

    def _change(self, route: Route, rule: Rule) -> list[Action]:
        draft = self.draft
        arn = draft.group_arn(route)
        wished = self._wished_actions(route)
        old = {other: 0 for other in rule.weights if other in draft.spare_arns and other != arn}
        turned = with_forward(wished, {arn: 1, **old}) if old else wished
        serving = {other: weight for other, weight in rule.weights.items() if weight > 0 and other != arn}
        awaited = self._awaited(route, switching=bool(serving))
        steps: list[Action] = []
        if awaited and not draft.is_attached(draft.group(route)):
            # Only a group that a rule refers to has its targets' health checked.
            both = {**serving, arn: 0} if serving and draft.room is Room.AMPLE else {arn: 1}
            actions = with_forward(rule.actions, both)
            reason = "its targets' health shows only when a rule refers to it"
            steps.append(self._modify(Phase.BUILD, route, rule, "attach_target_group", actions, reason))
        steps += self._wait(route, awaited)
        wished_mark = draft.wish.rule_tags(route).get(TAG_SECRET)
        has_new_secret = wished_mark is not None and (rule.tags or {}).get(TAG_SECRET) != wished_mark
        as_wished = (rule.conditions, rule.transforms, rule.actions) == (route.conditions, route.transforms, turned)
        if has_new_secret or not as_wished:
            reason = "the client secret is another" if as_wished else _difference(route, rule, turned)
            steps.append(self._modify(Phase.TURN, route, rule, "modify_rule", turned, reason, whole=True))
        if old:
            reason = "the old target group is drained"
            steps.append(self._modify(Phase.DETACH, route, rule, "detach_target_group", wished, reason))
        return steps + self._tags(route, rule)

    def _wished_actions(self, route: Route) -> list[Json]:
        return [*route.front_actions, forward({self.draft.group_arn(route): 1})]

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
        before = self.draft.show_observed(rule)
        after = self.draft.show_rule(rule.priority, conditions, actions, transforms)
        rank = at_turn(self._turn(route)) if phase is Phase.TURN else 0
        return Action(phase, route.name, name, "modify_rule", arguments, reason, before, after, rank=rank)

    def _tags(self, route: Route, rule: Rule) -> list[Action]:
        observed = rule.tags or {}
        wished = self.draft.wish.rule_tags(route)
        changed = {key: value for key, value in wished.items() if observed.get(key) != value}
        if not changed:
            return []
        arguments = {"ResourceArns": [rule.arn], "Tags": api_tags(changed)}
        before = {key: observed.get(key) for key in changed}
        reason = "the rule's tags are not as wished"
        return [Action(Phase.RECORD, route.name, "tag_rule", "add_tags", arguments, reason, before, changed)]

    def _awaited(self, route: Route, switching: bool) -> list[Target]:
        """Which targets have to be healthy before something that serves now may go."""
        draft = self.draft
        group = draft.group(route)
        wished = draft.wish.targets(route)
        if group is None or not draft.is_attached(group):
            return wished
        if group.targets is None:
            return []
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
