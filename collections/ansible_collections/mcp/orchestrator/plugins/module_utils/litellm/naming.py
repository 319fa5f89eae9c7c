# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of servers as LiteLLM takes them.

A tool is called there by its server's name, a hyphen and its own name, and a caller's token for one server comes in a
header ``x-mcp-NAME-authorization``, which is read without regard to case and to how many ``_`` follow each other
(litellm 1.108, proxy/_experimental/mcp_server/utils.py: validate_mcp_server_name, sanitize_mcp_alias_for_header).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping


def litellm_name(server: str) -> str:
    """Returns the name of a server at LiteLLM: letters, digits and ``_``, which tools' names may have everywhere."""
    return re.sub(r"[^A-Za-z0-9]", "_", server)


def heard_as(name: str) -> str:
    """Returns what LiteLLM makes of a name in a header. Two servers that are heard as one get each other's tokens."""
    return re.sub(r"_+", "_", litellm_name(name).lower()).strip("_")


def rivals(servers: Iterable[str]) -> dict[str, list[str]]:
    """Returns by server the others of the same name at LiteLLM; those that have their name alone are left out."""
    heard: dict[str, list[str]] = {}
    for server in sorted(set(servers)):
        heard.setdefault(heard_as(server), []).append(server)
    return {
        server: [each for each in group if each != server]
        for group in heard.values()
        if len(group) > 1
        for server in group
    }


def server_of(name: str, servers: Iterable[str]) -> str | None:
    """Returns which of the servers has the name at LiteLLM; None where none has it, or more than one."""
    found = [server for server in servers if litellm_name(server) == name]
    return found[0] if len(found) == 1 else None


def without_rivals(servers: Iterable[str], held: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Returns the servers that get their name, and why the others do not.

    ``held`` says which server is known at LiteLLM by which name. Where several want one name, the one that has it
    keeps it; where none has it, none gets it, so that no order of a file decides.
    """
    servers = sorted(set(servers))
    owners = {heard_as(name): server for name, server in held.items()}
    refused = {}
    for server, others in rivals(servers).items():
        if owners.get(heard_as(server)) != server:
            listed = " and ".join(f"mcpServers.{each}" for each in others)
            refused[server] = (
                f"LiteLLM cannot tell it from {listed}: both are '{litellm_name(server)}' there; rename one of them"
            )
    return [server for server in servers if server not in refused], refused
