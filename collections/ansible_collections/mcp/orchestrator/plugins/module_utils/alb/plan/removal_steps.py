# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that take away what no route wants any more: this host's targets, our rules, our target groups."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import Rule
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import TargetGroup
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import (
    WAIT_DRAINED,
    Action,
    Phase,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import (
    Headroom,
    PlanInput,
    early_or,
    service_of,
)


def delete_rule_steps(plan_input: PlanInput, obsolete: Iterable[Rule]) -> list[Action]:
    """Delete our rules that no route wants."""
    steps = []
    for rule in obsolete:
        early = plan_input.goes_early(rule)
        steps.append(
            Action(
                early_or(Phase.DETACH, early),
                service_of(rule.tags, rule.arn),
                "delete_rule",
                "delete_rule",
                {"RuleArn": rule.arn},
                "the quota has no room for it beside the new rules" if early else "no route wants this rule",
                before=plan_input.show_observed(rule),
                needs=frozenset() if early else plan_input.overlapping(rule),
            )
        )
    return steps


def delete_group_steps(plan_input: PlanInput, group: TargetGroup, obsolete: Iterable[Rule]) -> list[Action]:
    """Drain this host's targets of a group that no route wants, and delete it unless others still need it."""
    if _foreign_users(plan_input, group):
        return []
    needs = plan_input.served_through(group)
    users = [rule for rule in obsolete if group.arn in rule.weights]
    early = (
        plan_input.headroom is not Headroom.AMPLE and not needs and all(plan_input.goes_early(rule) for rule in users)
    )
    if not early:
        needs |= frozenset(name for rule in users for name in plan_input.overlapping(rule))
    server = service_of(group.tags, group.name)
    steps = _drain_steps(plan_input, group, server, early, needs)
    if not plan_input.is_shared(group):
        steps.append(
            Action(
                early_or(Phase.DELETE_GROUPS, early),
                server,
                "delete_target_group",
                "delete_target_group",
                {"TargetGroupArn": group.arn},
                "no route wants this target group",
                before={"name": group.name},
                needs=needs,
            )
        )
    return steps


def group_notes(plan_input: PlanInput) -> list[str]:
    """Say which of our target groups stay although no route wants them, and why."""
    notes = []
    for group in plan_input.unused_groups:
        users = _foreign_users(plan_input, group)
        if users:
            notes.append(
                f"target group {group.name} is kept: rule {users[0].arn} (priority {users[0].priority}), "
                "which is not ours, forwards to it"
            )
    return notes


def _drain_steps(
    plan_input: PlanInput, group: TargetGroup, server: str, early: bool, needs: frozenset[str]
) -> list[Action]:
    mine = plan_input.mine(group)
    registered = [target for target in mine if not target.is_leaving]
    steps = []
    if registered:
        arguments = {"TargetGroupArn": group.arn, "Targets": [target.for_api() for target in registered]}
        steps.append(
            Action(
                early_or(Phase.DRAIN, early),
                server,
                "deregister_targets",
                "deregister_targets",
                arguments,
                "no route wants this target group",
                before=[f"{target.id}:{target.port}" for target in registered],
                needs=needs,
            )
        )
    if mine:
        arguments = {"TargetGroupArn": group.arn, "Targets": [target.for_api() for target in mine]}
        phase = early_or(Phase.WAIT_DRAINED, early)
        reason = "open streams end first"
        steps.append(Action(phase, server, WAIT_DRAINED, WAIT_DRAINED, arguments, reason, needs=needs))
    return steps


def _foreign_users(plan_input: PlanInput, group: TargetGroup) -> list[Rule]:
    return [rule for rule in plan_input.matching.foreign if group.arn in rule.weights]
