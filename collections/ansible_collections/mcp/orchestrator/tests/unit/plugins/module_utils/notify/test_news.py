# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people are told after a run: once for each change, and all of a run in one message."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.notify.news import MOST_LINES, Told, news_of
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import (
    remote,
    report,
    spec,
    state_of,
    steps,
)

LINK = "http://127.0.0.1:8080/monitor"


def failing(*names: str) -> dict[str, Any]:
    """The state of a run in which these of the servers echo and time fail."""
    lost = {"state": "failing", "cause": "closed", "reason": "the line went dead"}
    servers = [report(name, **(lost if name in names else {})) for name in ("echo", "time")]
    return state_of(probe={"changed": False, "servers": servers})


def told(state: dict[str, Any], before: Told, **more: Any) -> tuple[list[str], Told]:
    """The lines of the message, the link apart, and what is told then."""
    message, after = news_of(state, more.pop("near", {}), before, host="h1", **more)
    return (message.body.splitlines() if message else []), after


def test_nothing_is_told_while_all_is_well() -> None:
    assert told(state_of(), {}) == ([], {})


def test_a_failing_server_is_told_once_and_its_recovery_once() -> None:
    lines, after = told(failing("time"), {})
    assert lines == ["time is failing: the line went dead; look at: docker logs mcp-time", LINK]
    assert told(failing("time"), after) == ([], after)
    lines, after = told(state_of(), after)
    assert (lines, after) == (["time has recovered; it was failing", LINK], {})


def test_all_of_a_run_is_one_message_with_the_fleet_the_host_and_its_summary() -> None:
    message, _after = news_of(failing("echo", "time"), {}, {"gone": "failing"}, host="h1")
    assert message is not None
    assert message.title == "MCP fleet mcp on h1: No server answers"
    assert [line.split()[0] for line in message.body.splitlines()] == ["echo", "time", LINK]


def test_what_is_not_known_for_a_while_is_neither_trouble_nor_recovery() -> None:
    unasked = state_of(probe={"changed": False, "servers": [report("echo")]})
    assert told(unasked, {"time": "failing"}) == ([], {"time": "failing"})


@pytest.mark.parametrize("servers", [[spec("echo")], [spec("echo"), spec("time", enabled=False)]])
def test_a_server_that_nobody_expects_any_more_has_not_recovered(servers: list[dict[str, Any]]) -> None:
    state = state_of(config={"servers": servers, "errors": []}, probe={"servers": [report("echo")]})
    assert told(state, {"time": "failing"}) == ([], {})


def test_another_trouble_of_the_same_server_is_news() -> None:
    lines, after = told(failing("time"), {"time": "degraded"})
    assert (len(lines), after) == (2, {"time": "failing"})


def test_a_remote_server_is_told_of_too() -> None:
    config = {**steps()["config"], "remotes": [remote("docs")]}
    lost = report("docs", state="failing", cause="refused", reason="connection refused")
    lines, after = told(state_of(config=config, probe={**steps()["probe"], "remotes": [lost]}), {})
    assert (lines[0], after) == ("docs is failing: connection refused", {"docs": "failing"})


def test_a_refused_entry_names_what_is_wrong_with_it() -> None:
    errors = [{"server": "time", "message": "mcp.config.json: mcpServers.time.command: is missing"}]
    lines, after = told(state_of(config={"servers": [spec("echo")], "errors": errors}), {})
    assert lines[0].startswith("time is refused: its entry in the config is wrong: mcp.config.json")
    assert after == {"time": "invalid"}


def test_a_config_that_cannot_be_read_is_one_trouble_and_not_that_of_every_server() -> None:
    refused = state_of(
        config={"failed": True, "msg": "mcp.config.json: line 3: is not JSON"},
        containers={}, routes={}, retire={}, probe={},
    )  # fmt: skip
    lines, after = told(refused, {})
    assert lines[0] == "The config is refused: mcp.config.json: line 3: is not JSON"
    assert after == {"[config]": "refused"}
    assert told(state_of(), after)[0][0] == "The config is accepted again"


def test_a_run_that_fails_as_a_whole_is_told() -> None:
    state = state_of(containers={"failed": True, "msg": "the engine does not answer"})
    lines, after = told(state, {})
    assert "The run is failing: containers: the engine does not answer" in lines[0]
    assert after == {"[run]": "failing"}
    assert told(state_of(), after)[0][0] == "The run succeeds again"


def test_a_run_that_left_no_report_is_told() -> None:
    lines, after = told(state_of(), {}, unreported="timeout")
    assert lines[0] == "The last run ended without its report (timeout); see: journalctl -u mcp-reconcile"
    assert told(state_of(), after, unreported="as before") == ([], after)


def test_a_server_that_stays_near_a_limit_is_told_and_so_is_the_end_of_it() -> None:
    near = {"time": [{"limit": "memory", "since": 1, "share": 0.93}]}
    lines, after = told(state_of(), {}, near=near)
    assert lines[0] == "time stays near its limit of memory (93% of it)"
    assert told(state_of(), after, near=near) == ([], after)
    assert told(state_of(), after)[0][0] == "time is no longer near its limit of memory"


def test_a_long_message_is_cut() -> None:
    state = failing("time")
    time = next(each for each in state["servers"] if each["name"] == "time")
    many = {**state, "servers": [{**time, "name": f"s{number}", "error": "e" * 900} for number in range(100)]}
    lines, _after = told(many, {})
    assert lines[-2:] == [f"and {100 - MOST_LINES} more", LINK]
    assert max(map(len, lines)) <= 400
