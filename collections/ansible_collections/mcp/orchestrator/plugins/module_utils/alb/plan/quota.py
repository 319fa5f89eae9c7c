# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a plan fits into the account's quotas, at its worst moment and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.observed_routes import ObservedRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import Json
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import Plan

RULES = "rules-per-application-load-balancer"
GROUPS = "target-groups-per-application-load-balancer"
TARGETS = "targets-per-application-load-balancer"
VALUES = "condition-values-per-alb-rule"
WILDCARDS = "condition-wildcards-per-alb-rule"

# The documented quotas, for roles that may not ask, see
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html.
DOCUMENTED_LIMITS: Mapping[str, int] = {RULES: 100, GROUPS: 100, TARGETS: 1000, VALUES: 5, WILDCARDS: 6}


@dataclass(frozen=True)
class Excess:
    """A quota that a plan would exceed."""

    quota: str
    limit: int
    needed: int
    is_lasting: bool

    def __str__(self) -> str:
        when = "" if self.is_lasting else " during the change"
        return f"{self.needed} of {self.limit} allowed by {self.quota}{when}"


def creates_anything(plan: Plan) -> bool:
    """Returns whether a plan makes anything that counts towards a quota."""
    return any(action.operation in ("create_rule", "create_target_group") for action in plan.actions)


def excesses(
    plan: Plan, desired: DesiredRoutes, observed: ObservedRoutes, limits: Mapping[str, int], rules_elsewhere: int
) -> list[Excess]:
    """Returns the quotas that a plan would exceed, at any moment of it.

    ``rules_elsewhere`` are the rules of the load balancer's other listeners, which count as well.
    """
    allowed = {**DOCUMENTED_LIMITS, **limits}
    found = [
        _excess(RULES, allowed[RULES], _rule_counts(plan, len(observed.rules) + rules_elsewhere)),
        _excess(GROUPS, allowed[GROUPS], _group_counts(plan, observed)),
        _excess(TARGETS, allowed[TARGETS], [_target_count(desired, observed)]),
        _excess(VALUES, allowed[VALUES], [max((_values(route.conditions) for route in desired.routes), default=0)]),
        _excess(WILDCARDS, allowed[WILDCARDS], [max((_wildcards(r.conditions) for r in desired.routes), default=0)]),
    ]
    return [excess for excess in found if excess is not None]


def _excess(quota: str, limit: int, counts: list[int]) -> Excess | None:
    """Compares a count's course with its limit; a count that only goes down is not caused by this plan."""
    worst, last = max(counts), counts[-1]
    if worst <= limit or (worst <= counts[0] and len(counts) > 1):
        return None
    is_lasting = (last > limit and last > counts[0]) or len(counts) == 1
    return Excess(quota, limit, last if is_lasting else worst, is_lasting)


def _rule_counts(plan: Plan, count: int) -> list[int]:
    counts = [count]
    for action in plan.actions:
        step = {"create_rule": 1, "delete_rule": -1}.get(action.operation, 0)
        if step:
            counts.append(counts[-1] + step)
    return counts


def _group_counts(plan: Plan, observed: ObservedRoutes) -> list[int]:
    """Returns how many different target groups the load balancer uses, at first and after each step that changes it."""
    used_by: dict[str, set[str]] = {rule.arn: set(rule.weights) for rule in observed.rules}
    here = {arn for arns in used_by.values() for arn in arns}
    elsewhere = {
        group.arn
        for group in observed.groups
        if observed.listener.load_balancer_arn in group.load_balancer_arns and group.arn not in here
    }
    counts = [len(elsewhere | here)]
    for action in plan.actions:
        if action.operation == "delete_rule":
            used_by.pop(action.arguments["RuleArn"], None)
        elif action.operation in ("create_rule", "modify_rule"):
            key = action.arguments.get("RuleArn", f"new {action.server}")
            used_by[key] = _groups_of(action.arguments["Actions"])
        else:
            continue
        counts.append(len(elsewhere.union(*used_by.values())))
    return counts


def _groups_of(actions: list[Json]) -> set[str]:
    found = set()
    for action in actions:
        if "TargetGroupArn" in action:
            found.add(action["TargetGroupArn"])
        found.update(group["TargetGroupArn"] for group in action.get("ForwardConfig", {}).get("TargetGroups", []))
    return found


def _target_count(desired: DesiredRoutes, observed: ObservedRoutes) -> int:
    """Returns how many targets there will be at least: what is desired here, and what others are known to have."""
    others = sum(
        1 for group in observed.groups for target in group.targets or () if target.id != desired.owner.target_id
    )
    return sum(len(route.ports) for route in desired.routes) + others


def _all_values(conditions: list[Json]) -> list[str]:
    return [
        str(value)
        for condition in conditions
        for key, config in condition.items()
        if key.endswith("Config")
        for value in config.get("Values", []) + config.get("RegexValues", [])
    ]


def _values(conditions: list[Json]) -> int:
    return len(_all_values(conditions))


def _wildcards(conditions: list[Json]) -> int:
    return sum(value.count("*") + value.count("?") for value in _all_values(conditions))
