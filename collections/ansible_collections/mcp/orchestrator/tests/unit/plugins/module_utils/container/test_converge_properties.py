# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every fleet, every world, every damage and every moment of being killed."""

from __future__ import annotations

import copy
import json
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import (
    POLICY,
    SECRET,
    damages,
    fleets,
    inflict,
    run,
    stranger,
    whole_run,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    Killed,
    SimulatedEngine,
)
from hypothesis import given
from hypothesis import strategies as st

strangers = st.lists(st.sampled_from(["f-a", "f-b", "f-c.2", "x", "f-a-x"]), unique=True, max_size=2)


def world(before: list[Spec], damage: list[tuple[str, int]], others: list[str]) -> SimulatedEngine:
    """An engine with a past: strangers, a fleet of other specs half rolled out, and what happened to it."""
    engine = SimulatedEngine()
    for place, name in enumerate(others):
        stranger(engine, name, 20000 + place, mcp_service="a", mcp_fleet="another")
    run(engine, before)
    inflict(engine, damage)
    return engine


def foreign(engine: SimulatedEngine) -> dict[str, Any]:
    return {
        identity: copy.deepcopy(each)
        for identity, each in engine.held.items()
        if each["Config"]["Labels"].get(labels.FLEET) != POLICY.fleet
    }


def assert_desired_state(engine: SimulatedEngine, specs: list[Spec], errors: list[dict[str, Any]]) -> None:
    """Each server without an error has exactly its containers, and there is no other."""
    failed = {error["server"] for error in errors}
    places: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for each in engine.of_fleet(POLICY.fleet):
        found = each["Config"]["Labels"]
        places.setdefault((found[labels.SERVICE], int(found.get(labels.REPLICA, "1"))), []).append(each)
    for spec in specs:
        for replica in range(1, spec.replicas + 1):
            there = places.pop((spec.name, replica), [])
            if spec.name in failed:
                continue
            if spec.enabled:
                assert [each["Config"]["Labels"][labels.GENERATION] for each in there] == [spec.generation]
                assert [each["State"]["Status"] for each in there] == ["running"]
            else:
                assert len(there) <= 1
                assert all(each["State"]["Status"] != "running" for each in there)
        for each in spec.requirements:
            there = places.pop((each.name, 1), [])
            if spec.enabled and spec.name not in failed:
                wanted = [] if each.is_step else [(each.generation, "running")]
                assert [(one["Config"]["Labels"][labels.GENERATION], one["State"]["Status"]) for one in there] == wanted
            assert spec.enabled or all(one["State"]["Status"] != "running" for one in there)
    assert places == {}
    used = [port for each in engine.of_fleet(POLICY.fleet) for port in engine._ports(each) if engine._runs(each)]
    assert len(used) == len(set(used))


@given(fleets(), fleets(), damages(), strangers)
def test_after_a_run_there_is_nothing_left_to_do(
    before: list[Spec], specs: list[Spec], damage: list[tuple[str, int]], others: list[str]
) -> None:
    engine = world(before, damage, others)
    converged = run(engine, specs)
    again = run(engine, specs)
    assert again["actions"] == []
    assert again["errors"] == converged["errors"]
    run(engine, specs, retire=True)
    assert run(engine, specs, retire=True)["actions"] == []
    last = run(engine, specs)
    assert last["actions"] == []
    assert_desired_state(engine, specs, last["errors"])


@given(fleets(), fleets(), damages(), strangers)
def test_check_mode_tells_what_the_run_then_does_and_touches_nothing(
    before: list[Spec], specs: list[Spec], damage: list[tuple[str, int]], others: list[str]
) -> None:
    engine = world(before, damage, others)
    seen = copy.deepcopy(engine.held)
    for retire in (False, True):
        told = run(engine, specs, check_mode=True, retire=retire)
        assert engine.held == seen
        done = run(engine, specs, retire=retire)
        assert [(each["server"], each["action"], each["reason"]) for each in told["actions"]] == [
            (each["server"], each["action"], each["reason"]) for each in done["actions"]
        ]
        assert [(each["name"], each["port"]) for each in told["endpoints"]] == [
            (each["name"], each["port"]) for each in done["endpoints"]
        ]
        seen = copy.deepcopy(engine.held)


@given(fleets(), fleets(), damages(), strangers)
def test_what_is_not_ours_is_never_in_a_plan_nor_touched(
    before: list[Spec], specs: list[Spec], damage: list[tuple[str, int]], others: list[str]
) -> None:
    engine = world(before, damage, others)
    theirs = foreign(engine)
    for retire in (False, True, False):
        result = run(engine, specs, retire=retire)
        assert {action["container"] for action in result["actions"]} & set(theirs) == set()
    assert foreign(engine) == theirs
    assert engine.nets["other"]["Id"] == "net-other"


@given(fleets(), fleets(), damages(), st.booleans())
def test_no_value_of_env_is_in_any_rendering(
    before: list[Spec], specs: list[Spec], damage: list[tuple[str, int]], sick: bool
) -> None:
    engine = world(before, damage, [])
    engine.written = [f"cannot log in with {SECRET}"]
    engine.sick = {spec.generation for spec in specs} if sick else set()
    for result in (run(engine, specs, check_mode=True), *whole_run(engine, specs)):
        assert SECRET not in json.dumps(result)
    for each in engine.of_fleet(POLICY.fleet):
        assert SECRET not in json.dumps([each["Config"]["Labels"], each["Name"], each["HostConfig"]])


@given(fleets(), fleets(), damages(), strangers, st.integers(0, 40), st.booleans())
def test_a_run_that_was_killed_is_made_good_by_the_next(
    before: list[Spec],
    specs: list[Spec],
    damage: list[tuple[str, int]],
    others: list[str],
    calls: int,
    while_retiring: bool,
) -> None:
    engine = world(before, damage, others)
    try:
        if while_retiring:
            run(engine, specs)
        engine.calls_left = calls
        run(engine, specs, retire=while_retiring)
    except Killed:
        pass
    engine.calls_left = None
    whole_run(engine, specs)
    last = run(engine, specs)
    assert last["actions"] == []
    assert run(engine, specs, retire=True)["actions"] == []
    assert_desired_state(engine, specs, last["errors"])


@given(fleets(), fleets(), damages())
def test_a_container_that_serves_goes_only_when_another_serves_in_its_place(
    before: list[Spec], specs: list[Spec], damage: list[tuple[str, int]]
) -> None:
    engine = world(before, damage, [])
    engine.sick = {spec.generation for spec in specs}
    serving = {
        each["Id"]
        for each in engine.of_fleet(POLICY.fleet)
        if each["State"]["Status"] == "running"
        and each["Config"]["Labels"][labels.GENERATION] not in engine.sick
        and any(spec.enabled and spec.name == each["Config"]["Labels"][labels.SERVICE] for spec in specs)
        and int(each["Config"]["Labels"].get(labels.REPLICA, "1"))
        <= next(spec.replicas for spec in specs if spec.name == each["Config"]["Labels"][labels.SERVICE])
    }
    whole_run(engine, specs)
    assert serving <= set(engine.held)


@given(fleets(), fleets(), damages(), strangers)
def test_retiring_finds_nothing_where_converging_said_that_nothing_is_superseded(
    before: list[Spec], specs: list[Spec], damage: list[tuple[str, int]], others: list[str]
) -> None:
    engine = world(before, damage, others)
    for _run in range(3):
        converged = run(engine, specs)
        seen = copy.deepcopy((engine.held, engine.nets, engine.kept, engine.kept_rules))
        retired = run(engine, specs, retire=True)
        if not converged["retire_needed"]:
            assert (retired["actions"], retired["errors"]) == ([], [])
            assert (engine.held, engine.nets, engine.kept, engine.kept_rules) == seen
    assert run(engine, [], retire=True)["retire_needed"] is False
