# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server's probe met, as the state file has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import (
    LONGEST_LIST,
    moment,
    number,
    text,
    whole,
    word,
)

# Causes that tell nothing of the server: it wants a login that the probe does not have, or nobody could ask it.
UNANSWERABLE = ("auth", "reference")
MOST_NAMES = 5


def health_of(report: Mapping[str, Any] | None, *, is_disabled: bool) -> dict[str, Any]:
    """Returns ``health`` of a server from its report, which is None where nobody asked it.

    A report is as probe/fleet.py makes it: state (ok, asleep or failing), cause, reason, checked, latency_ms by step,
    server (name and version), protocol, tools, sessions.
    """
    if report is None:
        return _unasked("disabled" if is_disabled else "not asked in this run")
    latency = report.get("latency_ms")
    server = report.get("server")
    tools = report.get("tools")
    return {
        "status": _status(report),
        "checked": moment(report.get("checked")),
        "latency_ms": number(latency.get("total")) if isinstance(latency, dict) else None,
        "server": _identity(server) if isinstance(server, dict) else None,
        "protocol": word(report.get("protocol")),
        "tools": [tool for each in tools[:LONGEST_LIST] if (tool := word(each))] if isinstance(tools, list) else [],
        "reason": text(report.get("reason")),
        "sessions": _sessions(report.get("sessions")),
    }


def _status(report: Mapping[str, Any]) -> str:
    if report.get("state") in ("ok", "asleep"):
        return str(report["state"])
    return "unknown" if report.get("cause") in UNANSWERABLE else "failing"


def lost_tools(report: Mapping[str, Any] | None, had: Sequence[str]) -> str | None:
    """Returns what is wrong with a server that answers without tools where it had some before, or None."""
    if report is None or report.get("state") != "ok" or report.get("tools") or not had:
        return None
    names = ", ".join(had[:MOST_NAMES]) + (" and others" if len(had) > MOST_NAMES else "")
    return f"it answers and offers no tools any more; it had {names}"


def _sessions(told: Any) -> dict[str, int] | None:
    if not isinstance(told, dict):
        return None
    counts = {name: whole(told.get(name), 0, 2**31) for name in ("held", "fit", "oom_kills")}
    known = {name: count for name, count in counts.items() if count is not None}
    return known if len(known) == len(counts) else None


def _identity(server: Mapping[str, Any]) -> dict[str, str]:
    return {"name": word(server.get("name")) or "", "version": word(server.get("version")) or ""}


def _unasked(reason: str) -> dict[str, Any]:
    return {
        "status": "unknown",
        "checked": None,
        "latency_ms": None,
        "server": None,
        "protocol": None,
        "tools": [],
        "reason": reason,
        "sessions": None,
    }
