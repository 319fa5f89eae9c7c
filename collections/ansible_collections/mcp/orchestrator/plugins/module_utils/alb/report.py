# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells: its result for routing, and a diff rule by rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import Action
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Result
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.backend import HopResult


def hop_result(desired: DesiredRoutes, result: Result) -> HopResult:
    """Returns what came of a listener's routes, as routing tells it."""
    return HopResult(
        changed=result.changed,
        actions=[action.to_dict() for action in result.actions if action.is_change],
        diff=diff(result.actions),
        routes={route.name: _known(desired, result, route.name) for route in desired.routes},
        base_url=result.observed.base_url or None,
        errors=[{"server": server, "message": str(error)} for server, error in _fleet_first(result.errors)],
        handing_over=list(result.plan.handing_over),
        served_from_cluster=list(result.plan.served_from_cluster),
        warnings=list(result.plan.notes),
        shadows=result.plan.shadows,
    )


def _fleet_first(errors: Mapping[str | None, AlbError]) -> list[tuple[str | None, AlbError]]:
    return sorted(errors.items(), key=lambda item: item[0] or "")


def diff(actions: Iterable[Action]) -> dict[str, str]:
    """Returns what changes as two texts with the same headings, one heading for each step."""
    before: list[str] = []
    after: list[str] = []
    for action in actions:
        if action.is_change:
            heading = f"{action.server or 'all routes'}: {action.name} ({action.reason})"
            before += [heading, *_lines(action.before)]
            after += [heading, *_lines(action.after)]
    return {"before": _text(before), "after": _text(after)}


def _known(desired: DesiredRoutes, result: Result, name: str) -> dict[str, Any]:
    """Returns by what the service knows a route; what is None does not exist yet."""
    return {
        "rule_arn": result.rule_arn(name),
        "target_group_arn": result.group_arn(desired.group_names[name]),
        "former_target_group_arns": sorted(result.plan.former_groups.get(name, ())),
        "priority": result.plan.priorities.get(name),
    }


def _lines(value: Any, indent: str = "  ") -> list[str]:
    if value is None:
        return []
    if isinstance(value, dict):
        return [line for key, inner in value.items() for line in _entry(key, inner, indent)]
    if isinstance(value, list):
        return [f"{indent}- {inner}" for inner in value]
    return [f"{indent}{value}"]


def _entry(key: str, value: Any, indent: str) -> list[str]:
    if isinstance(value, (dict, list)):
        return [f"{indent}{key}:", *_lines(value, indent + "  ")]
    return [f"{indent}{key}: {'(none)' if value is None else value}"]


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
