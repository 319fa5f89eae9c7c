# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registers pods: one binding for each server and target group, by the group's ARN."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.target_group_binding import bindings
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.scenes import (
    CLUSTER,
    ON_AWS,
    errors_of,
    rendered,
)

GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/mcp-time-05d87cd5/0123456789abcdef"
FORMER = GROUP.replace("05d87cd5", "93aa01c2")
TIME = {"name": "time", "workload": {"name": "mcp-time", "namespace": "mcp"}}


def bound(**route: Any) -> dict[str, dict[str, Any]]:
    """The specs of the bindings of one server, by name."""
    found = bindings([TIME], [{"name": "time", **route}], ON_AWS).get("time", [])
    return {each["metadata"]["name"]: each["spec"] for each in found}


def test_a_binding_names_the_target_group_that_the_run_has_made_and_leaves_the_targets_of_hosts() -> None:
    (name,) = made = bound(target_group_arn=GROUP)
    assert name.startswith("mcp-time-")
    assert made[name] == {
        "targetGroupARN": GROUP,
        "targetType": "ip",
        "serviceRef": {"name": "mcp-time", "port": "http"},
        "multiClusterTargetGroup": True,
    }


def test_another_target_group_is_another_binding_since_none_can_be_led_to_another_group() -> None:
    both = bound(target_group_arn=GROUP, former_target_group_arns=[FORMER])
    assert {each["targetGroupARN"] for each in both.values()} == {GROUP, FORMER}
    assert bound(target_group_arn=FORMER).keys() < both.keys()


def test_nothing_is_bound_to_a_target_group_that_is_not_known() -> None:
    assert bound(target_group_arn=None) == bound() == {}
    assert bindings([{"name": "time", "workload": None}], [{"name": "time", "target_group_arn": GROUP}], ON_AWS) == {}


def test_a_file_names_its_target_group_which_eks_auto_mode_does_not_take() -> None:
    spec = rendered(settings=ON_AWS)["TargetGroupBinding"]["spec"]
    assert spec["targetGroupName"].startswith("mcp-time-")
    auto = replace(ON_AWS, kubernetes=replace(CLUSTER, target_group_binding="eks.amazonaws.com/v1"))
    (error,) = errors_of(settings=auto)
    assert "by its ARN alone" in error
