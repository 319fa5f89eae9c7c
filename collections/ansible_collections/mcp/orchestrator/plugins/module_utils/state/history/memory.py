# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What earlier runs found of each server, kept beside their reports. It is compared for reporting, never for planning.

Whoever removes it loses nothing but the comparison: the next run notes again what it finds, and tells of no change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import moment, one_of, word

VERSION = 1
# The conditions that somebody has to look at; a server has recovered when it is ok or asleep after one of them.
TROUBLES = ("failing", "invalid", "degraded", "quarantined")


@dataclass(frozen=True)
class Known:
    """One server as the last run left it.

    ``since`` is when it came into its condition. ``trouble`` is the condition that was told last and from which it has
    not recovered, with its beginning in ``trouble_since``. ``tools`` are the digests of the tools that it offered last,
    by name; a server that answers without tools keeps those that it had. ``generation`` is that of its spec, empty for
    a remote server.
    """

    condition: str
    since: str
    trouble: str | None = None
    trouble_since: str | None = None
    tools: Mapping[str, str] = field(default_factory=dict)
    generation: str = ""


@dataclass(frozen=True)
class Memory:
    """All servers of the last run by name, and a digest of its settings; empty before the first run."""

    servers: Mapping[str, Known] = field(default_factory=dict)
    settings: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data, which ``memory_from`` reads."""
        servers = {name: asdict(known) for name, known in sorted(self.servers.items())}
        return {"version": VERSION, "settings": self.settings, "servers": servers}

    def tools_of(self, name: str) -> list[str]:
        """Returns the names of the tools that a server had when it offered some."""
        known = self.servers.get(name)
        return sorted(known.tools) if known is not None else []


def memory_from(document: Any) -> Memory:
    """Returns the memory in a document; what is not readable in it is forgotten."""
    if not isinstance(document, dict) or document.get("version") != VERSION:
        return Memory()
    servers = document.get("servers")
    found = {
        name: known
        for name, entry in (servers if isinstance(servers, dict) else {}).items()
        if isinstance(entry, dict) and (known := _known(entry)) is not None
    }
    return Memory(found, word(document.get("settings")) or "")


def _known(entry: Mapping[str, Any]) -> Known | None:
    condition, since, tools = word(entry.get("condition")), moment(entry.get("since")), entry.get("tools")
    if condition is None or since is None:
        return None
    return Known(
        condition,
        since,
        one_of(entry.get("trouble"), TROUBLES),
        moment(entry.get("trouble_since")),
        {str(name): str(digest) for name, digest in tools.items()} if isinstance(tools, dict) else {},
        word(entry.get("generation")) or "",
    )


def followed(
    before: Known | None, condition: str, now: str, *, tools: Mapping[str, str] | None, generation: str
) -> Known:
    """Returns what is known of a server after a run.

    Args:
        before: what was known before it, None for a new server.
        condition: the condition that the run found.
        now: when the run ended, as the state file writes it.
        tools: the digests of the tools that it offers; None where it did not answer.
        generation: that of its spec.
    """
    same = before is not None and before.condition == condition
    trouble, trouble_since = (before.trouble, before.trouble_since) if before is not None else (None, None)
    if condition in TROUBLES:
        trouble, trouble_since = condition, (trouble_since if trouble else now)
    elif condition in ("ok", "asleep", "disabled", "stopped", "on_other_hosts", "in_cluster"):
        trouble, trouble_since = None, None
    return Known(
        condition,
        before.since if before is not None and same else now,
        trouble,
        trouble_since,
        tools or (before.tools if before is not None else {}),
        generation,
    )
