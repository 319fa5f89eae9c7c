# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One server as LiteLLM is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

FLEET, SERVICE = "mcp_fleet", "mcp_service"
"""The mark in ``mcp_info``, which LiteLLM keeps as it is: whose an entry is, and the server's name in its config."""


@dataclass(frozen=True)
class Entry:
    """``name`` is the server's at LiteLLM, ``service`` its own; ``transport`` is http or sse, ``timeout`` seconds.

    ``extra_headers`` are the headers of LiteLLM's callers that are passed on. ``secrets`` holds further keys of the
    config file, whose values are references to variables of LiteLLM.
    """

    service: str
    name: str
    url: str
    transport: str
    description: str = ""
    timeout: float | None = None
    extra_headers: tuple[str, ...] = ()
    allowed_tools: tuple[str, ...] | None = None
    disallowed_tools: tuple[str, ...] = ()
    secrets: Mapping[str, Any] = field(default_factory=dict)
    server_id: str = ""

    def in_config(self, fleet: str) -> Json:
        """Returns what stands under ``mcp_servers`` (https://docs.litellm.ai/docs/mcp)."""
        told: Json = {"server_id": self.server_id, "url": self.url, "transport": self.transport}
        optional = {
            "description": self.description or None,
            "timeout": self.timeout,
            "extra_headers": list(self.extra_headers) or None,
            "allowed_tools": None if self.allowed_tools is None else list(self.allowed_tools),
            "disallowed_tools": list(self.disallowed_tools) or None,
        }
        told |= {key: value for key, value in optional.items() if value is not None}
        return {**told, **self.secrets, "mcp_info": {FLEET: fleet, SERVICE: self.service}}

    def in_database(self, fleet: str) -> Json:
        """Returns what ``/v1/mcp/server`` is told: every key, so that one that is no longer said is cleared."""
        return {
            "server_id": self.server_id,
            "server_name": self.name,
            "alias": self.name,
            "url": self.url,
            "transport": self.transport,
            "description": self.description or None,
            "timeout": self.timeout,
            "extra_headers": list(self.extra_headers),
            "allowed_tools": list(self.allowed_tools or ()),
            "mcp_info": {FLEET: fleet, SERVICE: self.service, "server_name": self.name},
        }


def service_of(told: Any, fleet: str) -> str | None:
    """Returns which server of the fleet an entry at LiteLLM is; None where it is not the fleet's."""
    info = told.get("mcp_info") if isinstance(told, dict) else None
    if not isinstance(info, dict) or info.get(FLEET) != fleet or not isinstance(info.get(SERVICE), str):
        return None
    return str(info[SERVICE])


def outline(entries: Mapping[str, Any]) -> str:
    """Returns a line for each entry, by name, of what may be shown: no value of a header."""
    return "".join(f"{name}: {_line(told)}\n" for name, told in sorted(entries.items()))


def _line(told: Any) -> str:
    if not isinstance(told, dict):
        return "no entry"
    parts = [f"{told.get('transport')} {told.get('url')}", f"server_id {told.get('server_id')}"]
    for key, says in (
        ("extra_headers", "passes on"),
        ("static_headers", "sends"),
        ("allowed_tools", "allows"),
        ("disallowed_tools", "refuses"),
    ):
        if told.get(key):
            parts.append(f"{says} {' '.join(sorted(map(str, told[key])))}")
    if told.get("timeout") is not None:
        parts.append(f"waits {told['timeout']:g} s" if isinstance(told["timeout"], (int, float)) else "waits")
    if told.get("description"):
        parts.append(f"'{told['description']}'")
    return ", ".join(parts)
