# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet has on a listener, whatever is desired."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.observe import Caller, Observer
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.observed_routes import ObservedRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import TAG_URL, Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import Rule
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import TargetGroup
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import server_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import THREADS


def take_inventory(api: Caller, fleet: str, listener_arn: str) -> dict[str, Any]:
    """Returns the fleet's rules and target groups, and the rules of others. Raises ApiError."""
    desired = DesiredRoutes(Owner(fleet, listener_arn, ""))
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        observer = Observer(api, pool)
        observed = observer.full_scan(desired, observer.quick_scan(desired), trust_tags=False)
    ours = [rule for rule in observed.rules if desired.owner.owns(rule.tags)]
    groups = [group for group in observed.groups if desired.owner.owns(group.tags)]
    return {
        "routes": [_route(rule, observed) for rule in sorted(ours, key=lambda rule: rule.priority)],
        "target_groups": [_group(group) for group in sorted(groups, key=lambda group: group.name)],
        "foreign_rules": [
            {"rule_arn": rule.arn, "priority": rule.priority, "paths": rule.path_values}
            for rule in sorted(observed.rules, key=lambda rule: rule.priority)
            if rule not in ours
        ],
    }


def _route(rule: Rule, observed: ObservedRoutes) -> dict[str, Any]:
    groups = [observed.group_by_arn[arn] for arn in rule.weights if arn in observed.group_by_arn]
    return {
        "name": server_of(rule.tags, ""),
        "rule_arn": rule.arn,
        "priority": rule.priority,
        "paths": rule.path_values,
        "conditions": rule.conditions,
        "transforms": rule.transforms,
        "target_groups": [group.name for group in groups],
        "url": next(((group.tags or {}).get(TAG_URL) for group in groups if TAG_URL in (group.tags or {})), None),
    }


def _group(group: TargetGroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "server": server_of(group.tags, ""),
        "target_group_arn": group.arn,
        "tags": dict(group.tags or {}),
        "attributes": dict(group.attributes or {}),
        "targets": [
            {"id": target.id, "port": target.port, "state": target.state, "reason": target.reason}
            for target in group.targets or ()
        ],
    }
