# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that bring one route's target group and its targets to what is desired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import TAG_ATTRIBUTES
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import (
    ATTRIBUTE_DEFAULTS,
    Target,
    TargetGroup,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import (
    WAIT_DRAINED,
    Action,
    Phase,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import PlanInput, api_tags

# Every target is registered with a port of its own, so the group's default port is never used.
DEFAULT_PORT = 80


def group_steps(plan_input: PlanInput, route: Route) -> list[Action]:
    """Create or correct a route's target group and register this host's targets in it."""
    group = plan_input.group(route)
    if group is None:
        return _create_steps(plan_input, route)
    return [
        *_health_check_steps(plan_input, route, group),
        *_attribute_steps(plan_input, route, group),
        *_tag_steps(plan_input, route, group),
        *_register_steps(plan_input, route, missing_targets(plan_input, route)),
    ]


def missing_targets(plan_input: PlanInput, route: Route) -> list[Target]:
    """This host's desired targets that are not registered; none where the group was not looked at."""
    group = plan_input.group(route)
    if group is not None and group.targets is None:
        return []
    present = {target.port for target in plan_input.mine(group) if not target.is_leaving}
    return [target for target in plan_input.desired.targets(route) if target.port not in present]


def surplus_targets(plan_input: PlanInput, route: Route) -> list[Target]:
    """This host's registered targets that the route does not want."""
    return [
        target
        for target in plan_input.mine(plan_input.group(route))
        if not target.is_leaving and target.port not in route.ports
    ]


def deregister_steps(plan_input: PlanInput, route: Route) -> list[Action]:
    """Take away the targets that were replaced, and wait until their open streams have ended."""
    surplus = surplus_targets(plan_input, route)
    if not surplus:
        return []
    group_arn = plan_input.group_arn(route)
    arguments = {"TargetGroupArn": group_arn, "Targets": [target.for_api() for target in surplus]}
    shown = _show_targets(surplus)
    reason = "replaced by the desired targets" if route.ports else "the server has no endpoint on this host"
    steps = [
        Action(Phase.DRAIN, route.name, "deregister_targets", "deregister_targets", arguments, reason, before=shown)
    ]
    if route.ports:
        steps.append(
            Action(Phase.WAIT_DRAINED, route.name, WAIT_DRAINED, WAIT_DRAINED, arguments, "open streams end first")
        )
    return steps


def record_steps(plan_input: PlanInput, route: Route) -> list[Action]:
    """Write down on an existing group what was registered and set, for later runs to trust."""
    group = plan_input.group(route)
    if group is None or group.tags is None:
        return []
    desired = plan_input.desired.group_tags(route, plan_input.observed.base_url)
    records = (TAG_ATTRIBUTES, plan_input.desired.owner.port_tag)
    changed = {key: desired[key] for key in records if group.tags.get(key) != desired[key]}
    if not changed:
        return []
    arguments = {"ResourceArns": [group.arn], "Tags": api_tags(changed)}
    before = {key: group.tags.get(key) for key in changed}
    reason = "the group's tags say what is registered in it"
    return [Action(Phase.RECORD, route.name, "tag_target_group", "add_tags", arguments, reason, before, changed)]


def _create_steps(plan_input: PlanInput, route: Route) -> list[Action]:
    desired = plan_input.desired
    name = desired.group_names[route.name]
    vpc_id = plan_input.observed.load_balancer.vpc_id if plan_input.observed.load_balancer else ""
    arguments: dict[str, Any] = {
        "Name": name,
        "Protocol": route.protocol,
        "Port": DEFAULT_PORT,
        "VpcId": vpc_id,
        "TargetType": desired.target_type,
        **desired.health_check(route),
        "Tags": api_tags(desired.group_tags(route, plan_input.observed.base_url)),
    }
    shown = {"name": name, "health_check": _show_health_check(desired.health_check(route))}
    reason = "the route has no target group with these settings"
    steps = [
        Action(Phase.BUILD, route.name, "create_target_group", "create_target_group", arguments, reason, after=shown)
    ]
    steps += _set_attributes(plan_input, route, plan_input.group_arn(route), ATTRIBUTE_DEFAULTS)
    return steps + _register_steps(plan_input, route, desired.targets(route))


def _health_check_steps(plan_input: PlanInput, route: Route, group: TargetGroup) -> list[Action]:
    desired = plan_input.desired.health_check(route)
    changed = {key: value for key, value in desired.items() if group.health_check.get(key) != value}
    if not changed:
        return []
    before = _show_health_check({key: group.health_check.get(key) for key in changed})
    arguments = {"TargetGroupArn": group.arn, **changed}
    reason = "the health check is not in the desired state"
    after = _show_health_check(changed)
    return [
        Action(Phase.BUILD, route.name, "change_health_check", "modify_target_group", arguments, reason, before, after)
    ]


def _attribute_steps(plan_input: PlanInput, route: Route, group: TargetGroup) -> list[Action]:
    return [] if group.attributes is None else _set_attributes(plan_input, route, group.arn, group.attributes)


def _set_attributes(plan_input: PlanInput, route: Route, group_arn: str, observed: Mapping[str, str]) -> list[Action]:
    desired = plan_input.desired.attributes
    current = {key: observed.get(key, ATTRIBUTE_DEFAULTS[key]) for key in desired}
    changed = {key: value for key, value in desired.items() if current[key] != value}
    if not changed:
        return []
    arguments = {"TargetGroupArn": group_arn, "Attributes": api_tags(changed)}
    before = {key: current[key] for key in changed}
    reason = "the attributes are not in the desired state"
    operation = "modify_target_group_attributes"
    return [Action(Phase.BUILD, route.name, "change_attributes", operation, arguments, reason, before, changed)]


def _tag_steps(plan_input: PlanInput, route: Route, group: TargetGroup) -> list[Action]:
    desired = plan_input.desired.group_tags(route, plan_input.observed.base_url)
    for record in (TAG_ATTRIBUTES, plan_input.desired.owner.port_tag):
        del desired[record]
    observed = group.tags or {}
    changed = {key: value for key, value in desired.items() if observed.get(key) != value}
    if not changed:
        return []
    before = {key: observed.get(key) for key in changed}
    arguments = {"ResourceArns": [group.arn], "Tags": api_tags(changed)}
    reason = "the target group's tags are not in the desired state"
    return [Action(Phase.BUILD, route.name, "tag_target_group", "add_tags", arguments, reason, before, changed)]


def _register_steps(plan_input: PlanInput, route: Route, targets: list[Target]) -> list[Action]:
    if not targets:
        return []
    arguments = {"TargetGroupArn": plan_input.group_arn(route), "Targets": [target.for_api() for target in targets]}
    shown = _show_targets(targets)
    reason = "the server answers there"
    return [Action(Phase.BUILD, route.name, "register_targets", "register_targets", arguments, reason, after=shown)]


def _show_targets(targets: list[Target]) -> list[str]:
    return [f"{target.id}:{target.port}" for target in targets]


def _show_health_check(fields: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "HealthCheckEnabled": "enabled",
        "HealthCheckProtocol": "protocol",
        "HealthCheckPort": "port",
        "HealthCheckPath": "path",
        "HealthCheckIntervalSeconds": "interval",
        "HealthCheckTimeoutSeconds": "timeout",
        "HealthyThresholdCount": "healthy_threshold",
        "UnhealthyThresholdCount": "unhealthy_threshold",
        "Matcher": "matcher",
    }
    return {names[key]: value.get("HttpCode") if isinstance(value, dict) else value for key, value in fields.items()}
