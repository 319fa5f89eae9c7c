# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the state says of servers that run elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import (
    remote,
    report,
    server_of,
    spec,
    state_of,
    steps,
)


def test_remote_servers_are_told_apart_from_those_that_run_here() -> None:
    config = {
        "servers": [spec("time")],
        "errors": [],
        "remotes": [remote("docs"), remote("off", enabled=False)],
        "explain": {"docs": ["env: is ignored: nothing is started"]},
    }
    probe = {**steps()["probe"], "remotes": [report("docs", sessions=None, certificate_ends="2027-01-01T00:00:00Z")]}
    state = state_of(config=config, probe=probe)
    assert [server["name"] for server in state["servers"]] == ["time"]
    docs, off = state["remotes"]
    assert docs == {
        "name": "docs",
        "enabled": True,
        "group": None,
        "type": "http",
        "condition": "ok",
        "severity": "ok",
        "text": {"condition": "answers", "transport": "MCP over HTTP"},
        "url": "https://docs.example.com/mcp",
        "health": server_of(state)["health"] | {"server": {"name": "mcp-docs", "version": "1.2.3"}, "sessions": None},
        "certificate_ends": "2027-01-01T00:00:00Z",
        "error": None,
        "since": None,
        "headers": ["Authorization"],
        "notes": [
            "env: is ignored: nothing is started",
            "headers.Authorization: it may be a secret; export with secrets to include it",
        ],
        "client": {"type": "http", "url": "https://docs.example.com/mcp"},
    }
    assert off["client"] is None
    assert (off["condition"], off["text"]["condition"]) == ("disabled", "disabled")


@pytest.mark.parametrize(
    ("met", "condition", "text", "said"),
    [
        ({"state": "failing", "cause": "refused", "reason": "connection refused"}, "failing", "failing", "refused"),
        ({"state": "failing", "cause": "auth", "reason": "401: it wants one"}, "unknown", "wants a login", None),
        ({"state": "failing", "cause": "reference", "reason": "not asked: …"}, "unknown", "not known", None),
        ({"tools": []}, "degraded", "degraded", "offers no tools any more; it had now"),
    ],
)
def test_a_remote_server_in_trouble_is_told_and_fails_no_run(met: Any, condition: str, text: str, said: Any) -> None:
    config = {**steps()["config"], "remotes": [remote("docs")]}
    probe = {**steps()["probe"], "remotes": [report("docs", **{"tools": [], **met})]}
    state = state_of(config=config, probe=probe, had_tools={"docs": ["now"]})
    (docs,) = state["remotes"]
    assert (docs["condition"], docs["text"]["condition"]) == (condition, text)
    assert said in docs["error"] if said else docs["error"] is None
    assert (state["run"]["result"], state["errors"]) == ("ok", [])


def test_a_remote_server_that_does_not_answer_is_in_the_summary() -> None:
    config = {**steps()["config"], "remotes": [remote("docs")]}
    lost = {"state": "failing", "cause": "refused", "reason": "connection refused"}
    state = state_of(config=config, probe={**steps()["probe"], "remotes": [report("docs", **lost)]})
    assert state["summary"]["text"] == "All 2 servers answer; the remote server docs does not answer"
    assert state["summary"]["severity"] == "warning"
