# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.check import main

SETTINGS = str(Path(__file__).parents[9] / "files/settings.conf")


def sessions(tmp_path: Path, capsys: pytest.CaptureFixture[str], entry: dict[str, Any]) -> str | None:
    """What the report says of a server's sessions."""
    file = tmp_path / "mcp.config.json"
    file.write_text(json.dumps({"mcpServers": {"tried": entry}}))
    assert main([str(file), "--settings", SETTINGS]) == 0
    found = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  sessions ")]
    return found[0].removeprefix("  sessions ").strip() if found else None


@pytest.mark.parametrize(
    ("entry", "begins"),
    [
        ({"command": "uvx", "args": ["mcp-server-time==2026.1.1"]}, "about 9 at once: an estimate, by 46 MiB"),
        ({"command": "npx", "args": ["-y", "some-server@1.0.0"]}, "about 20 at once: an estimate, by 22 MiB"),
    ],
)
def test_the_limits_say_how_many_sessions_may_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], entry: dict[str, Any], begins: str
) -> None:
    assert (sessions(tmp_path, capsys, entry) or "").startswith(begins)


def test_more_memory_holds_more_and_a_bound_of_the_entry_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = {"command": "uvx", "args": ["mcp-server-time==2026.1.1"]}
    wider = {**entry, "orchestrator": {"resources": {"memory": "1g"}}}
    bounded = {**entry, "orchestrator": {"bridge": {"max_sessions": 3}}}
    assert (sessions(tmp_path, capsys, wider) or "").startswith("about 19 at once")
    assert (sessions(tmp_path, capsys, bounded) or "").startswith("about 3 at once")


def test_nothing_is_said_where_sessions_share_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pooled = {"command": "uvx", "args": ["mcp-server-time==2026.1.1"], "orchestrator": {"isolation": "pooled"}}
    assert sessions(tmp_path, capsys, pooled) is None
