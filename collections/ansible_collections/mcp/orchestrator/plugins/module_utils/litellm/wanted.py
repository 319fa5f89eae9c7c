# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What LiteLLM is to be told: an entry for each server that is switched on, from the config and the balancer's address.

Whether a server is healthy makes no difference: LiteLLM finds that out by itself, and a restart of it for each server
that fails or recovers would cut everybody's calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.isolation import keeps_sessions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.entry import Entry
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.naming import litellm_name

ENVIRONMENT = "os.environ/"
"""How LiteLLM's config refers to a variable of its own (https://docs.litellm.ai/docs/proxy/configs)."""
_LONGEST_SECONDS = 3600
_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}")
_BEARER = re.compile(r"Bearer\s+(\$\{[^{}]*\})", re.IGNORECASE)


@dataclass
class Wanted:
    """``entries`` have no ids yet. ``kept`` are servers whose entry in the config has an error: what LiteLLM knows of
    them stays. ``left_out`` says by server what LiteLLM is not told, ``costly`` are servers that start a process for
    each of its sessions."""

    entries: list[Entry] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    costly: list[str] = field(default_factory=list)


def wanted(config: Mapping[str, Any], public_url: str, *, in_database: bool) -> Wanted:
    """``config`` is what mcp_config_info returns; ``public_url`` is where clients reach the load balancer."""
    result = Wanted(kept=sorted({each["server"] for each in config["errors"] if each["server"]}))
    auth = config["settings"]["routes"]["auth"]
    for plain in config["servers"]:
        spec = Spec.from_dict(plain)
        if not spec.enabled or spec.name in result.kept:
            continue
        needed = ["Authorization"] if (spec.auth or auth) == "jwt" else []
        said = config["clients"].get(spec.name, {})
        transport = "sse" if spec.transport == "sse" else "http"
        url = f"{public_url}{spec.path}{spec.mcp_path}"
        _add(
            result,
            _entry(spec.name, url, transport, said, tuple(dict.fromkeys([*needed, *spec.client_headers]))),
            in_database,
        )
        if keeps_sessions(spec) and not spec.client_headers:
            result.costly.append(spec.name)
    for remote in config["remotes"]:
        if not remote["enabled"] or remote["name"] in result.kept:
            continue
        told, missing = remote["client"], list(remote["left_out"])
        if told is None:
            result.left_out[remote["name"]] = missing
            continue
        secrets, lost = ({}, list(told.get("headers", {}))) if in_database else _secrets(told.get("headers", {}))
        reason = "LiteLLM's database takes no references" if in_database else "LiteLLM cannot put it together"
        missing += [f"headers.{name}: {reason}; have callers send it" for name in lost]
        _add(result, _entry(remote["name"], told["url"], told["type"], told, (), secrets), in_database)
        if missing:
            result.left_out.setdefault(remote["name"], []).extend(missing)
    return result


def advice(costly: Sequence[str]) -> list[str]:
    """Returns what to say of servers that start a process for each session; nothing where there are none."""
    if not costly:
        return []
    many = ", ".join(costly) if len(costly) <= 5 else f"{', '.join(costly[:5])} and {len(costly) - 5} more"
    return [
        f"LiteLLM opens a session for each call of a client that keeps none, and each session of {many} starts a"
        " process that ends with it: such calls are slow, and what the server remembers is gone at the next one; where"
        " it keeps nothing between calls, set orchestrator.isolation to pooled"
    ]


def seconds(timeout: Any) -> float | None:
    """Returns how long a client waits; entries have seconds (Cline, Roo Code) or milliseconds (Gemini CLI)."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < 10**9:
        return None
    return float(timeout) if timeout <= _LONGEST_SECONDS else timeout / 1000


def _add(result: Wanted, entry: Entry, in_database: bool) -> None:
    if in_database and entry.disallowed_tools:
        result.left_out[entry.service] = [
            "the tools that clients do not offer: LiteLLM's database takes none to refuse; name those to offer (tools)"
        ]
    result.entries.append(entry)


def _entry(
    service: str,
    url: str,
    transport: str,
    said: Mapping[str, Any],
    headers: tuple[str, ...],
    secrets: Mapping[str, Any] | None = None,
) -> Entry:
    description = said.get("description")
    plain = isinstance(description, str) and not description.startswith(ENVIRONMENT)
    return Entry(
        service=service,
        name=litellm_name(service),
        url=url,
        transport=transport,
        description=" ".join(str(description).split()) if plain else "",
        timeout=seconds(said.get("timeout")),
        extra_headers=headers,
        allowed_tools=_allowed(said),
        disallowed_tools=tuple(dict.fromkeys([*_names(said, "disabledTools"), *_names(said, "excludeTools")])),
        secrets=secrets or {},
    )


def _allowed(said: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The only tools that clients offer. LiteLLM takes an empty list for all, as ``["*"]`` is here (Copilot)."""
    found = [*_names(said, "includeTools"), *_names(said, "tools")]
    return tuple(dict.fromkeys(found)) if found and "*" not in found else None


def _names(said: Mapping[str, Any], key: str) -> Iterator[str]:
    given = said.get(key)
    for name in given if isinstance(given, list) else ():
        if isinstance(name, str):
            yield name.partition("(")[0]  # Gemini CLI has ``tool(args)``


def _secrets(headers: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Headers of a remote server as LiteLLM's config refers to them, and the names of those that it cannot."""
    found: dict[str, Any] = {}
    lost = []
    for name, text in headers.items():
        bearer = _BEARER.fullmatch(text.strip()) if name.lower() == "authorization" else None
        variable = _VARIABLE.fullmatch(bearer[1] if bearer else text.strip())
        if variable is None:
            lost.append(name)
        elif bearer:
            found |= {"auth_type": "bearer_token", "authentication_token": f"{ENVIRONMENT}{variable[1]}"}
        else:
            found.setdefault("static_headers", {})[name] = f"{ENVIRONMENT}{variable[1]}"
    return found, lost
