# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done in LiteLLM's database, from what it holds and what it should hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.entry import Entry, Json


@dataclass(frozen=True)
class Action:
    """One call: ``action`` is create, update or delete, ``body`` what it carries, which a deletion needs not."""

    action: str
    service: str
    server_id: str
    reason: str
    body: Json


def plan(fleet: str, held: Mapping[str, Json], entries: Iterable[Entry], kept: Iterable[str]) -> list[Action]:
    """Returns what makes of ``held``, the fleet's servers in the database by their name in the config, the entries.

    ``kept`` are servers that stay as they are. What is deleted goes first: it may have the name of what comes. The rest
    of a server in the database, such as its access groups, stays as people have made it.
    """
    wanted = {entry.server_id: entry for entry in entries}
    by_id = {str(told.get("server_id")): (service, told) for service, told in held.items()}
    stays = {str(held[service].get("server_id")) for service in kept if service in held}
    deletions = [
        Action("delete", service, server_id, "it is no longer in the config", {})
        for server_id, (service, _told) in by_id.items()
        if server_id not in wanted and server_id not in stays
    ]
    updates, creations = [], []
    for server_id, entry in wanted.items():
        body = entry.in_database(fleet)
        if server_id not in by_id:
            creations.append(Action("create", entry.service, server_id, "LiteLLM does not know it", body))
            continue
        told = by_id[server_id][1]
        changed = sorted(key for key, value in body.items() if not _same(told.get(key), value))
        if changed:
            info = told.get("mcp_info")
            # LiteLLM copies the description there, and shows that copy once the description itself is cleared.
            others = info.items() if isinstance(info, dict) else ()
            body["mcp_info"] = {**{key: value for key, value in others if key != "description"}, **body["mcp_info"]}
            updates.append(Action("update", entry.service, server_id, f"other {', '.join(changed)}", body))
    return [*deletions, *updates, *creations]


def _same(held: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):  # LiteLLM and people keep more in mcp_info
        return isinstance(held, dict) and all(held.get(key) == value for key, value in wanted.items())
    return (held or None) == (wanted or None)
