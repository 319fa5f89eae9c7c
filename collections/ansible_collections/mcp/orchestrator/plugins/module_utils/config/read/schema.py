# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON Schema of a config, made of the shapes that check it.

python -m ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.schema > files/mcp.config.schema.json
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import (
    ENTRY,
    EXTENSION,
    INPUTS,
    SERVER_NAME,
)

_SERVERS = {
    "type": "object",
    "propertyNames": {"pattern": f"^(?:{SERVER_NAME.pattern})$"},
    "additionalProperties": {"$ref": "#/$defs/server"},
}


def schema() -> dict[str, Any]:
    """Returns the schema (draft 2020-12) of a file: any of the three places where clients keep their servers."""
    server = ENTRY.schema()
    server["properties"]["orchestrator"] = {
        "$ref": "#/$defs/orchestrator",
        "description": server["properties"]["orchestrator"]["description"],
    }
    server["anyOf"] = [
        {"required": [key]} for key in ("command", "url", "template", "httpUrl", "serverUrl", "baseUrl", "transport")
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mcp.config.json",
        "description": "MCP servers, as clients configure them, for the MCP Orchestrator.",
        "type": "object",
        "properties": {
            "mcpServers": {**_SERVERS, "description": "The servers by name (Claude Desktop, Cursor and most others)."},
            "servers": {**_SERVERS, "description": "The servers by name (VS Code)."},
            "inputs": {
                "anyOf": [INPUTS.schema(), {"type": "object"}],
                "description": "What an editor asks for; give the values in [inputs] of settings.conf.",
            },
            "mcp": {
                "type": "object",
                "properties": {"servers": _SERVERS, "mcpServers": _SERVERS, "inputs": INPUTS.schema()},
                "description": "The same below one key (VS Code's settings.json).",
            },
        },
        "anyOf": [{"required": [key]} for key in ("mcpServers", "servers", "mcp")],
        "$defs": {"server": server, "orchestrator": {**EXTENSION.schema(), "additionalProperties": False}},
    }


def schema_text() -> str:
    """Returns the schema as it is published."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
