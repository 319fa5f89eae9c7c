"""Reading the tools file: what files/tools.schema.json describes, as plain objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = 1
LARGEST_FILE = 32 * 1024 * 1024


@dataclass(frozen=True)
class Tool:
    """A tool as its server lists it. ``schema`` is that of its input as JSON for people, empty without one."""

    name: str
    title: str
    description: str
    schema: str


Tools = Mapping[str, tuple[Tool, ...]]
"""By server."""


def read_tools(path: Path) -> Tools:
    """Returns the tools of all servers; nothing where the file is none of ours, or is not there."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(LARGEST_FILE))
        if found["version"] != VERSION:
            return {}
        return {str(server): tuple(_tool(each) for each in told["tools"]) for server, told in found["servers"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _tool(found: Mapping[str, Any]) -> Tool:
    schema = found["input"]
    return Tool(
        str(found["name"]),
        str(found["title"] or ""),
        str(found["description"] or ""),
        "" if schema is None else json.dumps(schema, indent=2, ensure_ascii=False),
    )
