# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whichever call of a run breaks, and however: the next run ends where an unbroken one would have."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb import reconcile as converge_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError, ApiError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import FakeElbv2
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.scenes import (
    OWNER,
    Ports,
    RouteDraw,
    desired_for,
    pass_time,
    run,
)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """One thread, so that the n-th call is the same call every time."""
    monkeypatch.setattr(converge_module, "THREADS", 1)


def route(name: str, path: str = "", generation: int = 0, replicas: int = 1, strip_prefix: bool = False) -> RouteDraw:
    return RouteDraw(name, path or f"/mcp/{name}", generation, replicas, strip_prefix, None)


CHANGES = {
    "three new routes": ([], [route("alpha"), route("beta", strip_prefix=True), route("gamma")]),
    "a new container on a new port": ([route("alpha"), route("beta")], [route("alpha", generation=1), route("beta")]),
    "another kind of target": ([route("alpha")], [route("alpha", generation=1, strip_prefix=True)]),
    "all of it removed": ([route("alpha"), route("beta", strip_prefix=True)], []),
    "replicas rolled": ([route("alpha", replicas=2)], [route("alpha", generation=1, replicas=2)]),
    "a removed server": ([route("alpha"), route("beta")], [route("beta")]),
    "two servers that swap their paths": (
        [route("alpha", "/a"), route("beta", "/b")],
        [route("alpha", "/b"), route("beta", "/a")],
    ),
    "a path inside another's": ([route("alpha", "/a")], [route("alpha", "/a"), route("beta", "/a/b")]),
    "everything at once": (
        [route("alpha", "/a"), route("beta", "/b", strip_prefix=True), route("gamma", "/c")],
        [route("beta", "/a"), route("gamma", "/c", generation=1), route("delta", "/c/d")],
    ),
}
FAULTS = {
    "refused": ("AccessDenied", False),
    "cut off": ("EndpointConnectionError", True),
    "throttled": ("ThrottlingException", False),
    "internal failure": ("InternalFailure", False),
}


def start(before: list[RouteDraw], after: list[RouteDraw]) -> tuple[FakeElbv2, DesiredRoutes]:
    elbv2 = FakeElbv2()
    ports = Ports(elbv2)
    run(elbv2, desired_for(before, ports))
    desired = desired_for(after, ports)
    pass_time(elbv2, 10)
    elbv2.calls.clear()
    return elbv2, desired


def end_state(elbv2: FakeElbv2) -> dict[str, Any]:
    """What can be seen when all is quiet; of the priorities only the order, since any gap is as good as another."""
    pass_time(elbv2, 60)
    state = elbv2.snapshot()
    in_order = sorted(state["rules"], key=lambda rule: int(rule[0]))
    return {**state, "rules": [rule[1:] for rule in in_order]}


def break_call(elbv2: FakeElbv2, index: int, fault: str, done: bool) -> None:
    """Let the call of this index fail: before anything came of it, or (``done``) when only its answer is lost."""
    code, is_fatal = FAULTS[fault]
    count = [0]

    def broken(operation: str) -> ApiError:
        return ApiError(operation, code, f"{operation} {fault}", is_fatal)

    def before_call(operation: str, arguments: Mapping[str, Any]) -> None:
        count[0] += 1
        if count[0] == index + 1 and (not done or operation.startswith("describe_")):
            raise broken(operation)

    def after_change(operation: str) -> None:
        if count[0] == index + 1 and done:
            raise broken(operation)

    elbv2.before_call, elbv2.after_change = before_call, after_change


def repair(elbv2: FakeElbv2) -> None:
    elbv2.before_call = lambda operation, arguments: None
    elbv2.after_change = lambda operation: None


@pytest.mark.parametrize("done", [False, True], ids=["not done", "answer lost"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_run_after_a_broken_one_ends_where_an_unbroken_one_does(change, fault, done):
    whole, desired = start(*CHANGES[change])
    run(whole, desired)
    calls = len(whole.calls)
    wanted = end_state(whole)
    differing = {}

    for index in range(calls):
        elbv2, desired = start(*CHANGES[change])
        break_call(elbv2, index, fault, done)
        with contextlib.suppress(AlbError):
            run(elbv2, desired)
        repair(elbv2)
        pass_time(elbv2, 60)
        result = run(elbv2, desired)
        if result.errors or end_state(elbv2) != wanted:
            differing[index, whole.calls[index][0]] = (result.errors, elbv2.snapshot())

    assert differing == {}
    assert calls > 4


@pytest.mark.parametrize("change", CHANGES)
def test_a_broken_call_is_told_or_made_up_for(change):
    whole, desired = start(*CHANGES[change])
    run(whole, desired)
    silent = []

    for index in range(len(whole.calls)):
        elbv2, desired = start(*CHANGES[change])
        break_call(elbv2, index, "internal failure", done=False)
        try:
            told = bool(run(elbv2, desired).errors)
        except AlbError:
            told = True
        repair(elbv2)
        if not told and (run(elbv2, desired, is_full=True, is_check=True).actions or elbv2.served_by("/nowhere")):
            silent.append((index, whole.calls[index][0]))

    assert silent == []


def test_one_broken_route_does_not_keep_the_others_from_converging():
    elbv2, desired = start([], [route("alpha"), route("beta"), route("gamma")])

    def refuse(operation: str, arguments: Mapping[str, Any]) -> None:
        if operation == "create_target_group" and "beta" in arguments["Name"]:
            raise ApiError(operation, "AccessDenied", "not allowed")

    elbv2.before_call = refuse

    result = run(elbv2, desired)

    assert list(result.errors) == ["beta"]
    assert elbv2.served_by("/mcp/alpha") == {"alpha"}
    assert elbv2.served_by("/mcp/gamma") == {"gamma"}
    assert not any(OWNER.last_applied_tag in tags for tags in elbv2.tags.values())


def test_without_credentials_no_further_call_is_made():
    elbv2, desired = start([], [route("alpha"), route("beta"), route("gamma")])

    def refuse(operation: str, arguments: Mapping[str, Any]) -> None:
        if operation == "create_target_group":
            raise ApiError(operation, "ExpiredToken", "expired", is_fatal=True)

    elbv2.before_call = refuse

    result = run(elbv2, desired)

    assert set(result.errors) == {"alpha", "beta", "gamma"}
    assert [operation for operation, arguments in elbv2.calls].count("create_target_group") == 1
