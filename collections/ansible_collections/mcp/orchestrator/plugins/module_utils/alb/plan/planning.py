# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan is made of: what is desired, what was observed, and how the two were matched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.observed_routes import ObservedRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import TAG_SERVICE
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.pattern import any_overlap
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import Json, Rule
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import Target, TargetGroup
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import GROUP_REFERENCE
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.match import Matching


class Headroom(IntEnum):
    """How much room the quotas leave: for new beside old, only after what stands in nobody's way, or for neither."""

    AMPLE = 0
    TIGHT = 1
    NONE = 2


@dataclass(frozen=True)
class PlanInput:
    """What every step of the planning looks at; nothing here changes anything."""

    desired: DesiredRoutes
    observed: ObservedRoutes
    matching: Matching
    headroom: Headroom = Headroom.AMPLE

    def group(self, route: Route) -> TargetGroup | None:
        """Returns the observed target group of a route, if there is one."""
        return self.observed.group_by_name.get(self.desired.group_names[route.name])

    def group_arn(self, route: Route) -> str:
        """Returns the ARN of a route's target group, or a reference to the one that is going to be made."""
        group = self.group(route)
        return group.arn if group else GROUP_REFERENCE + self.desired.group_names[route.name]

    def is_attached(self, group: TargetGroup | None) -> bool:
        """Returns whether the load balancer uses a group already, so that it checks its targets' health."""
        if group is None:
            return False
        return bool(group.load_balancer_arns) or any(group.arn in rule.weights for rule in self.observed.rules)

    @cached_property
    def inside(self) -> dict[str, int]:
        """The priority of the last rule of others for a path inside that of a route which gives way, by the route."""
        found = {
            route.name: [rule.priority for rule in self.matching.foreign if is_inside(rule, route)]
            for route in self.desired.routes
            if route.gives_way
        }
        return {name: max(priorities) for name, priorities in found.items() if priorities}

    @cached_property
    def former_groups(self) -> Mapping[str, frozenset[str]]:
        """By route the ARNs of our target groups through which it is served until others have brought their targets.

        Who brings the targets of such a route learns of its group from this run, and registers them afterwards.
        """
        unwanted = {group.arn for group in self._unwanted_groups}
        found = {}
        for route in self.desired.routes:
            rule = self.matching.kept.get(route.name)
            if route.elsewhere and rule is not None and not self._may_be_served(route):
                found[route.name] = frozenset(
                    arn for arn, weight in rule.weights.items() if weight > 0 and arn in unwanted
                )
        return {name: arns for name, arns in found.items() if arns}

    def _may_be_served(self, route: Route) -> bool:
        """Returns whether others have a healthy target in a route's group, or it was not looked at."""
        group = self.group(route)
        if group is None:
            return False
        return group.targets is None or any(target.state == "healthy" for target in self.others(group))

    @cached_property
    def unused_groups(self) -> tuple[TargetGroup, ...]:
        """Our target groups that no route wants, and that no server has which is kept or runs on other hosts."""
        former = frozenset[str]().union(*self.former_groups.values())
        return tuple(group for group in self._unwanted_groups if group.arn not in former)

    @cached_property
    def _unwanted_groups(self) -> tuple[TargetGroup, ...]:
        desired = set(self.desired.group_names.values())
        return tuple(
            group
            for group in self.observed.groups
            if self.desired.owner.owns(group.tags)
            and group.name not in desired
            and server_of(group.tags, "") not in self.desired.not_ours_to_remove
        )

    @cached_property
    def groups_on_other_hosts(self) -> tuple[TargetGroup, ...]:
        """Our target groups of the servers that other hosts are to run."""
        return tuple(
            group
            for group in self.observed.groups
            if self.desired.owner.owns(group.tags) and server_of(group.tags, "") in self.desired.on_other_hosts
        )

    @cached_property
    def unused_arns(self) -> frozenset[str]:
        """The ARNs of our target groups that no route wants."""
        return frozenset(group.arn for group in self.unused_groups)

    def mine(self, group: TargetGroup | None) -> list[Target]:
        """Returns this host's targets in a group, as far as they were looked at."""
        return [target for target in (group.targets or () if group else ()) if self._is_mine(target)]

    def is_shared(self, group: TargetGroup) -> bool:
        """Returns whether other hosts still serve from a group."""
        return any(not target.is_leaving for target in self.others(group))

    def others(self, group: TargetGroup) -> list[Target]:
        """Returns the other hosts' targets in a group, as far as they were looked at."""
        return [target for target in group.targets or () if not self._is_mine(target)]

    def _is_mine(self, target: Target) -> bool:
        return target.id == self.desired.owner.target_id

    def overlapping(self, rule: Rule) -> frozenset[str]:
        """Returns the names of the desired routes whose requests this rule may match.

        A route that gives way leaves the paths of a narrower rule to it, for as long as there is one.
        """
        return frozenset(
            route.name
            for route in self.desired.routes
            if rule.may_match(route.patterns) and not (route.gives_way and _is_narrower(rule, route))
        )

    def served_through(self, group: TargetGroup) -> frozenset[str]:
        """Returns the names of the desired routes whose rules send requests to a group now."""
        return frozenset(name for name, rule in self.matching.kept.items() if rule.weights.get(group.arn, 0) > 0)

    def goes_early(self, rule: Rule) -> bool:
        """Returns whether an unwanted rule has to make room before anything new is made."""
        if self.headroom is Headroom.AMPLE:
            return False
        patterns = [pattern for route in self.desired.routes for pattern in route.patterns]
        return self.headroom is Headroom.NONE or not (
            rule.may_match(patterns) or any_overlap(rule.path_values, patterns)
        )

    def show_rule(self, priority: int, conditions: list[Json], actions: list[Json], transforms: list[Json]) -> Json:
        """Returns a rule for people: target groups by name, one line for each condition, action and transform."""
        shown: Json = {
            "priority": priority,
            "conditions": [_show(condition["Field"], condition) for condition in conditions],
            "actions": [self._show_action(action) for action in actions],
        }
        if transforms:
            shown["transforms"] = [_show(transform["Type"], transform) for transform in transforms]
        return shown

    def show_observed(self, rule: Rule) -> Json:
        """Returns an observed rule for people."""
        return self.show_rule(rule.priority, rule.conditions, rule.actions, rule.transforms)

    def _show_action(self, action: Json) -> str:
        if action["Type"] != "forward":
            return _show(action["Type"], action)
        groups = action["ForwardConfig"]["TargetGroups"]
        named = [(self.group_label(group["TargetGroupArn"]), group["Weight"]) for group in groups]
        if len(named) == 1:
            return f"forward to {named[0][0]}"
        return "forward to " + ", ".join(f"{name} (weight {weight})" for name, weight in named)

    def group_label(self, arn: str) -> str:
        """Returns the name in a target group's ARN or reference."""
        if arn.startswith(GROUP_REFERENCE):
            return arn.removeprefix(GROUP_REFERENCE)
        return arn.split(":targetgroup/", 1)[-1].split("/", 1)[0]


def is_inside(rule: Rule, route: Route) -> bool:
    """Returns whether a rule matches some path that the route matches too, and none beside those of the route."""
    return bool(rule.path_values) and all(
        any(path == pattern or (pattern.endswith("/*") and path.startswith(pattern[:-1])) for pattern in route.patterns)
        for path in rule.path_values
    )


def _is_narrower(rule: Rule, route: Route) -> bool:
    return is_inside(rule, route) and sorted(rule.path_values) != sorted(route.patterns)


def server_of(tags: Mapping[str, str] | None, otherwise: str) -> str:
    """Returns the server that an owned rule or target group belongs to."""
    return (tags or {}).get(TAG_SERVICE) or otherwise


def _show(title: str, value: Json) -> str:
    config: Any = next((v for k, v in value.items() if k.endswith("Config")), {})
    return f"{title}: {_show_config(config)}"


def _show_config(config: Any) -> str:
    if isinstance(config, dict):
        if set(config) == {"Values"}:
            return _show_config(config["Values"])
        if set(config) == {"Regex", "Replace"}:
            return f"{config['Regex']} -> {config['Replace']}"
        if set(config) == {"Rewrites"}:
            return _show_config(config["Rewrites"])
        return ", ".join(f"{key} {_show_config(value)}" for key, value in sorted(config.items()))
    if isinstance(config, list):
        return ", ".join(_show_config(value) for value in config)
    return str(config)
