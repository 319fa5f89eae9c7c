# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import (
    endpoint,
    server_of,
    spec,
    state_of,
)


def test_what_a_server_requires_is_told_and_stopped_with_it() -> None:
    found = {"name": "db", "image": "pg:1", "condition": "healthy"}
    config = {"servers": [spec("time", requires=[{**found, "name": "time.db", "required_by": "time"}])], "errors": []}
    container = {"container": "d1", "container_name": "mcp-time.db"}

    def told(**said: Any) -> list[dict[str, Any]]:
        containers = {"endpoints": [endpoint("time", **said)], "errors": []}
        requires: list[dict[str, Any]] = server_of(state_of(config=config, containers=containers))["requires"]
        return requires

    shown = {"id": "d1", "name": "mcp-time.db", "logs": "docker logs mcp-time.db"}
    assert told(requires=[{**found, "state": "healthy", **container}]) == [
        {**found, "state": "healthy", "container": shown}
    ]
    assert told(state="stopped") == [{**found, "state": "stopped", "container": None}]
