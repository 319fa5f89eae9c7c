# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that take away what no route wants any more: this host's targets, our rules, our target groups."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import Rule
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import TargetGroup
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import Action, Phase
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.builders import drain, early_or
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import Headroom, PlanInput, server_of


def delete_rule_steps(plan_input: PlanInput, obsolete: Iterable[Rule]) -> list[Action]:
    """Returns the steps that delete our rules that no route wants."""
    return [_delete_rule(plan_input, rule) for rule in obsolete]


def _delete_rule(plan_input: PlanInput, rule: Rule) -> Action:
    is_early = plan_input.goes_early(rule)
    return Action(
        phase=early_or(Phase.DETACH, is_early),
        server=server_of(rule.tags, rule.arn),
        name="delete_rule",
        operation="delete_rule",
        arguments={"RuleArn": rule.arn},
        reason="the quota has no room for it beside the new rules" if is_early else "no desired route has this rule",
        before=plan_input.show_observed(rule),
        needs=frozenset() if is_early else plan_input.overlapping(rule),
    )


def delete_group_steps(plan_input: PlanInput, group: TargetGroup, obsolete: Iterable[Rule]) -> list[Action]:
    """Returns the steps that drain this host's targets of a group that no route wants, and delete it.

    It stays where a rule of others forwards to it, or other hosts still serve from it.
    """
    if _foreign_users(plan_input, group):
        return []
    needs = plan_input.served_through(group)
    users = [rule for rule in obsolete if group.arn in rule.weights]
    is_early = (
        plan_input.headroom is not Headroom.AMPLE and not needs and all(plan_input.goes_early(rule) for rule in users)
    )
    if not is_early:
        needs |= frozenset(name for rule in users for name in plan_input.overlapping(rule))
    server = server_of(group.tags, group.name)
    mine = plan_input.mine(group)
    registered = [target for target in mine if not target.is_leaving]
    reason = "no desired route has this target group"
    # What an earlier run has deregistered may still have open streams: they are waited for as well.
    patience = plan_input.desired.drain_patience
    steps = drain(
        server, group.arn, registered, reason, awaited=mine, patience=patience, is_early=is_early, needs=needs
    )
    if not plan_input.is_shared(group):
        steps.append(
            Action(
                phase=early_or(Phase.DELETE_GROUPS, is_early),
                server=server,
                name="delete_target_group",
                operation="delete_target_group",
                arguments={"TargetGroupArn": group.arn},
                reason=reason,
                before={"name": group.name},
                needs=needs,
            )
        )
    return steps


def group_notes(plan_input: PlanInput) -> list[str]:
    """Returns a sentence for each of our target groups that stays although no route wants it."""
    notes = []
    for group in plan_input.unused_groups:
        users = _foreign_users(plan_input, group)
        if users:
            notes.append(
                f"target group {group.name} is kept: rule {users[0].arn} (priority {users[0].priority}), "
                "which is not ours, forwards to it"
            )
    return notes


def _foreign_users(plan_input: PlanInput, group: TargetGroup) -> list[Rule]:
    return [rule for rule in plan_input.matching.foreign if group.arn in rule.weights]
