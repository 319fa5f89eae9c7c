# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One entry of ``mcpServers``: its keys, checked, and the form it is written in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.docker_form import read_docker
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.draft import Draft
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import (
    Findings,
    key_path,
    printable,
    suggestion,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secret import Secret

EXPORTED = frozenset({"alwaysAllow", "autoApprove", "description", "timeout", "trust"})
KEYS = frozenset({"args", "command", "disabled", "enabled", "env", "orchestrator", "type"}) | EXPORTED
_DOCKER = re.compile(r"(?:.*[/\\])?docker(?:\.exe)?", re.IGNORECASE)


def _texts(value: Any, path: str, findings: Findings) -> tuple[str, ...]:
    if not isinstance(value, list):
        findings.error(path, "must be a list of strings")
        return ()
    for position, each in enumerate(value):
        if not isinstance(each, str):
            findings.error(f"{path}[{position}]", "must be a string; put it in double quotes")
        elif "\0" in each:
            findings.error(f"{path}[{position}]", "holds a NUL character, which no program can be given")
    return tuple(each if isinstance(each, str) else "" for each in value)


def _env(value: Any, findings: Findings) -> dict[str, Secret]:
    if not isinstance(value, dict):
        findings.error("env", 'must be an object: {"NAME": "value"}')
        return {}
    result = {}
    for name, each in value.items():
        path = key_path("env", name)
        if not name or re.search(r"[=\s\0]", name):
            findings.error(path, "is not the name of a variable")
        elif isinstance(each, (int, float)) and not isinstance(each, bool):
            result[name] = Secret(str(each))
        elif not isinstance(each, str):
            findings.error(path, "must be a string; put it in double quotes")
        elif "\0" in each:
            findings.error(path, "holds a NUL character, which no variable can")
        else:
            result[name] = Secret(each)
    return result


def _flag(entry: Mapping[str, Any], key: str, default: bool, findings: Findings) -> bool:
    value = entry.get(key, default)
    if isinstance(value, bool):
        return value
    findings.error(key, "must be true or false, without quotes")
    return default


def is_enabled(entry: Mapping[str, Any], findings: Findings) -> bool:
    """Whether the entry is wished to run: neither ``disabled`` nor not ``enabled``."""
    if "disabled" in entry and "enabled" in entry:
        findings.error("enabled", "and 'disabled' say the same thing twice; keep one")
    return _flag(entry, "enabled", True, findings) and not _flag(entry, "disabled", False, findings)


def read_entry(entry: Mapping[str, Any], findings: Findings) -> Draft | None:
    """The draft of what the entry asks for, or None when it cannot be told; the reasons go to ``findings``."""
    for key in entry:
        if key not in KEYS:
            findings.error(key_path("", key).lstrip("."), f"is not a key of a server{suggestion(key, KEYS)}")
        elif key in EXPORTED:
            findings.explain(key, "is for clients; it changes nothing here")
    env = _env(entry.get("env", {}), findings)
    args = _texts(entry.get("args", []), "args", findings)
    if entry.get("type", "stdio") != "stdio":
        findings.error("type", "must be 'stdio', the type of servers that are started by a command")
        return None
    command = entry.get("command")
    if not isinstance(command, str) or not command:
        findings.error("command", 'must name the program that starts the server: "docker"')
        return None
    if not _DOCKER.fullmatch(command):
        findings.error("command", f"'{printable(command)}' is not supported; run the server with docker")
        return None
    start = 2 if args[:2] == ("container", "run") else 1
    if args[start - 1 : start] != ("run",):
        findings.error("args[0]" if args else "args", 'must be "run": servers are started with docker run')
        return None
    return read_docker(args, start, env, findings)
