# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ``orchestrator`` extension of an entry: how the server is reached."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import (
    Findings,
    key_path,
    printable,
    suggestion,
)

KEY = "orchestrator"
PREFIX = "/mcp"
DEFAULT_MCP_PATH = "/mcp"
_KEYS = frozenset({"health_path", "path", "port", "transport"})
_PATH = re.compile(r"/[A-Za-z0-9/_.~!$&'()+,;=:@%-]*")


@dataclass(frozen=True)
class Reach:
    """How one server is reached; the fields are those of the spec."""

    transport: str
    port: int | None
    path: str
    mcp_path: str
    health_path: str
    health_matcher: str
    strip_prefix: bool


def _paths(extension: Mapping[str, Any], findings: Findings) -> dict[str, str]:
    result = {}
    for key in ("path", "health_path"):
        value = extension.get(key)
        if value is None:
            continue
        if not isinstance(value, str) or not _PATH.fullmatch(value) or len(value) > 128:
            findings.error(f"{KEY}.{key}", 'must be a path such as "/mcp", without query, at most 128 characters')
        else:
            result[key] = value
    return result


def read_reach(name: str, entry: Mapping[str, Any], published: list[int], findings: Findings) -> Reach:
    """How the server is reached, from the ports its argv publishes and the entry's extension."""
    extension = entry.get(KEY, {})
    if not isinstance(extension, dict):
        findings.error(KEY, "must be an object")
        extension = {}
    for key in extension:
        if key not in _KEYS:
            findings.error(key_path(KEY, key), f"is not a key of '{KEY}'{suggestion(key, _KEYS)}")
    paths = _paths(extension, findings)
    port = extension.get("port")
    if port is not None and (isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535):
        findings.error(f"{KEY}.port", "must be a number from 1 to 65535")
        port = None
    transport = extension.get("transport") or ("http" if port or published else "stdio")
    if transport == "http":
        return _http(name, port, published, paths, findings)
    if transport != "stdio":
        findings.error(f"{KEY}.transport", f"must be stdio or http, not '{printable(str(transport))}'")
    elif port is not None:
        findings.error(f"{KEY}.port", "is for http servers; remove it or set transport to http")
    for key in paths:
        findings.error(f"{KEY}.{key}", "is for http servers; the bridge of a stdio server answers at /mcp and /health")
    if published:
        findings.explain("args", "published ports are ignored: the server is reached through the bridge")
    path = f"{PREFIX}/{name}"
    return Reach("stdio", None, path, DEFAULT_MCP_PATH, f"{path}/health", "200", False)


def _http(name: str, port: int | None, published: list[int], paths: Mapping[str, str], findings: Findings) -> Reach:
    if port is None:
        choices = sorted(set(published))
        if len(choices) > 1:
            listed = " or ".join(map(str, choices))
            findings.error("args", f"publishes several ports; say with {KEY}.port which one speaks MCP: {listed}")
        elif not choices:
            findings.error(f"{KEY}.transport", f"is http, but no port is known; add '-p' to args or {KEY}.port")
        port = choices[0] if choices else None
    mcp_path = paths.get("path", DEFAULT_MCP_PATH)
    # Without a path of its own for health, any answer that is not a server's fault says that it lives.
    matcher = "200" if "health_path" in paths else "200-499"
    return Reach("http", port, f"{PREFIX}/{name}", mcp_path, paths.get("health_path", mcp_path), matcher, True)
