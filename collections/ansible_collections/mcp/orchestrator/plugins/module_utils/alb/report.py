# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells: the module's result, and a diff rule by rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import Action
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Result


def report(desired: DesiredRoutes, result: Result) -> dict[str, Any]:
    """Write a result as the module returns it."""
    errors: list[dict[str, Any]] = [
        {"server": server, "message": str(error)} for server, error in _fleet_first(result.errors)
    ]
    told: dict[str, Any] = {
        "changed": result.changed,
        "diff": diff(result.actions),
        "actions": [action.to_dict() for action in result.actions if action.is_change],
        "routes": [_route(desired, result, route.name, route.path) for route in desired.routes],
        "errors": errors,
        "lingering": list(result.plan.handing_over),
        "overtaken": False,
    }
    if errors:
        told["failed"] = True
        told["msg"] = _summary(errors)
    return told


def _fleet_first(errors: Mapping[str | None, AlbError]) -> list[tuple[str | None, AlbError]]:
    return sorted(errors.items(), key=lambda item: item[0] or "")


def diff(actions: Iterable[Action]) -> dict[str, str]:
    """Write what changes as two texts with the same headings, one heading for each step."""
    before: list[str] = []
    after: list[str] = []
    for action in actions:
        if action.is_change:
            heading = f"{action.server or 'all routes'}: {action.name} ({action.reason})"
            before += [heading, *_lines(action.before)]
            after += [heading, *_lines(action.after)]
    return {"before": _text(before), "after": _text(after)}


def _route(desired: DesiredRoutes, result: Result, name: str, path: str) -> dict[str, Any]:
    base = result.observed.base_url
    return {
        "name": name,
        "path": path,
        "rule_arn": result.rule_arn(name),
        "target_group_arn": result.group_arn(desired.group_names[name]),
        "priority": result.plan.priorities.get(name),
        "url": f"{base}{path}" if base else None,
    }


def _summary(errors: list[dict[str, Any]]) -> str:
    by_message: dict[str, list[str]] = {}
    for error in errors:
        by_message.setdefault(error["message"], []).append(error["server"] or "all routes")
    return "; ".join(f"{', '.join(servers)}: {message}" for message, servers in by_message.items())


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
