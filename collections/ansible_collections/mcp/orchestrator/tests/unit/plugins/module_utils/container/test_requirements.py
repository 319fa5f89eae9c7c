# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What servers require: brought up before them, each until its condition is met, and kept."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import EngineError
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import (
    POLICY,
    SECRET,
    VALUES,
    database,
    required,
    run,
    spec,
    stranger,
    whole_run,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    Killed,
    SimulatedEngine,
)


def server(**more: Any) -> Spec:
    return spec("a", **{"requires": database("a"), **more})


def done(*results: dict[str, Any]) -> list[tuple[str | None, str]]:
    return [(each["server"], each["action"]) for result in results for each in result["actions"]]


def states(result: dict[str, Any]) -> list[tuple[str, str]]:
    (endpoint,) = result["endpoints"]
    return [(each["name"], each["state"]) for each in endpoint["requires"]]


def test_steps_and_dependencies_start_in_their_order_before_the_server() -> None:
    engine = SimulatedEngine()
    result = run(engine, [server()])
    assert result["errors"] == []
    assert engine.started == ["f-a.init", "f-a.db", "f-a.schema", "f-a"]
    assert states(result) == [("init", "completed"), ("db", "healthy"), ("schema", "completed")]
    assert [each["Name"] for each in engine.of_fleet("f")] == ["f-a.db", "f-a"]
    assert done(run(engine, [server()]), run(engine, [server()], retire=True)) == []


def test_a_step_is_not_run_again_because_one_behind_it_has_a_volume_more() -> None:
    needed = database("a")
    needed[1] = required("a", "db", volumes=["a-data:/data", "a-socket:/run"])
    servers = [server(requires=needed)]
    engine = SimulatedEngine()
    run(engine, servers)
    assert done(run(engine, servers)) == []


def test_only_the_server_and_what_it_requires_are_in_their_network_which_leads_nowhere() -> None:
    engine = SimulatedEngine()
    run(engine, [server(), spec("b")])
    joined = {each["Name"]: list(each["NetworkSettings"]["Networks"]) for each in engine.of_fleet("f")}
    assert joined == {"f-a.db": ["f-a.net"], "f-a": ["f-net", "f-a.net"], "f-b": ["f-net"]}
    assert engine.nets["f-a.net"]["Options"]["com.docker.network.bridge.enable_ip_masquerade"] == "false"
    (inside,) = POLICY.with_private([server()]).private_bridges
    assert [rule for rule in engine.kept_rules.filter_rules if f"-i {inside}" in rule] == [
        f"-A MCP-f -i {inside} -o {inside} -j RETURN"
    ]


def test_a_requirement_is_as_confined_as_a_server_and_publishes_nothing() -> None:
    engine = SimulatedEngine()
    run(engine, [server()])
    database_container = next(each for each in engine.held.values() if each["Name"] == "f-a.db")
    host = database_container["HostConfig"]
    assert (host["CapDrop"], host["ReadonlyRootfs"], host.get("PortBindings")) == (["ALL"], True, None)
    found = database_container["Config"]["Labels"]
    assert (found[labels.SERVICE], found[labels.REQUIRED_BY], labels.PORT in found) == ("a.db", "a", False)


def test_a_failing_step_holds_back_what_is_behind_it_and_no_other_server() -> None:
    engine = SimulatedEngine()
    engine.exits["f-a.init"] = 3
    engine.written = ["cannot write"]
    result = run(engine, [server(), spec("b")])
    (error,) = result["errors"]
    assert error["server"] == "a"
    assert error["message"] == "orchestrator.requires.init: it ended with exit code 3; its last lines: cannot write"
    assert engine.started == ["f-a.init", "f-b"] or engine.started == ["f-b", "f-a.init"]
    first = next(each for each in result["endpoints"] if each["name"] == "a")
    assert [each["state"] for each in first["requires"]] == ["failed", "waiting", "waiting"]


def test_a_step_that_failed_twice_waits_before_it_is_tried_again() -> None:
    engine = SimulatedEngine()
    engine.exits["f-a.init"] = 3
    for _run in range(2):
        whole_run(engine, [server()])
    (error,) = run(engine, [server()])["errors"]
    assert "orchestrator.requires.init: the next try is postponed" in error["message"]
    assert "docker volume rm f-a.init.failures" in error["message"]
    assert engine.started.count("f-a.init") == 2
    engine.exits.clear()
    engine.clock.time += 3600
    assert run(engine, [server()])["errors"] == []


def test_a_dependency_that_is_not_well_in_time_is_told_with_its_command() -> None:
    engine = SimulatedEngine()
    engine.exits["f-a.db"] = 2
    (error,) = run(engine, [server()])["errors"]
    assert error["message"].startswith("orchestrator.requires.db: it is not well within 30 s: check ends with 2")


def test_a_server_that_serves_goes_on_while_what_it_requires_fails() -> None:
    engine = SimulatedEngine()
    run(engine, [server()])
    engine.remove(next(each["Id"] for each in engine.held.values() if each["Name"] == "f-a.db"))

    def full(name: str) -> None:
        raise EngineError(f"{name}: no space left")

    engine.faults["create"] = full
    result = run(engine, [server()])
    (endpoint,) = result["endpoints"]
    assert (endpoint["state"], len(result["errors"])) == ("running", 1)


def test_a_lost_dependency_comes_back_without_its_steps_and_its_server_stays() -> None:
    engine = SimulatedEngine()
    run(engine, [server()])
    engine.remove(next(each["Id"] for each in engine.held.values() if each["Name"] == "f-a.db"))
    assert done(*whole_run(engine, [server()])) == [("a.db", "create")]


def test_steps_run_again_when_they_change_or_their_data_is_another() -> None:
    engine = SimulatedEngine()
    run(engine, [server()])
    changed = database("a")
    changed[2] = required("a", "schema", condition="completed", command=["other"])
    assert done(run(engine, [server(requires=changed)])) == [("a.schema", "run")]

    engine.remove(next(each["Id"] for each in engine.held.values() if each["Name"] == "f-a.db"))
    engine.remove_volume("a-data")
    result = run(engine, [server(requires=changed)])
    assert done(result) == [("a.init", "run"), ("a.db", "create"), ("a.schema", "run")]
    assert result["actions"][0]["reason"] == "the data on which it has run is gone"


@pytest.mark.parametrize("calls", range(24))
def test_a_run_that_is_cut_short_at_any_call_is_made_good_and_a_step_that_ended_does_not_run_again(calls: int) -> None:
    engine = SimulatedEngine()
    engine.calls_left = calls
    with contextlib.suppress(Killed):
        run(engine, [server()])
    engine.calls_left = None
    ended = [each["Name"] for each in engine.held.values() if each["State"]["Status"] == "exited"]
    before = list(engine.started)
    assert run(engine, [server()])["errors"] == []
    assert not set(ended) & set(engine.started[len(before) :])
    assert [each["Name"] for each in engine.of_fleet("f")] == ["f-a.db", "f-a"]
    assert done(*whole_run(engine, [server()])) == []


def test_what_is_required_no_longer_goes_with_its_network_and_its_data_stays_as_it_is() -> None:
    engine = SimulatedEngine()
    run(engine, [server()])
    whole_run(engine, [spec("a")])
    whole_run(engine, [spec("a")])
    assert [each["Name"] for each in engine.of_fleet("f")] == ["f-a"]
    assert "f-a.net" not in engine.nets
    assert sorted(engine.kept) == ["a-data", "f-a.init.done", "f-a.schema.done"]
    assert done(*whole_run(engine, [spec("a")])) == []

    # Put back, it finds its data as the steps have left it; without it nothing is left to remember.
    assert [each for each in done(run(engine, [server()])) if each[1] == "run"] == []
    whole_run(engine, [])
    engine.remove_volume("a-data")
    whole_run(engine, [])
    assert engine.kept == {}


def test_a_server_that_is_stopped_or_disabled_stops_what_it_requires() -> None:
    engine = SimulatedEngine()
    run(engine, [server()])
    whole_run(engine, [replace(server(), stopped="by anna")])
    assert {each["State"]["Status"] for each in engine.of_fleet("f")} == {"exited"}
    assert run(engine, [server()])["errors"] == []
    assert {each["State"]["Status"] for each in engine.of_fleet("f")} == {"running"}
    whole_run(engine, [server(enabled=False)])
    assert {each["State"]["Status"] for each in engine.of_fleet("f")} == {"exited"}


def test_nothing_of_a_server_whose_entry_is_wrong_goes() -> None:
    engine = SimulatedEngine()
    run(engine, [server()])
    assert done(run(engine, [], retire=True, protected=["a"])) == []


def test_a_name_that_is_taken_is_told() -> None:
    engine = SimulatedEngine()
    stranger(engine, "f-a.db")
    (error,) = run(engine, [server()])["errors"]
    assert "orchestrator.requires.db: the name f-a.db is taken" in error["message"]


def test_check_mode_foresees_all_of_it() -> None:
    engine = SimulatedEngine()
    told = run(engine, [server()], check_mode=True)
    assert engine.held == {}
    assert [each for each in done(told) if each[0]] == [
        ("a.init", "run"),
        ("a.db", "create"),
        ("a.schema", "run"),
        ("a", "create"),
    ]
    assert states(told) == [("init", "planned"), ("db", "planned"), ("schema", "planned")]
    assert "a.init (f-a.init):\n  # run — it has not run yet\n" in told["diff"]["after"]


def test_a_secret_of_a_requirement_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = VALUES["a"]["TOKEN"].digest(b"k" * 32, "a.init", "TOKEN")
    monkeypatch.setitem(VALUES, "a.init", VALUES["a"])
    engine = SimulatedEngine()
    engine.exits["f-a.init"] = 1
    engine.written = [f"cannot log in with {SECRET}"]
    needs = [required("a", "init", condition="completed", env={"TOKEN": digest})]
    result = run(engine, [server(requires=needs)])
    assert "cannot log in with ***" in result["errors"][0]["message"]
    assert SECRET not in json.dumps(result)
