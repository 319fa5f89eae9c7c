# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that move between hosts behind one load balancer: each host moves its own targets, and no request is lost."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Result
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.report import hop_result
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import LISTENER, VPC, FakeElbv2
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.scenes import HOST, OTHER_HOST, OWNER, run
from hypothesis import given
from hypothesis import strategies as st

SERVERS = ("alpha", "beta", "gamma")
HOSTS = (HOST, OTHER_HOST)
PORTS = {name: 20000 + number for number, name in enumerate(SERVERS)}
THERE = Owner(OWNER.fleet, LISTENER, OTHER_HOST)

Placement = Mapping[str, set[str]]
"""The hosts that run each server."""


def desired(host: str, placement: Placement) -> DesiredRoutes:
    here = [name for name in sorted(placement) if host in placement[name]]
    routes = tuple(Route(name, f"/mcp/{name}", (PORTS[name],), health_path=f"/mcp/{name}/health") for name in here)
    on_other_hosts = frozenset(placement) - set(here)
    return DesiredRoutes(Owner(OWNER.fleet, LISTENER, host), routes, on_other_hosts=on_other_hosts)


def world() -> FakeElbv2:
    """Two hosts on which all servers answer, as they do while their old containers still run."""
    elbv2 = FakeElbv2()
    for host in HOSTS:
        for name, port in PORTS.items():
            elbv2.servers[(host, port)] = (f"/mcp/{name}/health", False, name)
    return elbv2


def registered(elbv2: FakeElbv2) -> dict[str, set[str]]:
    """Server -> the hosts whose targets are in its groups."""
    found: dict[str, set[str]] = {}
    for arn, targets in elbv2.targets.items():
        staying = {host for host, port in list(targets) if elbv2.state_of(arn, (host, port))[0] != "draining"}
        found.setdefault(elbv2.tags[arn]["mcp_service"], set()).update(staying)
    return found


def handing_over(result: Result, desired: DesiredRoutes) -> list[str]:
    return list(hop_result(desired, result).handing_over)


def test_a_server_that_moves_is_served_by_its_old_host_until_the_new_one_is_healthy() -> None:
    elbv2 = world()
    run(elbv2, desired(HOST, {"alpha": {HOST}}))
    moved: Placement = {"alpha": {OTHER_HOST}}

    first = run(elbv2, desired(HOST, moved))

    assert (first.changed, handing_over(first, desired(HOST, moved))) == (False, ["alpha"])
    assert "served from this host until another host's target is healthy" in " ".join(first.plan.notes)
    run(elbv2, desired(OTHER_HOST, moved))
    elbv2.clock.sleep(60)
    second = run(elbv2, desired(HOST, moved))
    assert [action.name for action in second.actions if action.is_change] == ["deregister_targets", "tag_target_group"]
    assert handing_over(second, desired(HOST, moved)) == []
    assert registered(elbv2) == {"alpha": {OTHER_HOST}}
    assert elbv2.served_by("/mcp/alpha") == {"alpha"}


def test_a_new_host_that_never_becomes_healthy_leaves_the_server_where_it_was() -> None:
    elbv2 = world()
    run(elbv2, desired(HOST, {"alpha": {HOST}}))
    del elbv2.servers[(OTHER_HOST, PORTS["alpha"])]
    moved: Placement = {"alpha": {OTHER_HOST}}
    for _run in range(3):
        run(elbv2, desired(OTHER_HOST, moved))
        result = run(elbv2, desired(HOST, moved))
        elbv2.clock.sleep(60)

    assert handing_over(result, desired(HOST, moved)) == ["alpha"]
    assert elbv2.served_by("/mcp/alpha") == {"alpha"}


def test_beside_servers_of_other_hosts_a_run_with_nothing_to_do_costs_four_calls() -> None:
    elbv2 = world()
    placement: Placement = {"alpha": {HOST}, "beta": {OTHER_HOST}}
    for host in HOSTS * 2:
        run(elbv2, desired(host, placement))
    elbv2.calls.clear()

    result = run(elbv2, desired(HOST, placement))

    assert not result.changed
    assert len(elbv2.calls) == 4


def test_a_server_that_is_no_longer_desired_goes_when_both_hosts_have_run() -> None:
    elbv2 = world()
    for host in HOSTS:
        run(elbv2, desired(host, {"alpha": set(HOSTS)}))
    for host in HOSTS:
        run(elbv2, desired(host, {}))

    assert (elbv2.rules, elbv2.groups) == ({}, {})


def test_a_server_that_moves_to_a_cluster_is_served_by_its_host_until_a_pod_is_healthy() -> None:
    elbv2 = world()
    run(elbv2, desired(HOST, {"alpha": {HOST}}))
    route = Route("alpha", "/mcp/alpha", health_path="/mcp/alpha/health", elsewhere=True)
    moved = DesiredRoutes(Owner(OWNER.fleet, LISTENER, HOST), (route,))

    first = run(elbv2, moved)

    assert (first.changed, handing_over(first, moved)) == (False, ["alpha"])
    run(elbv2, desired(OTHER_HOST, {"alpha": {OTHER_HOST}}))  # as the controller in the cluster registers a pod
    elbv2.clock.sleep(60)
    second = run(elbv2, moved)
    assert handing_over(second, moved) == []
    # Its container is removed after this run, and what is still under way there has to end first.
    draining = [action.name for action in second.actions if "drain" in action.name or "deregister" in action.name]
    assert draining == ["deregister_targets", "wait_drained"]
    assert registered(elbv2) == {"alpha": {OTHER_HOST}}
    assert elbv2.served_by("/mcp/alpha") == {"alpha"}
    assert not run(elbv2, moved).changed


def in_a_cluster(health_path: str) -> DesiredRoutes:
    route = Route("alpha", "/mcp/alpha", health_path=health_path, elsewhere=True)
    return DesiredRoutes(Owner(OWNER.fleet, LISTENER, HOST), (route,))


def bind(elbv2: FakeElbv2, result: Result, wanted: DesiredRoutes, port: int) -> None:
    """Registers a pod in the target group that a run has told, as a controller in the cluster does, and waits."""
    arn = result.group_arn(wanted.group_names["alpha"])
    elbv2.servers[(OTHER_HOST, port)] = (wanted.routes[0].health_path, False, "alpha")
    elbv2.call("register_targets", {"TargetGroupArn": arn, "Targets": [{"Id": OTHER_HOST, "Port": port}]})
    elbv2.clock.sleep(60)


@pytest.mark.parametrize("before", ["in the cluster", "on this host"])
def test_a_server_whose_group_has_to_change_is_served_through_the_former_one_until_a_pod_is_in_the_new_one(
    before: str,
) -> None:
    elbv2 = world()
    if before == "on this host":
        run(elbv2, desired(HOST, {"alpha": {HOST}}))
    else:
        first = in_a_cluster("/mcp/alpha/health")
        bind(elbv2, run(elbv2, first), first, 30000)
    changed = in_a_cluster("/healthz")

    waiting = run(elbv2, changed)

    assert handing_over(waiting, changed) == ["alpha"]
    assert "through its former target group" in " ".join(waiting.plan.notes)
    (former,) = waiting.plan.former_groups["alpha"]
    assert former in elbv2.groups
    assert elbv2.served_by("/mcp/alpha") == {"alpha"}
    assert not run(elbv2, changed).changed, "it waits"
    bind(elbv2, waiting, changed, 30001)
    second = run(elbv2, changed)
    assert (second.plan.handing_over, second.plan.former_groups) == ((), {})
    assert elbv2.served_by("/mcp/alpha") == {"alpha"}
    run(elbv2, changed)
    assert (former in elbv2.groups) == (before == "in the cluster"), "the controller takes its targets away"
    assert not run(elbv2, changed).changed


def test_a_rule_that_somebody_has_led_away_comes_back_to_a_cluster_s_group_at_once() -> None:
    elbv2 = world()
    wanted = in_a_cluster("/mcp/alpha/health")
    run(elbv2, wanted)
    stranger = elbv2.call("create_target_group", {"Name": "theirs", "Protocol": "HTTP", "Port": 80, "VpcId": VPC})
    theirs = stranger["TargetGroups"][0]["TargetGroupArn"]
    (rule,) = [arn for arn in elbv2.rules if arn]
    elbv2.call("modify_rule", {"RuleArn": rule, "Actions": [{"Type": "forward", "TargetGroupArn": theirs}]})

    assert run(elbv2, wanted).changed
    assert not run(elbv2, wanted).changed


placements = st.fixed_dictionaries({name: st.sets(st.sampled_from(HOSTS), min_size=1) for name in SERVERS})


@given(st.lists(placements, min_size=1, max_size=4), st.lists(st.sampled_from(HOSTS), max_size=3))
def test_wherever_servers_move_they_are_served_at_every_moment_and_end_where_they_are_placed(
    history: list[Placement], order: list[str]
) -> None:
    elbv2 = world()
    for host in HOSTS:
        run(elbv2, desired(host, history[0]))
    elbv2.clock.sleep(60)
    unserved: list[tuple[str, str]] = []

    def look(operation: str) -> None:
        unserved.extend((operation, name) for name in SERVERS if elbv2.served_by(f"/mcp/{name}") != {name})

    elbv2.after_change = look
    for placement in history:
        # Whoever comes first, and however often: two rounds of all hosts are enough.
        for host in (*order, *HOSTS, *HOSTS):
            result = run(elbv2, desired(host, placement))
            assert result.errors == {}
            elbv2.clock.sleep(60)

    assert unserved == []
    assert registered(elbv2) == history[-1]
    assert not any(run(elbv2, desired(host, history[-1]), is_full=True).changed for host in HOSTS)


@pytest.mark.parametrize("cut", range(1, 4))
def test_a_move_that_was_cut_short_is_finished_by_the_next_run(cut: int) -> None:
    elbv2 = world()
    for host in HOSTS:
        run(elbv2, desired(host, {"alpha": set(HOSTS)}))
    elbv2.clock.sleep(60)
    left = [cut]

    def count(_operation: str) -> None:
        left[0] -= 1
        if not left[0]:
            raise InterruptedError

    elbv2.after_change = count
    with pytest.raises(InterruptedError):
        run(elbv2, desired(HOST, {"alpha": {OTHER_HOST}}))
    elbv2.after_change = lambda _operation: None

    result = run(elbv2, desired(HOST, {"alpha": {OTHER_HOST}}))

    assert handing_over(result, desired(HOST, {"alpha": {OTHER_HOST}})) == []
    assert registered(elbv2) == {"alpha": {OTHER_HOST}}
    again = run(elbv2, desired(HOST, {"alpha": {OTHER_HOST}}), is_full=True)
    assert not again.changed
