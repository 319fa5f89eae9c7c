# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that bring one route's target group and its targets to the desired state."""

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
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import Action, Phase
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.builders import (
    drain,
    key_values,
    show_targets,
    tag,
    targets_argument,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import PlanInput

# Every target is registered with a port of its own, so the group's default port is never used.
DEFAULT_PORT = 80


def group_steps(plan_input: PlanInput, route: Route) -> list[Action]:
    """Returns the steps that create or correct a route's target group and register this host's targets in it."""
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
    """Returns this host's desired targets that are not registered; none where the group was not looked at."""
    group = plan_input.group(route)
    if group is not None and group.targets is None:
        return []
    present = {target.port for target in plan_input.mine(group) if not target.is_leaving}
    return [target for target in plan_input.desired.targets(route) if target.port not in present]


def surplus_targets(plan_input: PlanInput, route: Route) -> list[Target]:
    """Returns this host's registered targets that the route does not want."""
    registered = plan_input.mine(plan_input.group(route))
    return [target for target in registered if not target.is_leaving and target.port not in route.ports]


def deregister_steps(plan_input: PlanInput, route: Route) -> list[Action]:
    """Returns the steps that take away the targets that were replaced, and wait until their open streams have ended.

    Sessions may take longer than a run waits: who takes the containers away looks whether they have ended. Where the
    server has no endpoint any more, here or in a cluster, there is nothing to wait for: nothing replaces what is
    drained.
    """
    surplus = surplus_targets(plan_input, route)
    reason = "replaced by the desired targets" if route.ports else "the server has no endpoint on this host"
    if route.elsewhere:
        reason = "the cluster serves the server"
    awaited = surplus if route.ports or route.elsewhere else []
    patience = plan_input.desired.drain_patience if route.keeps_sessions else None
    return drain(route.name, plan_input.group_arn(route), surplus, reason, awaited=awaited, patience=patience)


def record_steps(plan_input: PlanInput, route: Route) -> list[Action]:
    """Returns the step that writes on an existing group what was registered and set, for later runs to trust."""
    group = plan_input.group(route)
    if group is None or group.tags is None:
        return []
    desired = plan_input.desired.group_tags(route, plan_input.observed.base_url)
    return tag(
        Phase.RECORD,
        route.name,
        "tag_target_group",
        group.arn,
        desired={key: desired[key] for key in _records(plan_input)},
        observed=group.tags,
        reason="the group's tags say what is registered in it",
    )


def _records(plan_input: PlanInput) -> tuple[str, str]:
    """Returns the tags that say what a finished run has set and registered."""
    return (TAG_ATTRIBUTES, plan_input.desired.owner.port_tag)


def _create_steps(plan_input: PlanInput, route: Route) -> list[Action]:
    desired, observed = plan_input.desired, plan_input.observed
    name = desired.group_names[route.name]
    health_check = desired.health_check(route)
    create = Action(
        phase=Phase.BUILD,
        server=route.name,
        name="create_target_group",
        operation="create_target_group",
        arguments={
            "Name": name,
            "Protocol": route.protocol,
            "Port": DEFAULT_PORT,
            "VpcId": observed.load_balancer.vpc_id if observed.load_balancer else "",
            "TargetType": desired.target_type,
            **health_check,
            "Tags": key_values(desired.group_tags(route, observed.base_url)),
        },
        reason="the route has no target group with these settings",
        after={"name": name, "health_check": _show_health_check(health_check)},
    )
    return [
        create,
        *_set_attributes(plan_input, route, plan_input.group_arn(route), ATTRIBUTE_DEFAULTS),
        *_register_steps(plan_input, route, desired.targets(route)),
    ]


def _health_check_steps(plan_input: PlanInput, route: Route, group: TargetGroup) -> list[Action]:
    desired = plan_input.desired.health_check(route)
    changed = {key: value for key, value in desired.items() if group.health_check.get(key) != value}
    if not changed:
        return []
    return [
        Action(
            phase=Phase.BUILD,
            server=route.name,
            name="change_health_check",
            operation="modify_target_group",
            arguments={"TargetGroupArn": group.arn, **changed},
            reason="the health check is not in the desired state",
            before=_show_health_check({key: group.health_check.get(key) for key in changed}),
            after=_show_health_check(changed),
        )
    ]


def _attribute_steps(plan_input: PlanInput, route: Route, group: TargetGroup) -> list[Action]:
    return [] if group.attributes is None else _set_attributes(plan_input, route, group.arn, group.attributes)


def _set_attributes(plan_input: PlanInput, route: Route, group_arn: str, observed: Mapping[str, str]) -> list[Action]:
    desired = plan_input.desired.attributes(route)
    current = {key: observed.get(key, ATTRIBUTE_DEFAULTS[key]) for key in desired}
    changed = {key: value for key, value in desired.items() if current[key] != value}
    if not changed:
        return []
    return [
        Action(
            phase=Phase.BUILD,
            server=route.name,
            name="change_attributes",
            operation="modify_target_group_attributes",
            arguments={"TargetGroupArn": group_arn, "Attributes": key_values(changed)},
            reason="the attributes are not in the desired state",
            before={key: current[key] for key in changed},
            after=changed,
        )
    ]


def _tag_steps(plan_input: PlanInput, route: Route, group: TargetGroup) -> list[Action]:
    desired = plan_input.desired.group_tags(route, plan_input.observed.base_url)
    return tag(
        Phase.BUILD,
        route.name,
        "tag_target_group",
        group.arn,
        desired={key: value for key, value in desired.items() if key not in _records(plan_input)},
        observed=group.tags or {},
        reason="the target group's tags are not in the desired state",
    )


def _register_steps(plan_input: PlanInput, route: Route, targets: list[Target]) -> list[Action]:
    if not targets:
        return []
    return [
        Action(
            phase=Phase.BUILD,
            server=route.name,
            name="register_targets",
            operation="register_targets",
            arguments=targets_argument(plan_input.group_arn(route), targets),
            reason="the server answers there",
            after=show_targets(targets),
        )
    ]


_SHOWN_HEALTH_CHECK = {
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


def _show_health_check(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        _SHOWN_HEALTH_CHECK[key]: value.get("HttpCode") if isinstance(value, dict) else value
        for key, value in fields.items()
    }
