# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing the documents of the fake load balancer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any


def key_values(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Returns tags as the service answers with them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def weights_of(rule: Mapping[str, Any]) -> dict[str, int]:
    """Returns the target groups that a rule forwards to, by ARN, with their weights."""
    weights: dict[str, int] = {}
    for action in rule["Actions"]:
        if "TargetGroupArn" in action:
            weights[action["TargetGroupArn"]] = 1
        for group in action.get("ForwardConfig", {}).get("TargetGroups", []):
            weights[group["TargetGroupArn"]] = group.get("Weight", 1)
    return weights


def is_matched(condition: Mapping[str, Any], path: str) -> bool:
    """Returns whether a path fulfils a condition."""
    if condition["Field"] != "path-pattern":
        return False  # the requests of these tests have no host, header or method of their own
    values: Iterable[str] = condition.get("PathPatternConfig", {}).get("Values", [])
    return any(re.fullmatch(re.escape(value).replace(r"\*", ".*").replace(r"\?", "."), path) for value in values)


def with_names(value: Any, names: Mapping[str, str]) -> Any:
    """Returns plain data with names in the place of ARNs."""
    if isinstance(value, dict):
        return {key: with_names(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_names(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value
