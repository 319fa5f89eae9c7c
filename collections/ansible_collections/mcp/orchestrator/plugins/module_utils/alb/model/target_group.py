# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Target groups and their targets as they were observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The states of a target that is being deregistered, see
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html.
LEAVING = frozenset({"draining", "unhealthy.draining"})

# The attributes this module answers for, with AWS's own defaults, see
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html.
ATTRIBUTE_DEFAULTS: Mapping[str, str] = {
    "deregistration_delay.timeout_seconds": "300",
    "slow_start.duration_seconds": "0",
    "stickiness.enabled": "false",
    "stickiness.type": "lb_cookie",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "load_balancing.algorithm.type": "round_robin",
}


@dataclass(frozen=True)
class Target:
    """One registered target: an instance id or address, a port, and the health that the load balancer sees."""

    id: str
    port: int
    state: str = "initial"
    reason: str = ""

    @property
    def is_leaving(self) -> bool:
        """Whether the target is being drained."""
        return self.state in LEAVING

    def for_api(self) -> dict[str, Any]:
        """Returns the target as RegisterTargets and DeregisterTargets want it."""
        return {"Id": self.id, "Port": self.port}


@dataclass(frozen=True)
class TargetGroup:
    """A target group as it was observed. What was not looked at is None."""

    arn: str
    name: str
    target_type: str
    vpc_id: str
    health_check: Mapping[str, Any]
    load_balancer_arns: tuple[str, ...] = ()
    tags: Mapping[str, str] | None = None
    targets: tuple[Target, ...] | None = None
    attributes: Mapping[str, str] | None = None


HEALTH_CHECK_FIELDS = (
    "HealthCheckEnabled",
    "HealthCheckProtocol",
    "HealthCheckPort",
    "HealthCheckPath",
    "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "UnhealthyThresholdCount",
    "Matcher",
)


def target_group_from_api(answer: Mapping[str, Any]) -> TargetGroup:
    """Reads one element of DescribeTargetGroups' ``TargetGroups``."""
    return TargetGroup(
        arn=answer["TargetGroupArn"],
        name=answer["TargetGroupName"],
        target_type=answer.get("TargetType", "instance"),
        vpc_id=answer.get("VpcId", ""),
        health_check={key: answer[key] for key in HEALTH_CHECK_FIELDS if answer.get(key) is not None},
        load_balancer_arns=tuple(answer.get("LoadBalancerArns", [])),
    )


def target_from_api(answer: Mapping[str, Any]) -> Target:
    """Reads one element of DescribeTargetHealth's ``TargetHealthDescriptions``."""
    health = answer.get("TargetHealth", {})
    target = answer["Target"]
    return Target(target["Id"], int(target.get("Port", 0)), health.get("State", "initial"), health.get("Reason", ""))
