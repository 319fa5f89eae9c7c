# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run's place in the history: what was known of the servers, what the run changed, and its report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.events import Event, events_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.memory import Memory, followed
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.record import Json, record_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.step import Step
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import dicts, word


def remembered(
    state: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any], before: Memory
) -> Memory:
    """Returns what is known of the servers after a run.

    A run that could not read its config knows nothing new. ``results`` are those that Ansible registered, by step.
    """
    config = Step("config", results["config"])
    if not config.completed:
        return before
    generations = {name: word(spec.get("generation")) or "" for name, spec in config.by_name("servers").items()}
    tools = _tools(results["probe"])
    now = state["run"]["finished"]
    servers = {
        entry["name"]: followed(
            before.servers.get(entry["name"]),
            entry["condition"],
            now,
            tools=tools.get(entry["name"]),
            generation=generations.get(entry["name"], ""),
        )
        for entry in (*state["servers"], *state["remotes"])
    }
    return Memory(servers, _digest(settings))


def report_of_run(
    state: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]], before: Memory, after: Memory, trigger: str
) -> tuple[Json, list[Event]]:
    """Returns the report of a run and its events. ``results`` are those that Ansible registered, by step."""
    actions = [
        {**action, "step": step} for step, result in results.items() for action in Step(step, result).members("actions")
    ]
    diffs = [Step(step, result).table("diff") for step, result in results.items()]
    events = events_of(state, actions, before, after)
    return record_of(state, actions, diffs, events, trigger), events


def _tools(probe: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The digests of the tools by name, of each server that answered."""
    return {
        name: {str(tool): str(digest) for tool, digest in digests.items()}
        for key in ("servers", "remotes")
        for report in dicts(probe.get(key))
        if (name := word(report.get("name"))) is not None
        and report.get("state") == "ok"
        and isinstance(digests := report.get("digests"), dict)
    }


def _digest(settings: Mapping[str, Any]) -> str:
    """A digest that differs where settings do; they hold no secrets when they come here."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:12]
