"""Sessions of servers whose processes serve many clients: they go on in any container, as the official SDK sees it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import connect
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options, reconcile

from tests.e2e.support.local_alb import LISTENER_ARN
from tests.e2e.support.ports import free_port, listens
from tests.e2e.support.sessions import clients
from tests.e2e.support.waiting import until
from tests.e2e.test_node_router import Pair
from tests.e2e.test_session_drain import ECHO, HELD, OWNER
from tests.unit.bridge import client as bridges
from tests.unit.bridge.client import Bridge, Client

KEYS = {**os.environ, "MCP_BRIDGE_SESSION_KEYS": "5e" * 32}
PATH = "/mcp/x"
PLAIN = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend all
  bind 127.0.0.1:{port}
  default_backend servers
backend servers
  balance roundrobin
  server one 127.0.0.1:{ports[0]}
  server two 127.0.0.1:{ports[1]}
"""


def container(isolation: str = "pooled") -> Bridge:
    bridge = bridges.start("--isolation", isolation, path=PATH, env=KEYS)
    bridge.wait_healthy()
    return bridge


def stop(*containers: Bridge) -> None:
    for bridge in containers:
        if bridge.process.poll() is None:
            bridge.stop()


class Server:
    """A pooled server behind one or two balancers."""

    def __init__(self, root: Path, *, behind_router: bool) -> None:
        self.pair = Pair(root)
        self.balancer = self.pair.router if behind_router else self.pair.front
        self.serving: Bridge | None = None
        self.pair.start()
        self.roll()
        if behind_router:
            assert self.pair.direct(self.pair.to_router).errors == {}
        self.url = f"{self.pair.front.url}{PATH}/mcp"

    def roll(self) -> None:
        """Another container takes over, and the former one is removed once it is drained."""
        former, self.serving = self.serving, container()
        route = Route("x", PATH, (self.serving.port,), health_path=f"{PATH}/health")
        desired = DesiredRoutes(OWNER, (route,), health_interval=5, health_timeout=2, deregistration_delay=1)
        assert reconcile(connect(*self.balancer.access), desired, Options(wait_timeout=60)).errors == {}
        if former is not None:
            until(lambda: list(self._targets()) == [route.ports[0]], "the former container is drained")
            stop(former)

    def close(self) -> None:
        self.pair.close()
        if self.serving is not None:
            stop(self.serving)

    def _targets(self) -> dict[int, str]:
        rules = self.balancer.client.describe_rules(ListenerArn=LISTENER_ARN)["Rules"]
        rule = next(each for each in rules if not each["IsDefault"])
        return self.balancer.states(rule["Actions"][0]["TargetGroupArn"])


@pytest.fixture(params=["direct", "node-router"])
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(tmp_path, behind_router=request.param == "node-router")
    try:
        yield server
    finally:
        server.close()


def test_no_call_fails_while_the_server_rolls_twice(server: Server) -> None:
    with clients(server.url, ECHO, HELD) as asking:
        for _ in range(2):
            server.roll()
            asking.go_on()
    assert asking.faults == {}
    assert asking.calls > 2 * HELD


@pytest.mark.parametrize("isolation", ["pooled", "shared"])
def test_sessions_go_on_after_a_restart_of_their_container(isolation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = container(isolation)
    held = [Client(bridge, revision) for revision in ("2025-03-26", "2025-06-18", "2025-11-25")]
    for client in held:
        client.open()
    for kind in ("orderly", "killed"):
        bridge.stop() if kind == "orderly" else bridge.process.kill()
        bridge.process.wait()
        monkeypatch.setattr(bridges, "free_port", lambda port=bridge.port: port)
        bridge = container(isolation)
        for client in held:
            client.bridge = bridge
            assert client.call("echo", text=kind) == kind
    for client in held:
        assert client.delete().status == 204
    stop(bridge)


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[tuple[str, list[Bridge]]]:
    """Two containers behind a balancer that gives each request to the next, and its address."""
    both, port = [container(), container()], free_port()
    config = tmp_path / "haproxy.cfg"
    config.write_text(PLAIN.format(port=port, ports=[bridge.port for bridge in both]))
    balancer = subprocess.Popen(["haproxy", "-db", "-f", str(config)], stdout=subprocess.DEVNULL)
    try:
        until(lambda: listens(port), "the balancer listens")
        yield f"http://127.0.0.1:{port}{PATH}/mcp", both
    finally:
        balancer.terminate()
        balancer.wait(60)
        stop(*both)


def test_sessions_go_on_at_any_replica_behind_a_balancer_without_stickiness(
    replicas: tuple[str, list[Bridge]],
) -> None:
    url, both = replicas
    with clients(url, ECHO, HELD) as asking:
        asking.go_on(40)
    assert asking.faults == {}
    assert all(_good_calls(bridge.metrics()) > HELD for bridge in both)


def _good_calls(metrics: dict[str, float]) -> float:
    """How many calls of tools ended well."""
    begun = 'mcp_server_operation_duration_seconds_count{mcp_method_name="tools/call"'
    return sum(value for name, value in metrics.items() if name.startswith(begun) and 'error_type=""' in name)
