# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One remote server's entry in the state file. Nobody here can repair it, so that it fails no run."""

from __future__ import annotations

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.condition import CONDITIONS
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.facts import RunFacts
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.health import health_of, lost_tools
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import moment, one_of, texts, word


def remote_entry(name: str, facts: RunFacts) -> dict[str, Any]:
    """Returns one remote server's entry in the state file: what may be shown of it, and what clients may be told."""
    remote = facts.remotes[name]
    client = remote.get("client")
    enabled = bool(remote.get("enabled", True))
    kind = one_of(remote.get("type"), ("http", "sse"))
    report = facts.reports.get(name)
    health = health_of(report, is_disabled=not enabled)
    lost = lost_tools(report, facts.had_tools.get(name, []))
    condition = CONDITIONS[_condition(enabled, health["status"], lost)]
    wants_login = enabled and report is not None and report.get("cause") == "auth"
    return {
        "name": name,
        "enabled": enabled,
        "group": word(remote.get("group")),
        "type": kind,
        "condition": condition.name,
        "severity": condition.severity,
        "text": {
            "condition": "wants a login" if wants_login else condition.text,
            "transport": {"http": "MCP over HTTP", "sse": "MCP over SSE"}.get(kind or ""),
        },
        "url": word(remote.get("url")),
        "health": health,
        "certificate_ends": moment((report or {}).get("certificate_ends")),
        "error": lost or (health["reason"] if condition.name == "failing" else None),
        "since": None,
        "headers": texts(remote.get("headers")) or [],
        "notes": [*(texts(facts.notes.get(name)) or []), *(texts(remote.get("left_out")) or [])],
        "client": dict(client) if isinstance(client, dict) and enabled else None,
    }


def _condition(enabled: bool, status: str, lost: str | None) -> str:
    if not enabled:
        return "disabled"
    return "degraded" if lost else status
