# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of the tools as servers list them, for people who look at a server.

It does not travel through Ansible, whose tasks take their time for each key; and no run is planned by it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import (
    GROUP_READABLE,
    FileNotWritten,
    write_json,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import text, word

VERSION = 1
MOST_TOOLS = 200
"""Of one server."""
LARGEST_SCHEMA = 16 * 1024
LARGEST_SERVER = 256 * 1024
LARGEST_FILE = 32 * 1024 * 1024
_DEEPEST = 32

Json = dict[str, Any]


def tools_document(before: Any, reports: Iterable[Mapping[str, Any]]) -> Json:
    """Returns the file's content, as files/tools.schema.json describes it.

    ``before`` is the former content, whatever it is; ``reports`` those of all servers that were asked, each with
    ``definitions``, its tools as it lists them, and ``digests``, by which it is known whether they have changed. A
    server that does not answer, or sleeps, keeps what it had.
    """
    known = before.get("servers") if isinstance(before, dict) and before.get("version") == VERSION else None
    servers: dict[str, Json] = {}
    for report in reports:
        name = str(report["name"])
        former = known.get(name) if isinstance(known, dict) else None
        had = former if isinstance(former, dict) and isinstance(former.get("tools"), list) else None
        digest = _digest(report["digests"])
        if report["state"] == "ok" and (had is None or had.get("digest") != digest):
            servers[name] = {"digest": digest, "tools": _listed(report["definitions"])}
        elif had is not None:
            servers[name] = had
    return {"version": VERSION, "servers": dict(sorted(servers.items()))}


def keep_tools(path: str, group: str | None, reports: Iterable[Mapping[str, Any]]) -> str | None:
    """Writes the file where it says something else now; returns why it could not, or None."""
    before = _read(path)
    document = tools_document(before, reports)
    if document == before:
        return None
    try:
        write_json(path, document, GROUP_READABLE, group, indent=None)
    except FileNotWritten as error:
        return str(error)
    return None


def _digest(digests: Mapping[str, str]) -> str:
    """A digest of all tools of a server from those of each."""
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _listed(definitions: Iterable[Any]) -> list[Json]:
    """The tools in their order, as many as fit; the schemas that do not are null."""
    found: list[Json] = []
    room = LARGEST_SERVER
    for tool in definitions:
        if len(found) >= MOST_TOOLS or not isinstance(tool, dict) or (name := word(tool.get("name"))) is None:
            continue
        schema = _schema(tool.get("inputSchema"))
        size = len(json.dumps(schema))
        if size > min(room, LARGEST_SCHEMA):
            schema, size = None, 0
        room -= size
        found.append(
            {
                "name": name,
                "title": text(tool.get("title")),
                "description": text(tool.get("description")),
                "input": schema,
            }
        )
    return found


def _schema(given: Any, depth: int = 0) -> Any:
    """Plain data with clean texts; a server may put anything into its schema. What is too deep is null."""
    if depth > _DEEPEST:
        return None
    if isinstance(given, dict):
        return {str(text(key)): _schema(value, depth + 1) for key, value in given.items()}
    if isinstance(given, list):
        return [_schema(value, depth + 1) for value in given]
    if isinstance(given, str):
        return text(given)
    return given if isinstance(given, (bool, int, type(None))) or _is_finite(given) else None


def _is_finite(given: Any) -> bool:
    return isinstance(given, float) and given - given == 0


def _read(path: str) -> Any:
    try:
        with open(path, "rb") as file:
            return json.loads(file.read(LARGEST_FILE))
    except (OSError, ValueError, RecursionError):
        return None
