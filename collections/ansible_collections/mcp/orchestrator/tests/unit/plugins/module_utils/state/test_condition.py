# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which condition a server is, and what is said of the whole fleet."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.condition import CONDITIONS, condition_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.summary import summary_of
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import (
    RUN,
    SCHEMA,
    endpoint,
    report,
    server_of,
    spec,
    state_of,
    steps,
)

HEALTHY = {
    "desired": "running", "observed": "running", "status": "ok", "has_error": False, "is_new": False,
    "on_other_hosts": False, "in_cluster": False, "quarantined": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "condition"),
    [
        ({}, "ok"),
        ({"has_error": True}, "degraded"),
        ({"status": "asleep"}, "asleep"),
        ({"status": "asleep", "has_error": True}, "degraded"),
        ({"status": "failing", "has_error": True}, "failing"),
        ({"status": "failing"}, "failing"),
        ({"status": "unknown", "observed": "failed"}, "failing"),
        ({"status": "unknown", "has_error": True}, "failing"),
        ({"status": "unknown"}, "unknown"),
        ({"status": "unknown", "is_new": True}, "starting"),
        ({"status": "unknown", "observed": "absent", "is_new": True}, "starting"),
        ({"status": "unknown", "observed": "stopped"}, "stopped"),
        ({"status": "failing", "observed": "stopped"}, "stopped"),
        ({"status": "unknown", "observed": "stopped", "has_error": True}, "failing"),
        ({"status": "unknown", "observed": "absent", "on_other_hosts": True}, "on_other_hosts"),
        ({"status": "unknown", "observed": "absent", "in_cluster": True}, "in_cluster"),
        ({"status": "failing", "has_error": True, "quarantined": True}, "quarantined"),
        ({"has_error": True, "quarantined": True}, "degraded"),
        ({"desired": "disabled", "status": "unknown", "observed": "stopped"}, "disabled"),
        ({"desired": "invalid", "status": "unknown", "has_error": True}, "invalid"),
    ],
)
def test_a_server_is_in_one_condition(changes: dict[str, Any], condition: str) -> None:
    assert condition_of(**{**HEALTHY, **changes}).name == condition


def test_whatever_is_known_of_a_server_it_is_in_a_condition_of_the_schema() -> None:
    known = SCHEMA["$defs"]["server"]["properties"]
    answers = (
        known["desired"]["enum"], known["observed"]["enum"], known["health"]["properties"]["status"]["enum"],
        *[(True, False)] * 5,
    )  # fmt: skip
    found = {condition_of(**dict(zip(HEALTHY, each, strict=True))).name for each in product(*answers)}
    assert found == set(CONDITIONS) == set(SCHEMA["$defs"]["condition"]["enum"])


def entry(name: str, condition: str) -> dict[str, Any]:
    return {"name": name, "condition": condition, "severity": CONDITIONS[condition].severity}


@pytest.mark.parametrize(
    ("conditions", "failed", "severity", "text"),
    [
        (["ok"], False, "ok", "The server answers"),
        (["ok", "ok"], False, "ok", "All 2 servers answer"),
        (["ok", "asleep"], False, "ok", "All 2 servers answer or are asleep"),
        (["asleep", "asleep"], False, "ok", "All 2 servers are asleep"),
        (["asleep"], False, "ok", "The server is asleep"),
        (["asleep", "failing"], True, "critical", "1 of 2 servers answer or are asleep, s1 does not"),
        (["asleep", "unknown"], False, "warning", "1 of 2 servers are known to answer or to be asleep"),
        (["ok", "disabled", "stopped", "on_other_hosts"], False, "ok", "The server answers"),
        (["failing"], True, "critical", "s0 does not answer"),
        (["failing", "invalid"], True, "critical", "No server answers"),
        (["ok", "failing"], True, "critical", "1 of 2 servers answer, s1 does not"),
        (["ok", "failing", "invalid"], True, "critical", "1 of 3 servers answer, 2 do not"),
        (["ok", "unknown"], False, "warning", "1 of 2 servers are known to answer"),
        (["ok", "starting"], False, "warning", "1 of 2 servers are known to answer"),
        (["ok", "degraded"], True, "critical", "The last run failed; all 2 servers answer"),
        (["ok", "unknown"], True, "critical", "The last run failed; 1 of 2 servers are known to answer"),
        ([], True, "critical", "The last run failed"),
        (["disabled"], False, "none", "No servers to run"),
    ],
)
def test_the_fleet_is_summed_up_in_one_sentence(conditions: list[str], failed: bool, severity: str, text: str) -> None:
    servers = [entry(f"s{number}", condition) for number, condition in enumerate(conditions)]
    summary = summary_of(servers, failed=failed, check_mode=False)
    assert (summary["severity"], summary["text"]) == (severity, text)
    assert sum(count["servers"] for count in summary["counts"]) == len(servers)


def test_the_most_urgent_condition_is_counted_first() -> None:
    servers = [entry(str(number), condition) for number, condition in enumerate(["ok", "disabled", "failing", "ok"])]
    assert [(each["condition"], each["text"], each["servers"]) for each in summary_of(
        servers, failed=True, check_mode=False
    )["counts"]] == [("failing", "failing", 1), ("ok", "answering", 2), ("disabled", "disabled", 1)]  # fmt: skip


def test_check_mode_says_whether_errors_were_found_and_not_who_answers() -> None:
    assert summary_of([entry("a", "starting")], failed=False, check_mode=True)["text"] == "The check found no errors"
    assert summary_of([entry("a", "invalid")], failed=True, check_mode=True)["severity"] == "critical"


def test_a_server_that_an_operator_has_stopped_does_not_fail_the_run() -> None:
    containers = {"endpoints": [endpoint("echo"), endpoint("time", state="stopped")], "errors": []}
    silent = report("time", state="failing", cause="balancer", reason="503 by the balancer", tools=[])
    state = state_of(containers=containers, probe={"servers": [report("echo"), silent]})
    assert server_of(state)["condition"] == "stopped"
    assert (state["run"]["result"], state["summary"]["text"]) == ("ok", "The server answers")


def test_a_server_that_a_run_has_made_and_not_asked_is_starting() -> None:
    assert server_of(state_of(probe={"servers": [report("echo")]}))["condition"] == "starting"
    assert server_of(state_of(probe={"servers": [report("echo")]}), "echo")["condition"] == "ok"


def test_the_log_of_the_container_that_serves_is_named_and_not_guessed() -> None:
    second = endpoint("time", container_name="mcp-time.2")
    failing = report("time", state="failing", cause="bridge", reason="503 by the bridge", tools=[])
    state = state_of(containers={"endpoints": [second], "errors": []}, probe={"servers": [failing]})
    assert server_of(state)["container"]["logs"] == "docker logs mcp-time.2"
    assert server_of(state)["error"] == "503 by the bridge; look at: docker logs mcp-time.2"


@pytest.mark.parametrize(
    ("count", "quarantined", "status", "condition", "text"),
    [
        (3, False, "failing", "failing", "failing, next try 06:31 UTC"),
        (5, True, "failing", "quarantined", "quarantined, next try 06:31 UTC"),
        (5, True, "ok", "degraded", "degraded, next try 06:31 UTC"),
    ],
)
def test_a_server_that_keeps_failing_says_when_it_is_tried_again(
    count: int, quarantined: bool, status: str, condition: str, text: str
) -> None:
    next_try = "2026-11-21T06:31:07Z"
    postponed = {"server": "time", "count": count, "quarantined": quarantined, "next_try": next_try}
    errors = [{"server": "time", "message": f"it failed {count} times"}]
    containers = {"failed": True, "endpoints": [endpoint("time")], "errors": errors, "postponed": [postponed]}
    entry = server_of(
        state_of(containers=containers, probe={"servers": [report("time", state=status, cause="bridge")]})
    )
    assert (entry["condition"], entry["text"]["condition"]) == (condition, text)
    assert entry["retry"] == {"failures": count, "quarantined": quarantined, "next_try": next_try}


def test_a_server_that_sleeps_says_when_it_last_answered() -> None:
    slept = report("time", state="asleep", reason="asleep, last answered 10:42 UTC", latency_ms={})
    entry = server_of(state_of(probe={"servers": [report("echo"), slept]}))
    assert (entry["condition"], entry["severity"], entry["error"]) == ("asleep", "ok", None)
    assert entry["text"]["condition"] == "asleep, last answered 10:42 UTC"
    assert (entry["health"]["status"], entry["health"]["tools"]) == ("asleep", slept["tools"])


def test_a_container_that_retiring_has_renamed_bears_its_new_name() -> None:
    containers = {"endpoints": [endpoint("time", container_name="mcp-time-8f700f2b17ec")], "errors": []}
    renamed = {"action": "rename", "server": "time", "container": "c0ffee", "target": "mcp-time"}
    assert server_of(state_of(containers=containers))["container"]["name"] == "mcp-time-8f700f2b17ec"
    after = state_of(containers=containers, retire={"actions": [renamed], "errors": []})
    assert server_of(after)["container"]["name"] == "mcp-time"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "anywhere"),
        ({"network": "none"}, "nowhere"),
        ({"network": ["api.github.com", "10.0.0.0/8"]}, "only api.github.com, 10.0.0.0/8"),
        ({"network": "corp"}, "as network corp lets it"),
    ],
)
def test_a_value_is_put_into_words_once(changes: dict[str, Any], text: str) -> None:
    state = state_of(config={**steps()["config"], "servers": [spec("time", **changes)]})
    assert server_of(state)["text"]["network"] == text


def test_the_state_of_a_check_is_one_too() -> None:
    run = type(RUN)(RUN.id, RUN.started, RUN.finished, True)
    assert json.dumps(state_of(run=run, retire={}, probe={})["summary"]["text"]) == '"The check found no errors"'
