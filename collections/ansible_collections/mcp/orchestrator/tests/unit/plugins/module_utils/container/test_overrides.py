# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that an operator has stopped or restarted by a request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import run, spec, whole_run
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)

BY = "by admin at 2026-11-29 01:20 UTC"


def running(engine: SimulatedEngine) -> list[str]:
    return sorted(each["Id"] for each in engine.of_fleet("f") if each["State"]["Status"] == "running")


def actions(result: dict[str, Any]) -> list[str]:
    return [each["action"] for each in result["actions"]]


@pytest.mark.parametrize("more", [{}, {"replicas": 2}, {"transport": "stdio"}])
def test_a_stopped_server_loses_its_target_first_and_then_its_containers(more: dict[str, Any]) -> None:
    engine = SimulatedEngine()
    wanted = spec("a", **more)
    whole_run(engine, [wanted])
    stopped = [replace(wanted, stopped=BY)]
    before = running(engine)
    converged = run(engine, stopped)
    assert running(engine) == before
    (endpoint,) = converged["endpoints"]
    assert (endpoint["state"], endpoint["ports"], endpoint["superseded"]) == ("stopped", [], [])
    assert converged["retire_needed"]
    retired = run(engine, stopped, retire=True)
    assert set(actions(retired)) == {"stop"}
    assert f"stop — stopped {BY}" in retired["diff"]["after"]
    assert not running(engine)
    again = run(engine, stopped)
    assert not again["changed"]
    assert not again["retire_needed"]
    whole_run(engine, [wanted])
    assert running(engine) == before


def test_a_stopped_server_without_a_container_gets_none() -> None:
    engine = SimulatedEngine()
    converged, _retired = whole_run(engine, [replace(spec("a"), stopped=BY)])
    (endpoint,) = converged["endpoints"]
    assert (endpoint["state"], endpoint["container"], endpoint["port"]) == ("stopped", None, None)
    assert not engine.of_fleet("f")


def test_a_restart_makes_one_new_container_of_the_same_generation() -> None:
    engine = SimulatedEngine()
    wanted = spec("a")
    whole_run(engine, [wanted])
    (old,) = running(engine)
    restarted: list[Spec] = [replace(wanted, restarted="r1")]
    converged = run(engine, restarted)
    assert actions(converged) == ["recreate"]
    assert converged["actions"][0]["reason"] == "request r1 asks for a new one"
    assert old in running(engine)  # it serves until the routes have moved
    run(engine, restarted, retire=True)
    (new,) = running(engine)
    assert new != old
    assert converged["endpoints"][0]["generation"] == wanted.generation
    for later in (restarted, [wanted]):  # once, and not again when the override is cleared
        assert not any(each["changed"] for each in whole_run(engine, later))
