# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole fleet in one sentence and a few figures, for every reader of the state: page, table and module output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.condition import (
    CONDITIONS,
    CRITICAL,
    NONE,
    OK,
    WARNING,
)


def summary_of(
    servers: Sequence[Mapping[str, Any]], remotes: Sequence[Mapping[str, Any]] = (), *, failed: bool, check_mode: bool
) -> dict[str, Any]:
    """Returns ``summary`` of the state file, from the entries of its servers; ``counts`` leaves remote ones out.

    It has ``text``, one sentence without its full stop; ``severity`` (ok, warning, critical, none); and ``counts``,
    for each condition that occurs, the most urgent first, its name, the words behind a number, severity and number.
    """
    severity, sentence = _verdict(servers, failed, check_mode)
    silent = [each["name"] for each in remotes if each["condition"] == "failing"]
    if silent:
        who = f"the remote server {silent[0]} does" if len(silent) == 1 else f"{len(silent)} remote servers do"
        sentence = f"{sentence}; {who} not answer"
        severity = CRITICAL if severity == CRITICAL else WARNING
    occurring = Counter(server["condition"] for server in servers)
    counts = [
        {"condition": each.name, "text": each.counted, "severity": each.severity, "servers": occurring[each.name]}
        for each in CONDITIONS.values()
        if occurring[each.name]
    ]
    return {"text": sentence, "severity": severity, "counts": counts}


def failed_servers(state: Mapping[str, Any]) -> list[str]:
    """Returns the names of the servers that have an error."""
    return [server["name"] for server in state["servers"] if server["error"] is not None]


def message(state: Mapping[str, Any]) -> str:
    """Returns the state as a module's message: the sentence, and a line for each error."""
    lines = (f"{error['server'] or error['step']}: {error['message']}" for error in state["errors"])
    return "\n".join([state["summary"]["text"], *lines])


def _verdict(servers: Sequence[Mapping[str, Any]], failed: bool, check_mode: bool) -> tuple[str, str]:
    counted = [server for server in servers if CONDITIONS[server["condition"]].must_answer]
    down = [server["name"] for server in counted if server["severity"] == CRITICAL]
    answering = sum(server["condition"] in ("ok", "degraded", "asleep") for server in counted)
    asleep = sum(server["condition"] == "asleep" for server in counted)
    if check_mode:
        return (CRITICAL, "The check found errors") if failed else (OK, "The check found no errors")
    if down:
        return CRITICAL, _who_is_down(down, answering, len(counted), asleep)
    if not counted:
        return (CRITICAL, "The last run failed") if failed else (NONE, "No servers to run")
    if answering < len(counted):
        # Somebody has to look: nobody knows whether the others answer.
        sentence = f"{answering} of {len(counted)} servers are known to answer{_or_to_sleep(asleep)}"
    elif asleep == answering:
        sentence = "The server is asleep" if answering == 1 else f"All {answering} servers are asleep"
    else:
        sentence = "The server answers" if answering == 1 else f"All {answering} servers answer{_or_sleep(asleep)}"
    if failed:
        return CRITICAL, f"The last run failed; {sentence[0].lower()}{sentence[1:]}"
    return (WARNING if answering < len(counted) else OK), sentence


def _or_sleep(asleep: int) -> str:
    return " or are asleep" if asleep else ""


def _or_to_sleep(asleep: int) -> str:
    return " or to be asleep" if asleep else ""


def _who_is_down(down: Sequence[str], answering: int, counted: int, asleep: int) -> str:
    if len(down) == counted:
        return "No server answers" if counted > 1 else f"{down[0]} does not answer"
    others = f"{down[0]} does not" if len(down) == 1 else f"{len(down)} do not"
    return f"{answering} of {counted} servers answer{_or_sleep(asleep)}, {others}"
