# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What clients write in their own words: the kind, the headers and the variables, where the others have them.

Sources: docs.cline.bot and mcp-proxy (transportType); github-mcp-server, docs/installation-guides (requestInit of
JetBrains, Eclipse and Xcode); docs.continue.dev, config.yaml (requestOptions); developers.openai.com/codex/mcp
(http_headers, env_http_headers, bearer_token_env_var); docs.litellm.ai/docs/mcp (static_headers); opencode.ai/docs
(environment); docs.anthropic.com, MCP connector (authorization_token).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, key_path, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import (
    ADDRESSES,
    BEARER_KEYS,
    ENTRY,
    ENV_WORDS,
    HEADER_HOLDERS,
    HEADER_WORDS,
    KIND_KEYS,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.names import is_secret_name

_KINDS = {
    "stdio": "stdio",
    "local": "stdio",
    "process": "stdio",
    "http": "http",
    "https": "http",
    "remote": "http",
    "streamable": "http",
    "streamablehttp": "http",
    "httpstream": "http",
    "httpstreamable": "http",
    "sse": "sse",
    "httpsse": "sse",
    "serversentevents": "sse",
}


def plain_entry(entry: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    """Returns the entry in the words of most clients; what contradicts itself goes to ``findings``."""
    return _with_env(_with_headers(_with_kind(_without_empty(entry), findings), findings), findings)


def _without_empty(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry without null, and without an empty command or address beside the other: programs write all keys."""
    said = {key: value for key, value in entry.items() if value is not None or key not in ENTRY.keys}
    addresses = [key for key in ADDRESSES if said.get(key)]
    empty = {key for key in ADDRESSES if said.get(key) == "" and (said.get("command") or addresses)}
    if addresses and said.get("command") == "":
        empty.add("command")
    return {key: value for key, value in said.items() if key not in empty}


def _with_kind(entry: dict[str, Any], findings: Findings) -> dict[str, Any]:
    """``type`` for whatever tells the kind: stdio, http or sse."""
    found: dict[str, str] = {}
    for key in KIND_KEYS:
        word = entry.get(key)
        if not isinstance(word, str):
            continue
        del entry[key]
        kind = _KINDS.get(re.sub(r"[^a-z]", "", word.lower()))
        if kind is None:
            findings.error(key, f"must be stdio, http or sse, not '{printable(word)}'")
        else:
            found[key] = kind
    if len(set(found.values())) > 1:
        first, second = list(found)[:2]
        findings.error(second, f"says {found[second]}, and '{first}' says {found[first]}; keep one")
    if found:
        entry["type"] = next(iter(found.values()))
    return entry


def _with_headers(entry: dict[str, Any], findings: Findings) -> dict[str, Any]:
    """``headers`` for whatever holds them, the references of ``env_http_headers`` and bearer tokens included."""
    merged: dict[str, tuple[str, Any]] = {}
    for path, headers in _headers_elsewhere(entry, findings):
        for name, value in headers.items():
            own = entry.get("headers")
            given = own.get(name) if isinstance(own, dict) else None
            if name in merged:
                given = merged[name][1]
            if given is not None and given != value:
                findings.error(key_path(path, str(name)), "is given twice, with different values; keep one")
            merged[name] = (path, value)
    if merged and isinstance(entry.get("headers", {}), dict):
        entry["headers"] = {**{name: value for name, (_path, value) in merged.items()}, **entry.get("headers", {})}
    return entry


def _headers_elsewhere(entry: dict[str, Any], findings: Findings) -> list[tuple[str, Mapping[str, Any]]]:
    found: list[tuple[str, Mapping[str, Any]]] = []
    for key in HEADER_HOLDERS:
        value = entry.get(key)
        if isinstance(value, dict):
            del entry[key]
            for name, each in value.items():
                if name.lower() == "headers" and isinstance(each, dict):
                    found.append((key_path(key, name), each))
                elif carries_login(name, each):
                    findings.error(key_path(key, name), "looks like a login, and is not read; put it into headers")
                else:
                    findings.explain(key_path(key, name), "is for clients; it changes nothing here")
    for key in HEADER_WORDS:
        value = entry.get(key)
        if isinstance(value, dict):
            del entry[key]
            by_name = key in {"env_http_headers", "envHttpHeaders"}
            found.append((key, {name: f"${{{each}}}" if by_name else each for name, each in value.items()}))
    for key in BEARER_KEYS:
        value = entry.get(key)
        if isinstance(value, str) and value:
            del entry[key]
            token = f"${{{value}}}" if "env" in key.lower() else re.sub(r"(?i)^bearer\s+", "", value)
            found.append((key, {"Authorization": f"Bearer {token}"}))
    for path, _headers in found:
        findings.explain(path, "is read as headers")
    return found


def _with_env(entry: dict[str, Any], findings: Findings) -> dict[str, Any]:
    for key in ENV_WORDS:
        value = entry.get(key)
        if isinstance(value, list) and isinstance(entry.get("env", {}), dict):
            names = [each.get("name") if isinstance(each, dict) else each for each in value]
            if all(isinstance(name, str) and name for name in names):
                # Codex and Goose: variables of the client's own environment, by name.
                del entry[key]
                entry["env"] = {**{name: f"${{{name}}}" for name in names}, **entry.get("env", {})}
                findings.explain(key, "is read as env: each is a variable of the host")
        if isinstance(value, dict):
            if "env" in entry:
                findings.error(key, "is another word for 'env', which is there too; keep one")
            entry["env"] = entry.get("env", value)
            del entry[key]
            findings.explain(key, "is read as env")
    return entry


def carries_login(key: str, value: Any, deepest: int = 20) -> bool:
    """Returns whether what a key holds is probably a login: its own name is a secret's, or one within it."""
    if deepest == 0:
        return False
    if isinstance(value, dict):
        if re.fullmatch(r"(?i)cookies?", key):
            return bool(value)
        return any(carries_login(str(name), each, deepest - 1) for name, each in value.items())
    if isinstance(value, list):
        return any(carries_login(key, each, deepest - 1) for each in value if isinstance(each, (dict, str)))
    named = is_secret_name(key) or bool(re.fullmatch(r"(?i)auth[-_]?value|cookies?|x-[a-z-]*(key|token)", key))
    return isinstance(value, str) and bool(value) and named
