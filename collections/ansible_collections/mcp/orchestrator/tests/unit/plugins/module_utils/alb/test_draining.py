# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets that finish their sessions: how long they drain, how long a run waits, and what it says of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.draining import still_draining
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import ApiError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Result
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import FakeElbv2
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.scenes import HOST, OWNER, run

OLD, NEW = 20001, 20002
DELAY, DRAIN = 30, 900


@pytest.fixture
def elbv2() -> FakeElbv2:
    elbv2 = FakeElbv2()
    elbv2.drain_seconds = DRAIN
    for port in (OLD, NEW):
        elbv2.servers[(HOST, port)] = ("/mcp/a/health", False, "a")
    return elbv2


def desired(port: int, *superseded: int, keeps_sessions: bool = True, session_drain: int = DRAIN) -> DesiredRoutes:
    route = Route(
        "a", "/mcp/a", (port,), health_path="/mcp/a/health", keeps_sessions=keeps_sessions, superseded=superseded
    )
    return DesiredRoutes(OWNER, (route,), deregistration_delay=DELAY, session_drain=session_drain)


def delay_of(elbv2: FakeElbv2) -> str:
    (attributes,) = elbv2.attributes.values()
    return attributes["deregistration_delay.timeout_seconds"]


def rolled(elbv2: FakeElbv2) -> tuple[Result, DesiredRoutes]:
    assert run(elbv2, desired(OLD)).errors == {}
    after = desired(NEW, OLD)
    return run(elbv2, after), after


def test_a_run_waits_for_open_requests_and_not_for_sessions(elbv2: FakeElbv2) -> None:
    before = elbv2.clock.time
    result, after = rolled(elbv2)

    assert result.errors == {}
    assert DELAY <= elbv2.clock.time - before < DELAY + 20
    assert still_draining(elbv2, after, result) == {"a": (OLD,)}


def test_a_later_run_has_nothing_to_do_and_knows_when_the_drain_is_over(elbv2: FakeElbv2) -> None:
    after = rolled(elbv2)[1]

    again = run(elbv2, after)
    assert again.actions == []
    assert still_draining(elbv2, after, again) == {"a": (OLD,)}
    elbv2.clock.time += DRAIN
    assert still_draining(elbv2, after, run(elbv2, after)) == {}


def test_a_group_drains_for_its_sessions_only_where_the_server_and_the_balancer_keep_some(elbv2: FakeElbv2) -> None:
    for changes, seconds in (
        ({}, DRAIN),
        ({"keeps_sessions": False}, DELAY),
        ({"session_drain": 0}, DELAY),
        ({"session_drain": 5}, DELAY),
    ):
        run(elbv2, desired(OLD, **changes), is_full=True)
        assert delay_of(elbv2) == str(seconds)


def test_a_plain_load_balancer_is_waited_for_as_ever(elbv2: FakeElbv2) -> None:
    elbv2.drain_seconds = DELAY
    run(elbv2, desired(OLD, session_drain=0))
    after = desired(NEW, OLD, session_drain=0)
    result = run(elbv2, after)

    assert result.errors == {}
    assert still_draining(elbv2, after, result) == {}
    (targets,) = elbv2.targets.values()
    assert set(targets) == {(HOST, NEW)}


def test_a_target_that_is_wanted_again_serves_and_drains_no_more(elbv2: FakeElbv2) -> None:
    rolled(elbv2)
    back = desired(OLD, NEW)
    result = run(elbv2, back)
    assert still_draining(elbv2, back, result) == {"a": (NEW,)}


def test_routes_that_go_do_not_wait_for_sessions(elbv2: FakeElbv2) -> None:
    run(elbv2, desired(OLD))
    before = elbv2.clock.time

    result = run(elbv2, DesiredRoutes(OWNER, (), deregistration_delay=DELAY, session_drain=DRAIN))

    assert (result.errors, elbv2.groups, elbv2.rules) == ({}, {}, {})
    assert elbv2.clock.time - before < DELAY + 20


def test_targets_that_nobody_can_be_asked_about_count_as_draining(elbv2: FakeElbv2) -> None:
    result, after = rolled(elbv2)

    class Silent(FakeElbv2):
        def call(self, operation: str, arguments: Any) -> dict[str, Any]:
            raise ApiError(operation, "Throttling", "slow down")

    assert still_draining(Silent(), after, result) == {"a": (OLD,)}
