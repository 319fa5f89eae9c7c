# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers in parts of a file that are not read: under a project, a profile, a workspace's settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import key_path, printable

_ENTRY_KEYS = frozenset({"command", "url", "httpUrl", "serverUrl", "baseUrl", "template", "cmd", "uri"})
_DEEPEST = 6


def servers_elsewhere(value: Mapping[str, Any], roots: frozenset[str]) -> Iterator[tuple[str, list[str]]]:
    """Yields each object of servers that is none of ``roots`` (their paths), with the names in it."""
    yield from _within(value, "", "", roots, _DEEPEST)


def _within(
    value: Mapping[str, Any], path: str, parent: str, roots: frozenset[str], depth: int
) -> Iterator[tuple[str, list[str]]]:
    for key, below in value.items():
        here = key_path(path, key) if path or "." in key or "/" in key else key
        here = here.lstrip(".")
        if not isinstance(below, dict) or here in roots or depth == 0:
            continue
        plain = re.sub(r"[^a-z]", "", key.lower())
        holds = plain.endswith(("mcpservers", "mcpserver", "contextservers")) or (plain, parent) == ("servers", "mcp")
        if holds and below and all(isinstance(each, dict) and _ENTRY_KEYS & set(each) for each in below.values()):
            yield here, [printable(name) for name in below]
        else:
            yield from _within(below, here, plain, roots, depth - 1)


def to_move(names: list[str]) -> str:
    """Returns what to do with servers that are not read."""
    shown = ", ".join(f"'{name}'" for name in names[:5])
    return f"move {shown}{' and the others' if len(names) > 5 else ''} into 'mcpServers'"
