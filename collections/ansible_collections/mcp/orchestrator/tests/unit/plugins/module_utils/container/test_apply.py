# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run makes of failures."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import EngineError, EngineUnreachable
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import LONGEST_PAUSE, QUARANTINE_AFTER
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.ports import probe_order
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import (
    POLICY,
    SECRET,
    run,
    spec,
    stranger,
    whole_run,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)


def only(fault: EngineError, subject: str) -> Callable[[str], None]:
    """A fault for calls about one subject, as the engine names it."""

    def strike(told: str) -> None:
        if told.startswith(subject):
            raise fault

    return strike


def messages(result: dict[str, Any]) -> dict[str | None, str]:
    return {error["server"]: error["message"] for error in result["errors"]}


def states(result: dict[str, Any]) -> dict[str, str]:
    return {endpoint["name"]: endpoint["state"] for endpoint in result["endpoints"]}


def rolled(engine: SimulatedEngine) -> Any:
    """A fleet whose server a is to become another generation, which never answers."""
    whole_run(engine, [spec("a")])
    new = spec("a", memory=2**27)
    engine.sick = {new.generation}
    return new


def test_one_server_that_cannot_be_made_does_not_stop_the_others() -> None:
    engine = SimulatedEngine()
    engine.faults["create"] = only(EngineError("no space left on device"), "f-a")
    result = run(engine, [spec("a"), spec("b")])
    assert messages(result) == {"a": "no space left on device"}
    assert states(result) == {"a": "failed", "b": "running"}


def test_a_stranger_with_our_name_is_an_error_with_the_way_out() -> None:
    engine = SimulatedEngine()
    stranger(engine, "f-a")
    result = run(engine, [spec("a"), spec("b")])
    assert "the name f-a is taken by a container that is not of fleet f; rename it" in messages(result)["a"]
    assert states(result)["b"] == "running"


def test_a_stranger_s_network_with_our_name_is_left_alone() -> None:
    engine = SimulatedEngine()
    engine.nets["f-net"] = {"Id": "theirs", "Labels": {}, "Options": {}}
    converged, retired = whole_run(engine, [spec("a")])
    assert "a network f-net exists that is not of fleet f" in messages(converged)["a"]
    assert [each["action"] for each in (*converged["actions"], *retired["actions"])] == ["write_rules"]
    assert engine.nets["f-net"]["Id"] == "theirs"


def test_a_port_stolen_between_plan_and_start_is_replaced_by_another() -> None:
    engine = SimulatedEngine()
    strikes = iter([EngineError("port is already allocated", port_taken=True)])

    def stolen(subject: str) -> None:
        for strike in strikes:
            raise strike

    engine.faults["start"] = stolen
    result = run(engine, [spec("a")])
    planned = result["actions"][-1]["port"]
    assert result["errors"] == []
    assert result["endpoints"][0]["port"] == planned + 1
    assert len(engine.of_fleet("f")) == 1
    assert run(engine, [spec("a")])["actions"] == []


def test_a_replica_whose_port_is_stolen_gets_the_next_one_of_its_own_order() -> None:
    engine = SimulatedEngine()
    strikes = iter([None, EngineError("port is already allocated", port_taken=True)])

    def stolen(subject: str) -> None:
        strike = next(strikes, None)
        if strike is not None:
            raise strike

    engine.faults["start"] = stolen
    result = run(engine, [spec("a", replicas=2)])
    order = list(probe_order("a.2", POLICY.port_range_start, POLICY.port_range_end))
    first, second = result["endpoints"][0]["ports"]
    assert result["errors"] == []
    assert second == next(port for port in order[1:] if port != first)


def test_a_container_that_cannot_start_is_not_left_behind() -> None:
    engine = SimulatedEngine()
    engine.faults["start"] = only(EngineError("exec: nope: not found"), "")
    result = run(engine, [spec("a")])
    assert messages(result) == {"a": "exec: nope: not found"}
    assert engine.of_fleet("f") == []


def test_a_new_generation_that_fails_goes_and_the_old_one_serves_on() -> None:
    engine = SimulatedEngine()
    new = rolled(engine)
    engine.written = ["first", "cannot bind"]
    old = engine.of_fleet("f")[0]
    result = run(engine, [new])
    assert engine.of_fleet("f") == [old]
    assert result["endpoints"][0]["container"] == old["Id"]
    assert result["endpoints"][0]["state"] == "running"
    said = messages(result)["a"]
    assert "status 503: GET http://127.0.0.1:" in said
    assert f"generation {spec('a').generation} keeps serving; its last lines: first | cannot bind" in said


def test_a_secret_in_a_failing_server_s_log_is_blackened() -> None:
    engine = SimulatedEngine()
    new = rolled(engine)
    engine.written = [f"bad token {SECRET}"]
    assert messages(run(engine, [new]))["a"].endswith("bad token ***")


def test_many_containers_that_start_at_once_get_more_time_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    specs = [spec(f"s{number}") for number in range(12)]
    for started, seconds in ((specs, 180), (specs[:1], 60)):
        engine = SimulatedEngine()
        engine.sick = {each.generation for each in specs}
        said = messages(run(engine, started))
        assert len(said) == len(started)
        assert all(f"should give 200 within {seconds} s" in each for each in said.values()), said


def test_many_containers_that_the_engine_has_started_at_once_get_as_much_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    engine = SimulatedEngine()
    specs = [spec(f"s{number}") for number in range(12)]
    assert run(engine, specs)["errors"] == []
    engine.sick = {each.generation for each in specs}  # the host has booted, and none of them has come yet
    for container in engine.of_fleet("f"):
        container["State"]["Health"] = {"Status": "starting", "FailingStreak": 0, "Log": []}
    said = messages(run(engine, specs))
    assert len(said) == len(specs)
    assert all("should give 200 within 180 s" in each for each in said.values()), said


def test_a_first_container_that_does_not_answer_stays_to_be_looked_at() -> None:
    engine = SimulatedEngine()
    engine.sick = {spec("a").generation}
    for _run in range(3):
        result = run(engine, [spec("a")])
        assert states(result) == {"a": "failed"}
        assert "status 503" in messages(result)["a"]
        assert len(engine.of_fleet("f")) == 1


def test_a_server_that_keeps_failing_is_tried_less_and_less_and_then_quarantined() -> None:
    engine = SimulatedEngine()
    new = rolled(engine)
    tries = 0
    pauses: list[float] = []
    last = engine.clock.time
    while tries < QUARANTINE_AFTER + 1:
        result = run(engine, [new])
        if result["actions"]:
            tries += 1
            pauses.append(engine.clock.time - POLICY.health_timeout - last)
            last = engine.clock.time
        else:
            assert "to try at once: docker volume rm f-a.failures" in messages(result)["a"]
            assert states(result) == {"a": "running"}
            (postponed,) = result["postponed"]
            assert (postponed["count"], postponed["quarantined"]) == (tries, tries >= QUARANTINE_AFTER)
            assert f"the next try is due at {postponed['next_try']}" in messages(result)["a"]
            engine.clock.time += 10
    assert pauses[1] == 0
    assert pauses[2:] == sorted(pauses[2:])
    assert pauses[-1] >= 3600
    assert "it is in quarantine: it failed 6 times" in messages(run(engine, [new]))["a"]


@pytest.mark.parametrize("release", ["changed spec", "volume removed", "time"])
def test_a_quarantined_server_is_released(release: str) -> None:
    engine = SimulatedEngine()
    new = rolled(engine)
    for _try in range(QUARANTINE_AFTER):
        run(engine, [new])
        engine.clock.time += 1800
    assert run(engine, [new])["actions"] == []
    engine.sick = set()
    if release == "volume removed":
        engine.remove_volume("f-a.failures")
    elif release == "time":
        engine.clock.time += LONGEST_PAUSE
    else:
        new = spec("a", memory=2**28)
    result = run(engine, [new])
    assert (result["errors"], result["postponed"]) == ([], [])
    assert result["endpoints"][0]["generation"] == new.generation


def test_the_first_failure_is_tried_again_by_the_very_next_run() -> None:
    engine = SimulatedEngine()
    engine.clock.time += 0.7
    new = rolled(engine)
    run(engine, [new])
    engine.sick = set()
    assert run(engine, [new])["errors"] == []


def test_a_container_that_cannot_be_stopped_is_removed_all_the_same() -> None:
    engine = SimulatedEngine()
    whole_run(engine, [spec("a")])
    engine.faults["stop"] = only(EngineError("container state improper"), "")
    assert run(engine, [], retire=True)["errors"] == []
    assert engine.of_fleet("f") == []


def test_memories_of_servers_that_are_gone_go_too() -> None:
    engine = SimulatedEngine()
    new = rolled(engine)
    run(engine, [new])
    assert list(engine.kept) == ["f-a.failures"]
    run(engine, [new], retire=True)
    assert list(engine.kept) == ["f-a.failures"]
    run(engine, [], retire=True)
    assert engine.kept == {}


def test_an_engine_that_dies_midway_fails_each_server_with_that_reason() -> None:
    engine = SimulatedEngine()
    dead = EngineUnreachable("no Docker engine answers")
    engine.faults["create"] = only(dead, "")
    result = run(engine, [spec("a"), spec("b")])
    assert messages(result) == {"a": "no Docker engine answers", "b": "no Docker engine answers"}
    engine.faults.clear()
    assert run(engine, [spec("a"), spec("b")])["errors"] == []


def test_a_server_whose_entry_is_wrong_is_left_as_it_is() -> None:
    engine = SimulatedEngine()
    whole_run(engine, [spec("a"), spec("b")])
    result = run(engine, [spec("b")], retire=True, protected=["a"])
    assert result["actions"] == []
    assert len(engine.of_fleet("f")) == 2


def test_env_that_changed_since_the_config_was_read_is_an_error_of_that_server() -> None:
    changed = spec("a", env={"TOKEN": "0" * 16})
    result = run(SimulatedEngine(), [changed, spec("b")])
    assert messages(result) == {"a": "env TOKEN changed during the run; the next run applies it"}


def test_replicas_are_replaced_one_after_the_other_and_the_first_failure_ends_it() -> None:
    engine = SimulatedEngine()
    whole_run(engine, [spec("a", replicas=3)])
    new = spec("a", replicas=3, memory=2**27)
    engine.sick = {new.generation}
    before = {each["Id"] for each in engine.of_fleet("f")}
    result = run(engine, [new])
    assert [each["action"] for each in result["actions"]] == ["recreate"]
    assert {each["Id"] for each in engine.of_fleet("f")} == before
    assert len(result["endpoints"][0]["ports"]) == 3


def test_fewer_replicas_keep_the_first_ones() -> None:
    engine = SimulatedEngine()
    whole_run(engine, [spec("a", replicas=3)])
    ports = run(engine, [spec("a", replicas=1)])["endpoints"][0]["ports"]
    retired = run(engine, [spec("a", replicas=1)], retire=True)
    assert sorted(each["target"] for each in retired["actions"]) == ["f-a.2", "f-a.3"]
    assert ports == retired["endpoints"][0]["ports"]


def test_a_desired_priority_reaches_the_routes_without_a_new_container() -> None:
    engine = SimulatedEngine()
    whole_run(engine, [spec("a")])
    result = run(engine, [spec("a", priority=7)])
    assert (result["endpoints"][0]["priority"], result["actions"]) == (7, [])
