# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of the load balancers' listeners, from what a run's routes found out. Pure, but for reading the former one.

A run asks for the health of a bounded number of target groups. What it has not asked is shown as an earlier run found
it, with the time; nothing is ever decided by it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import dicts

VERSION = 1
LARGEST_FILE = 8 * 1024 * 1024

Json = dict[str, Any]


def listeners_document(
    run: Mapping[str, Any], listeners: Sequence[Mapping[str, Any]], former: Any, problem: str | None = None
) -> Json:
    """Returns the file's content, as files/routes.schema.json describes it.

    ``run`` is the state's, ``listeners`` are those that mcp_route returned, ``former`` is the content of the file that
    is to be replaced, whatever it is. ``problem`` is why the run could ask a load balancer for nothing: listeners of
    the former file of which it tells nothing stay, with that.
    """
    known = _targets_of(former)
    told = {listener.get("arn") for listener in listeners}
    left = [] if problem is None else [each for each in _listeners_of(former) if each.get("arn") not in told]
    return {
        "version": VERSION,
        "run": run["id"],
        "finished": run["finished"],
        "listeners": [_with_targets(each, known) for each in listeners]
        + [{**each, "problem": problem} for each in left],
    }


def read_former(path: str) -> Any:
    """Returns the content of the file that is there; None where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return json.loads(file.read(LARGEST_FILE))
    except (OSError, ValueError, RecursionError):
        return None


def _with_targets(listener: Mapping[str, Any], known: Mapping[Any, Json]) -> Json:
    groups = []
    for group in dicts(listener.get("target_groups")):
        if group.get("targets") is not None:
            groups.append({**group, "checked": listener.get("asked")})
        else:
            groups.append({**group, **known.get(group.get("arn"), {"targets": None, "checked": None})})
    return {**listener, "target_groups": groups}


def _targets_of(former: Any) -> dict[Any, Json]:
    """The targets that a former file has, and when they were asked for, by the ARN of their group."""
    return {
        group["arn"]: {"targets": dicts(group["targets"]), "checked": group["checked"]}
        for listener in _listeners_of(former)
        for group in dicts(listener.get("target_groups"))
        if isinstance(group.get("arn"), str) and isinstance(group.get("targets"), list) and group.get("checked")
    }


def _listeners_of(former: Any) -> list[Json]:
    """The listeners that a former file has."""
    if not isinstance(former, Mapping) or former.get("version") != VERSION:
        return []
    return dicts(former.get("listeners"))
