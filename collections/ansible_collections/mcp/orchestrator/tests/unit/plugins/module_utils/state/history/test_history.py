# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run's place in the history is: what happened to each server, and which runs are one report."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.memory import Memory, memory_from
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.record import (
    LARGEST_RECORD,
    folded,
    record_of,
    trigger_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.run import remembered, report_of_run
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.history.runs import Runs
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import (
    SETTINGS,
    report,
    spec,
    state_of,
    steps,
)

NOTHING = {"actions": [], "errors": []}
FAILING = {"servers": [report("echo"), report("time", state="failing", cause="closed", reason="the line went dead")]}


def action(verb: str, reason: str, server: str | None = "time") -> dict[str, Any]:
    return {"server": server, "action": verb, "reason": reason}


def probed(**digests: dict[str, str]) -> dict[str, Any]:
    """A probe in which these servers offer tools with these digests."""
    servers = [report(name, tools=sorted(tools), digests=tools) for name, tools in digests.items()]
    return {"changed": False, "servers": servers}


def test_a_server_that_comes_is_created() -> None:
    assert Runs().events() == [("time", "created", "create: no container bears its label")]


def test_a_run_that_does_nothing_has_no_events() -> None:
    runs = Runs().then()
    assert runs.events(containers={**steps()["containers"], **NOTHING}) == []


def test_a_container_that_was_removed_is_repaired_and_the_reason_told() -> None:
    runs = Runs().then()
    assert runs.events() == [("time", "repaired", "create: no container bears its label")]


def test_another_spec_rolls_a_server() -> None:
    runs = Runs().then()
    config = {**steps()["config"], "servers": [spec("echo"), spec("time", generation="0ther")]}
    containers = {**steps()["containers"], "actions": [action("recreate", "image mcp/time → mcp/time:2")]}
    assert runs.events(config=config, containers=containers) == [
        ("time", "rolled", "recreate: image mcp/time → mcp/time:2")
    ]


def test_a_route_that_other_settings_change_is_not_drift() -> None:
    runs = Runs().then()
    routes = {**steps()["routes"], "actions": [action("modify_target_group", "deregistration delay 300 → 1")]}
    still = {**steps()["containers"], **NOTHING}
    assert runs.events(containers=still, routes=routes)[0][1] == "repaired"
    settings = {**SETTINGS, "routes": {"deregistration_delay": 1}}
    assert runs.events(containers=still, routes=routes, settings=settings)[0][1] == "changed"


def test_what_is_done_for_the_monitor_is_the_fleets() -> None:
    routes = {**steps()["routes"], "actions": [action("create_rule", "there is no rule", "_monitor")]}
    still = {**steps()["containers"], **NOTHING}
    told = Runs().then().report(containers=still, routes=routes)["events"]
    assert told == [{"server": None, "event": "changed", "text": "create_rule: there is no rule"}]


def test_a_removed_server_leaves_an_event() -> None:
    runs = Runs().then()
    config = {**steps()["config"], "servers": [spec("echo")]}
    retire = {
        "actions": [action("remove", "the config has no server time on this host")],
        "endpoints": [],
        "errors": [],
    }
    told = runs.events(config=config, containers={**steps()["containers"], **NOTHING}, retire=retire)
    assert told == [("time", "removed", "remove: the config has no server time on this host")]


def test_a_failing_server_is_told_once_with_its_beginning_and_so_is_its_recovery() -> None:
    still = {**steps()["containers"], **NOTHING}
    runs = Runs().then()
    (first,) = runs.events(containers=still, probe=FAILING)
    assert first[:2] == ("time", "failing")
    assert first[2].startswith("since 2026-11-21T04:24:03Z: the line went dead")
    runs = runs.then(containers=still, probe=FAILING)
    assert runs.events(containers=still, probe=FAILING) == []
    runs = runs.then(containers=still, probe=FAILING)
    assert runs.memory.servers["time"].since == "2026-11-21T04:24:03Z"
    assert runs.events(containers=still) == [("time", "recovered", "answers again after 10 min; it was failing")]


def test_a_change_of_its_tools_is_told_by_name() -> None:
    still = {**steps()["containers"], **NOTHING}
    runs = Runs().then(probe=probed(time={"now": "a1", "convert": "b1", "zones": "c1"}))
    found = runs.report(containers=still, probe=probed(time={"now": "a2", "zones": "c1", "travel": "d1"}))["events"]
    assert found == [
        {
            "server": "time",
            "event": "tools_changed",
            "text": "tools added: travel; removed: convert; changed: now",
            "details": {"added": ["travel"], "removed": ["convert"], "changed": ["now"]},
        }
    ]


def test_a_server_without_the_tools_that_it_had_is_degraded_until_it_has_some() -> None:
    still = {**steps()["containers"], **NOTHING}
    runs = Runs().then(probe=probed(echo={"say": "e"}, time={"now": "a", "convert": "b"}))
    without = probed(echo={"say": "e"}, time={})
    for _run in range(2):
        state = runs.state(containers=still, probe=without)
        time = next(each for each in state["servers"] if each["name"] == "time")
        assert time["condition"] == "degraded"
        assert time["error"] == (
            "it answers and offers no tools any more; it had convert, now; look at: docker logs mcp-time"
        )
        runs = runs.then(containers=still, probe=without)
    (event,) = runs.events(containers=still, probe=probed(echo={"say": "e"}, time={"now": "a", "convert": "b"}))
    assert event[:2] == ("time", "recovered")


def test_a_server_that_does_not_answer_keeps_the_tools_that_it_had() -> None:
    still = {**steps()["containers"], **NOTHING}
    runs = Runs().then(probe=probed(time={"now": "a"})).then(containers=still, probe=FAILING)
    assert runs.memory.tools_of("time") == ["now"]


def test_a_run_that_could_not_read_its_config_forgets_nothing() -> None:
    runs = Runs().then()
    before = runs.memory
    results = steps(config={"failed": True, "msg": "mcp.config.json: line 3: is not JSON"})
    assert remembered(state_of(config=results["config"]), results, {}, before) == before


def test_runs_of_the_timer_that_say_the_same_are_one_report() -> None:
    still = {**steps()["containers"], **NOTHING}
    runs = Runs().then()
    first = runs.report(trigger="timer", containers=still)
    runs = runs.then(containers=still)
    second = runs.report(trigger="timer", containers=still)
    one = folded(first, second)
    assert one is not None
    assert (one["id"], one["last_id"], one["runs"]) == (first["id"], second["id"], 2)
    assert (one["started"], one["finished"]) == (first["started"], second["finished"])


@pytest.mark.parametrize("trigger", ["hand", "request 4711", "edit", "setup"])
def test_what_somebody_has_started_has_a_report_of_its_own(trigger: str) -> None:
    still = {**steps()["containers"], **NOTHING}
    runs = Runs().then()
    first = runs.report(trigger=trigger, containers=still)
    assert folded(first, runs.then(containers=still).report(trigger=trigger, containers=still)) is None


def test_a_run_that_finds_something_else_has_a_report_of_its_own() -> None:
    still = {**steps()["containers"], **NOTHING}
    runs = Runs().then()
    first = runs.report(trigger="timer", containers=still)
    assert folded(first, runs.then(containers=still).report(trigger="timer", containers=still, probe=FAILING)) is None


@pytest.mark.parametrize("last", [None, {}, {"version": 1}, {"version": 7, "trigger": "timer"}])
def test_what_is_no_report_is_not_counted_further(last: Any) -> None:
    assert folded(last, Runs().report(trigger="timer")) is None


def test_a_report_has_the_plan_the_reasons_and_the_difference() -> None:
    containers = {**steps()["containers"], "diff": {"before": "time: absent\n", "after": "time: mcp/time\n"}}
    found = Runs().report(containers=containers)
    assert found["plan"] == [
        {"step": "containers", "server": "time", "action": "create", "reason": "no container bears its label"}
    ]
    assert found["diff"].splitlines()[3:] == ["-time: absent", "+time: mcp/time"]


def test_a_report_is_never_larger_than_its_bound() -> None:
    state = state_of()
    long = [{**action("create", "r" * 900, f"s{number}"), "before": {"x": "y" * 3000}} for number in range(2000)]
    found = record_of(
        {**state, "errors": [{"server": "s", "step": "probe", "message": "m" * 1000}] * 2000}, long, [], [], "timer"
    )
    assert len(str(found)) < LARGEST_RECORD
    assert found["more_actions"] + len(found["plan"]) == 2000


@pytest.mark.parametrize("broken", [None, [], {}, {"version": 1, "servers": {"time": {"condition": 4}, "x": []}}])
def test_a_memory_that_cannot_be_read_is_none(broken: Any) -> None:
    assert memory_from(broken) == Memory()


def test_a_memory_comes_back_as_it_was_written() -> None:
    memory = Runs().then(probe=probed(time={"now": "a"})).memory
    assert memory_from(memory.to_dict()) == memory


def test_a_run_that_nobody_names_is_one_by_hand_and_a_name_is_one_line() -> None:
    assert trigger_of("") == "hand"
    assert trigger_of(None) == "hand"
    assert trigger_of("watcher: mcp-time\ndied") == "watcher: mcp-time died"


def test_no_event_is_told_of_a_report_that_nothing_is_known_before() -> None:
    results = steps(containers={**steps()["containers"], **NOTHING})
    state = state_of(containers=results["containers"])
    after = remembered(state, results, SETTINGS, Memory())
    assert report_of_run(state, results, Memory(), after, "timer")[1] == []
