# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that move between hosts and a cluster behind one load balancer, in any order and whatever fails."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.backend import desired_routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Result
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.aws import Aws
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.both_sides import joined
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import hops_to
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import LISTENER, FakeElbv2
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.scenes import HOST, run
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.routing.fleet import (
    INSTALLATION,
    endpoint,
    settings,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

POD = "10.244.1.7"
PORT, POD_PORT = 20417, 8000
HEALTH = "/mcp/alpha/health"
SHARED = Aws(listener_arn=LISTENER, instance_id=HOST)
SIDES = {"hosts": {"host"}, "cluster": {"pods"}, "both": {"host", "pods"}}


class Scene:
    """One server, one host that speaks to a cluster, and the cluster's controller, which registers pods."""

    def __init__(self) -> None:
        self.elbv2 = FakeElbv2()
        self.there: set[str] = set()
        self.answers: dict[str, bool] = {}

    def run(self, placement: str, *, healthy: bool = True) -> Result:
        """What a run does in its order. What it starts answers only if ``healthy``."""
        wanted = SIDES[placement]
        for side in wanted - self.there:
            self._start(side, healthy=healthy)
        here = [endpoint("alpha", port=PORT, ports=(PORT,))] if "host" in wanted else []
        state = "running" if self.answers.get("pods") else "failed"
        workload = {"kind": "Deployment"}
        pods = [_pods(state, workload)] if "pods" in wanted else []
        leaving = {"alpha": [POD]} if "pods" in self.there - wanted else {}
        (hop,) = hops_to(settings(aws=SHARED), joined(here, pods), INSTALLATION, leaving=leaving)
        desired = desired_routes(hop, settings(aws=SHARED), LISTENER, HOST)
        result = run(self.elbv2, desired)
        self._bind(result.group_arn(desired.group_names["alpha"]))
        if "host" in self.there - wanted and "alpha" not in result.plan.handing_over and state == "running":
            self._end("host")
        if "pods" in self.there - wanted and "alpha" not in result.plan.served_from_cluster:
            self._end("pods")
        return result

    @property
    def is_served(self) -> bool:
        return self.elbv2.served_by("/mcp/alpha") == {"alpha"}

    def _start(self, side: str, *, healthy: bool) -> None:
        self.there.add(side)
        self.answers[side] = healthy
        if healthy:
            self.elbv2.servers[_address(side)] = (HEALTH, False, "alpha")

    def _bind(self, group: str | None) -> None:
        if "pods" in self.there and group is not None:
            target = {"Id": POD, "Port": POD_PORT}
            self.elbv2.call("register_targets", {"TargetGroupArn": group, "Targets": [target]})

    def _end(self, side: str) -> None:
        self.there.discard(side)
        self.answers.pop(side)
        if side == "pods":
            for targets in self.elbv2.targets.values():
                targets.pop(_address(side), None)
        self.elbv2.servers.pop(_address(side), None)


def _address(side: str) -> tuple[str, int]:
    return (HOST, PORT) if side == "host" else (POD, POD_PORT)


def _pods(state: str, workload: dict[str, str]) -> Endpoint:
    return endpoint("alpha", port=None, ports=(), container=None, state=state, workload=workload)


def test_a_server_moves_to_the_cluster_and_back_one_edit_at_a_time() -> None:
    scene = Scene()
    for placement in ("hosts", "both", "cluster", "both", "hosts"):
        for _run in range(3):
            scene.run(placement)
            scene.elbv2.clock.sleep(60)
            assert scene.is_served
        assert scene.there == SIDES[placement]
    assert not scene.run("hosts").changed


def test_pods_stay_while_no_host_is_healthy_and_the_run_says_so() -> None:
    scene = Scene()
    scene.run("cluster")
    scene.elbv2.clock.sleep(60)
    for _run in range(3):
        result = scene.run("hosts", healthy=False)
        scene.elbv2.clock.sleep(60)
    assert scene.there == {"host", "pods"}
    assert "server 'alpha' is served from the cluster until a host's target is healthy" in result.plan.notes
    assert scene.is_served


@hypothesis_settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(sorted(SIDES)), st.booleans(), st.integers(0, 90)), min_size=1, max_size=8))
def test_whatever_moves_and_fails_what_serves_is_never_taken_away(steps: list[tuple[str, bool, int]]) -> None:
    scene = Scene()
    was_served = False
    for placement, healthy, seconds in steps:
        scene.run(placement, healthy=healthy)
        assert scene.is_served or not was_served, (placement, healthy)
        scene.elbv2.clock.sleep(seconds)
        was_served = scene.is_served
