# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replaced containers finish their sessions: who stays, for how long, and who does not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.draining import MOST, kept_for_sessions
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import sessions_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.reconcile import DesiredFleet, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import (
    ENVIRONMENT,
    POLICY,
    host_of,
    run,
    spec,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)

OLD = spec("a", transport="stdio", command=("old",))
NEW = spec("a", transport="stdio", command=("new",))


class Fleet:
    """A fleet of one server, whose bridges hold so many sessions by port; None is a bridge that does not answer."""

    def __init__(self) -> None:
        self.engine = SimulatedEngine()
        self.sessions: dict[int, int | None] = {}

    def converge(self, *specs: Spec) -> dict[str, Any]:
        return run(self.engine, specs)

    def retire(self, *specs: Spec, draining: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        host = replace(host_of(self.engine), ask_sessions=lambda address, port: self.sessions[port])
        desired = DesiredFleet(specs, POLICY, ENVIRONMENT, retire=True, draining=draining or {}, **more)
        return reconcile(desired, host)

    def ports(self) -> set[int]:
        return {int(each["Config"]["Labels"]["mcp_port"]) for each in self.engine.of_fleet("f")}


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def rolled(fleet: Fleet) -> tuple[int, int]:
    """The ports of the replaced container and of the one that serves now."""
    (old,) = fleet.converge(OLD)["endpoints"]
    (new,) = fleet.converge(NEW)["endpoints"]
    assert (new["keeps_sessions"], list(new["superseded"])) == (True, [old["port"]])
    return old["port"], new["port"]


def test_a_replaced_container_stays_until_its_sessions_have_ended(fleet: Fleet) -> None:
    old, new = rolled(fleet)
    fleet.sessions[old] = 3

    first = fleet.retire(NEW, draining={"a": {old}})

    assert (first["changed"], fleet.ports()) == (False, {old, new})
    assert first["draining"] == [{"server": "a", "container": "f-a", "sessions": 3}]
    assert fleet.converge(NEW)["retire_needed"]
    fleet.sessions[old] = 0
    second = fleet.retire(NEW, draining={"a": {old}})
    assert (second["draining"], fleet.ports()) == ([], {new})
    assert [action["action"] for action in second["actions"]] == ["remove", "rename"]


def test_a_drain_that_is_over_ends_what_sessions_are_left(fleet: Fleet) -> None:
    old, new = rolled(fleet)
    fleet.sessions[old] = 3

    fleet.retire(NEW, draining={})

    assert fleet.ports() == {new}


def test_a_bridge_that_does_not_answer_may_hold_a_session(fleet: Fleet) -> None:
    old, new = rolled(fleet)
    fleet.sessions[old] = None

    assert [each["sessions"] for each in fleet.retire(NEW, draining={"a": {old}})["draining"]] == [1]
    assert fleet.ports() == {old, new}


def test_a_session_that_is_about_to_end_is_waited_for(fleet: Fleet) -> None:
    old, new = rolled(fleet)
    counts = iter([2, 1, 0])
    host = replace(host_of(fleet.engine), ask_sessions=lambda address, port: next(counts))

    result = reconcile(DesiredFleet([NEW], POLICY, ENVIRONMENT, retire=True, draining={"a": {old}}), host)

    assert (result["draining"], fleet.ports()) == ([], {new})


def test_a_replica_that_is_no_longer_desired_finishes_its_sessions(fleet: Fleet) -> None:
    (both,) = fleet.converge(replace(OLD, replicas=2))["endpoints"]
    (one,) = fleet.converge(OLD)["endpoints"]
    (gone,) = set(both["ports"]) - set(one["ports"])
    assert list(one["superseded"]) == [gone]
    fleet.sessions[gone] = 1

    fleet.retire(OLD, draining={"a": {gone}})
    assert fleet.ports() == set(both["ports"])
    fleet.retire(OLD)
    assert fleet.ports() == set(one["ports"])


def test_a_server_that_is_removed_or_disabled_is_not_drained(fleet: Fleet) -> None:
    old, new = rolled(fleet)
    fleet.sessions = {old: 2, new: 2}

    off = fleet.retire(replace(NEW, enabled=False), draining={"a": {old}})
    assert off["draining"] == []
    fleet.retire(draining={"a": {old, new}})
    assert fleet.ports() == set()


def test_a_return_to_the_former_entry_takes_its_container_back_with_its_sessions(fleet: Fleet) -> None:
    old, new = rolled(fleet)
    fleet.sessions = {old: 1, new: 1}
    fleet.retire(NEW, draining={"a": {old}})

    (again,) = fleet.converge(OLD)["endpoints"]
    assert (again["port"], list(again["superseded"])) == (old, [new])
    fleet.retire(OLD, draining={"a": {new}})
    assert fleet.ports() == {old, new}


def test_servers_without_sessions_of_their_own_have_nothing_to_drain(fleet: Fleet) -> None:
    for more in ({"isolation": "pooled"}, {"isolation": "shared"}):
        (endpoint,) = fleet.converge(spec("a", transport="stdio", **more))["endpoints"]
        assert not endpoint["keeps_sessions"]
    (endpoint,) = fleet.converge(spec("b"))["endpoints"]
    assert (endpoint["keeps_sessions"], list(endpoint["superseded"])) == (False, [])


def test_only_so_many_containers_of_a_replica_drain_at_a_time_and_the_newest_stay() -> None:
    found = [Container(f"c{number}", "n", "a", "g", created=float(number), draining=1) for number in range(MOST + 2)]
    found.append(Container("idle", "n", "a", "g", created=99.0))
    assert [each.id for each in kept_for_sessions(found)] == [f"c{number}" for number in range(MOST + 1, 1, -1)]


@contextmanager
def health(status: int, body: bytes) -> Iterator[int]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "report", "sessions"),
    [
        (200, {"sessions": 3, "calls_in_flight": 1}, 3),
        (503, {"sessions": 0, "calls_in_flight": 2}, 2),
        (200, {"state": "ok"}, None),
        (200, ["sessions"], None),
    ],
)
def test_a_bridge_is_asked_for_its_sessions_and_calls(status: int, report: Any, sessions: int | None) -> None:
    with health(status, json.dumps(report).encode()) as port:
        assert sessions_of("127.0.0.1", port) == sessions


def test_what_is_no_bridge_says_nothing_of_sessions() -> None:
    with health(200, b"<html>") as port:
        assert sessions_of("127.0.0.1", port) is None
    assert sessions_of("127.0.0.1", port) is None
