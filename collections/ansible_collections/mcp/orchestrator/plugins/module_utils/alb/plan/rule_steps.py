# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that bring one route's rule to the desired state, without a moment in which its path leads nowhere.

A rule that has to lead to another target group takes it on with weight 0 first: only a group that a rule refers to has
its targets' health checked. When they are healthy the weights are switched, the old group is drained, and then
it is let go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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
    ApiCall,
    Phase,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.builders import (
    key_values,
    tag,
    targets_argument,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.group_steps import (
    missing_targets,
    surplus_targets,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import Headroom, PlanInput
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.priority import parking_place, takes_from
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.priority_moves import (
    RulePosition,
    priority_actions,
    rank_of_switch,
)


@dataclass
class RuleSteps:
    """Plans the rules of all routes.

    ``priorities`` are those that the routes are to have, by server. ``parked`` remembers the priorities that were given
    away for the time of the run: by server for new rules that wait, by ARN for obsolete ones that make way.
    """

    plan_input: PlanInput
    priorities: Mapping[str, int]
    parked: dict[str, int] = field(default_factory=dict)

    def steps(self, route: Route) -> list[Action]:
        """Returns the steps that create or change a route's rule, and wait for its targets where that matters."""
        rule = self.plan_input.matching.kept.get(route.name)
        if rule is None:
            return self._create(route)
        return self._change(route, rule)

    def moves(self, obsolete: Iterable[Rule]) -> list[Action]:
        """Returns all changes of priorities: ours to their places, obsolete rules out of the way of desired ones.

        ApiCall it after ``steps``, which says where the new rules wait.
        """
        positions = [
            *(self._position(route) for route in self.plan_input.desired.routes if route.name in self.priorities),
            *(self._obsolete_position(rule) for rule in obsolete),
        ]
        known = {position.arn for position in positions}
        positions += [
            RulePosition(
                label=rule.arn,
                arn=rule.arn,
                before=rule.priority,
                after=rule.priority,
                patterns=tuple(rule.path_values),
                is_ours=False,
            )
            for rule in self.plan_input.observed.rules
            if rule.arn not in known
        ]
        return priority_actions(positions)

    def _position(self, route: Route) -> RulePosition:
        rule = self.plan_input.matching.kept.get(route.name)
        desired = self.priorities[route.name]
        switch = self._last_switch(route)
        is_partial = bool(route.extra_conditions)
        if rule is None:
            return RulePosition(
                label=route.name,
                arn=RULE_REFERENCE + route.name,
                before=self.parked.get(route.name, desired),
                after=desired,
                patterns=tuple(route.patterns),
                switch=switch,
                needs=frozenset({route.name}),
                is_partial=is_partial,
            )
        return RulePosition(
            label=route.name,
            arn=rule.arn,
            before=rule.priority,
            after=desired,
            patterns=tuple({*rule.path_values, *route.patterns}),
            switch=switch,
            needs=frozenset({route.name} if switch is not None else ()),
            is_partial=is_partial or rule.has_other_conditions,
        )

    def _last_switch(self, route: Route) -> int | None:
        """Returns the last switch after which a route's rule, and those of narrower routes before it, lead right."""
        involved = [other for other in self.plan_input.desired.routes if other is route or takes_from(route, other)]
        return max((self._switch(other) for other in involved if self._has_to_switch(other)), default=None)

    def _switch(self, route: Route) -> int:
        """Returns when a route's rule switches, counted from 0.

        Narrower routes come first, lest a broader one takes their requests meanwhile.
        """
        narrower = [other for other in self.plan_input.desired.routes if takes_from(route, other)]
        return max((self._switch(other) + 1 for other in narrower), default=0)

    def _has_to_switch(self, route: Route) -> bool:
        rule = self.plan_input.matching.kept.get(route.name)
        desired = (route.conditions, route.transforms, self._desired_actions(route))
        if route.name in self.plan_input.former_groups:
            return False
        return rule is not None and (rule.conditions, rule.transforms, rule.actions) != desired

    def _obsolete_position(self, rule: Rule) -> RulePosition:
        behind = self._priority_behind(rule)
        return RulePosition(
            label=f"unwanted rule {rule.arn.rsplit('/', 1)[-1]}",
            arn=rule.arn,
            before=rule.priority,
            after=rule.priority if behind is None else behind,
            patterns=tuple(rule.path_values),
            needs=self.plan_input.overlapping(rule),
        )

    def _priority_behind(self, rule: Rule) -> int | None:
        """Returns a priority at which an obsolete rule is in no desired one's way; None where it is in none already."""
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
        priority = parking_place(self._taken(), max(in_front_of), plan_input.desired)
        if priority is not None:
            self.parked[rule.arn] = priority
        return priority

    def _taken(self) -> set[int]:
        used = {rule.priority for rule in self.plan_input.observed.rules}
        return used | set(self.priorities.values()) | set(self.parked.values())

    def _create(self, route: Route) -> list[Action]:
        plan_input = self.plan_input
        actions = self._desired_actions(route)
        desired = self.priorities[route.name]
        priority = self._first_priority(route, desired)
        arguments: Json = {
            "ListenerArn": plan_input.desired.owner.listener_arn,
            "Priority": priority,
            "Conditions": route.conditions,
            "Actions": self._for_api(route, actions),
            "Tags": key_values(plan_input.desired.rule_tags(route)),
        }
        if route.transforms:
            arguments["Transforms"] = route.transforms
        create = Action(
            phase=Phase.BUILD,
            server=route.name,
            name="create_rule",
            operation="create_rule",
            arguments=arguments,
            reason="no rule of ours leads to this path",
            after=plan_input.show_rule(desired, route.conditions, actions, route.transforms),
            needs=_owner(route),
            rank=1 if route.shares else 0,
        )
        undo = () if priority == desired else (ApiCall("delete_rule", {"RuleArn": RULE_REFERENCE + route.name}),)
        return [create, *self._wait(route, self._awaited(route, is_switching=True), undo)]

    def _first_priority(self, route: Route, desired: int) -> int:
        """Returns where a new rule can wait for its targets without taking over requests that are served now."""
        plan_input = self.plan_input
        behind = [
            rule.priority
            for rule in plan_input.observed.rules
            if rule.priority > desired and rule.weights and rule.may_match(route.patterns)
        ]
        is_taken = any(rule.priority == desired for rule in plan_input.observed.rules)
        if not is_taken and (not behind or self._is_ready(route, desired)):
            return desired
        priority = parking_place(self._taken(), max(behind, default=desired), plan_input.desired)
        if priority is None:
            return desired
        self.parked[route.name] = priority
        return priority

    def _is_ready(self, route: Route, priority: int) -> bool:
        """Returns whether a new rule could lead right from the moment it is made."""
        plan_input = self.plan_input
        is_served = plan_input.is_attached(plan_input.group(route)) and not missing_targets(plan_input, route)
        return is_served and self._last_switch(route) is None and self._narrower_come_first(route, priority)

    def _narrower_come_first(self, route: Route, priority: int) -> bool:
        """Returns whether the routes inside this one have rules before a priority, so that it would not take them."""
        kept = self.plan_input.matching.kept
        inside = [other.name for other in self.plan_input.desired.routes if takes_from(route, other)]
        return all(name in kept and kept[name].priority < priority for name in inside)

    def _change(self, route: Route, rule: Rule) -> list[Action]:
        plan_input = self.plan_input
        arn = plan_input.group_arn(route)
        desired = self._desired_actions(route)
        if route.name in plan_input.former_groups:
            is_there = arn in rule.weights
            waiting = (
                [] if is_there else [self._attach(route, rule, with_forward(rule.actions, {**rule.weights, arn: 0}))]
            )
            return waiting + self._tags(route, rule)
        old = {other: 0 for other in rule.weights if other in plan_input.unused_arns and other != arn}
        switched = with_forward(desired, {arn: 1, **old}) if old else desired
        serving = {other: weight for other, weight in rule.weights.items() if weight > 0 and other != arn}
        awaited = self._awaited(route, is_switching=bool(serving))
        steps: list[Action] = []
        if awaited and not plan_input.is_attached(plan_input.group(route)):
            # Only a group that a rule refers to has its targets' health checked.
            both = {**serving, arn: 0} if serving and plan_input.headroom is Headroom.AMPLE else {arn: 1}
            actions = with_forward(rule.actions, both)
            steps.append(self._attach(route, rule, actions))
        steps += self._wait(route, awaited)
        reason = self._why_switch(route, rule, switched)
        if reason:
            steps.append(self._modify(Phase.SWITCH, route, rule, "modify_rule", switched, reason))
        if old:
            reason = "the old target group is drained"
            steps.append(self._modify(Phase.DETACH, route, rule, "detach_target_group", desired, reason))
        return steps + self._tags(route, rule)

    def _attach(self, route: Route, rule: Rule, actions: list[Json]) -> Action:
        reason = "its targets' health shows only when a rule refers to it"
        return self._modify(Phase.BUILD, route, rule, "attach_target_group", actions, reason)

    def _why_switch(self, route: Route, rule: Rule, actions: list[Json]) -> str:
        """Returns why a rule has to be modified, empty where it is in the desired state."""
        parts = [
            name
            for name, is_same in (
                ("conditions", rule.conditions == route.conditions),
                ("actions", rule.actions == actions),
                ("transforms", rule.transforms == route.transforms),
            )
            if not is_same
        ]
        if parts:
            return f"the rule's {' and '.join(parts)} are not in the desired state"
        mark = self.plan_input.desired.rule_tags(route).get(TAG_SECRET)
        return "the client secret has changed" if mark not in (None, (rule.tags or {}).get(TAG_SECRET)) else ""

    def _desired_actions(self, route: Route) -> list[Json]:
        return [*route.front_actions, forward({self.plan_input.group_arn(route): 1})]

    def _for_api(self, route: Route, actions: list[Json]) -> list[Json]:
        """Returns actions for the API, with a reference where the client secret belongs."""
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

    def _modify(self, phase: Phase, route: Route, rule: Rule, name: str, actions: list[Json], reason: str) -> Action:
        """Returns the step that gives a rule other actions, and in its switch the desired conditions and transforms."""
        is_switch = phase is Phase.SWITCH
        arguments: Json = {"RuleArn": rule.arn, "Actions": self._for_api(route, actions)}
        if is_switch and rule.conditions != route.conditions:
            arguments["Conditions"] = route.conditions
        if is_switch and rule.transforms != route.transforms:
            arguments.update({"Transforms": route.transforms} if route.transforms else {"ResetTransforms": True})
        shown = rule if phase is Phase.BUILD else route
        return Action(
            phase=phase,
            rank=rank_of_switch(self._switch(route)) if is_switch else 0,
            server=route.name,
            name=name,
            operation="modify_rule",
            arguments=arguments,
            reason=reason,
            before=self.plan_input.show_observed(rule),
            after=self.plan_input.show_rule(rule.priority, shown.conditions, actions, shown.transforms),
            needs=_owner(route),
        )

    def _tags(self, route: Route, rule: Rule) -> list[Action]:
        return tag(
            Phase.RECORD,
            route.name,
            "tag_rule",
            rule.arn,
            desired=self.plan_input.desired.rule_tags(route),
            observed=rule.tags or {},
            reason="the rule's tags are not in the desired state",
        )

    def _awaited(self, route: Route, is_switching: bool) -> list[Target]:
        """Returns the targets that have to be healthy before something that serves now may go."""
        plan_input = self.plan_input
        group = plan_input.group(route)
        desired = plan_input.desired.targets(route)
        if group is None or not plan_input.is_attached(group):
            return desired
        if group.targets is None:
            return []
        if is_switching or _any_healthy(surplus_targets(plan_input, route)):
            healthy = {target.port for target in plan_input.mine(group) if target.state == "healthy"}
            return [target for target in desired if target.port not in healthy]
        return missing_targets(plan_input, route)

    def _wait(self, route: Route, awaited: list[Target], undo: tuple[ApiCall, ...] = ()) -> list[Action]:
        if not awaited:
            return []
        arguments = targets_argument(self.plan_input.group_arn(route), awaited)
        if _any_healthy(surplus_targets(self.plan_input, route)):
            undo = (*undo, ApiCall("deregister_targets", arguments))
        return [
            Action(
                phase=Phase.WAIT_HEALTHY,
                server=route.name,
                name=WAIT_HEALTHY,
                operation=WAIT_HEALTHY,
                arguments=arguments,
                reason="what serves now stays until the new targets are healthy",
                undo=undo,
            )
        ]


def _owner(route: Route) -> frozenset[str]:
    """Returns the route whose target group this one shares; nothing where it has its own."""
    return frozenset({route.shares}) if route.shares else frozenset()


def _any_healthy(targets: list[Target]) -> bool:
    return any(target.state == "healthy" for target in targets)
