# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the address and the headers of a remote server are once the entry's own variables are in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver

ADDRESS = "https://mcp.example.com/mcp"


@pytest.mark.parametrize(
    "entry",
    [
        {"url": ADDRESS, "headers": {"Authorization": "Bearer ${TRACKER_KEY}"}},
        {"url": ADDRESS, "headers": {"Authorization": "Bearer ${env:TRACKER_KEY}"}},
        {"command": "npx", "args": ["mcp-remote", ADDRESS, "--header", "Authorization: Bearer ${TRACKER_KEY}"]},
        {"command": "npx", "args": ["mcp-remote", ADDRESS, "--header=Authorization:Bearer ${TRACKER_KEY}"]},
        {"command": "npx", "args": ["mcp-remote", ADDRESS, "--transport=http-only", "--header=Authorization:${AUTH}"]},
    ],
)
def test_a_header_gets_the_entrys_own_variables(entry: dict[str, Any], tmp_path: Path) -> None:
    own = {"TRACKER_KEY": "hunter2", "AUTH": "Bearer hunter2", "OTHER": "x"}
    config = tmp_path / "mcp.config.json"
    config.write_text(json.dumps({"mcpServers": {"a": {**entry, "env": own}}}))
    fleet = read_fleet([str(config)], None, b"k" * 32, EmptyResolver())
    (remote,) = fleet.remotes
    assert not fleet.errors
    assert remote.headers["Authorization"].reveal() == "Bearer hunter2"
    assert "hunter2" not in str([remote.to_dict(), fleet.explain, repr(fleet)])


def test_an_address_gets_them_too_and_what_is_not_used_is_said(tmp_path: Path) -> None:
    config = tmp_path / "mcp.config.json"
    entry = {"url": "https://${TENANT}.example.com/mcp", "env": {"TENANT": "tools", "OTHER": "x"}}
    config.write_text(json.dumps({"mcpServers": {"a": entry}}))
    fleet = read_fleet([str(config)], None, b"k" * 32, EmptyResolver())
    assert fleet.remotes[0].url.reveal() == "https://tools.example.com/mcp"
    assert "env.TENANT: is used where url and headers refer to it" in fleet.explain["a"]
    assert "env.OTHER: is ignored: nothing is started" in fleet.explain["a"]
