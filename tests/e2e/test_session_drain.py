"""Sessions of a server through a roll of its container, as clients of the official SDK see it, in both topologies."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.draining import still_draining
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import connect
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import sessions_of

from tests.e2e.support.local_alb import INSTANCE_ID, LISTENER_ARN, LocalAlb, running
from tests.e2e.support.sessions import clients
from tests.e2e.support.waiting import until
from tests.e2e.test_node_router import Pair
from tests.unit.bridge.client import BOTH, Bridge, request, start

ECHO = ("echo", {"text": "again"})
OWNER = Owner("mcp", LISTENER_ARN, INSTANCE_ID)
HELD = 4


class Server:
    """A per_session server behind one or two balancers, whose container a roll replaces."""

    def __init__(self, root: Path, *, behind_router: bool) -> None:
        self.pair = Pair(root)
        self.knows_servers = self.pair.router if behind_router else self.pair.front
        self.bridges: list[Bridge] = []
        self.pair.start()
        self.roll()
        if behind_router:
            assert self.pair.direct(self.pair.to_router).errors == {}
        self.url = f"{self.pair.front.url}/mcp/x/mcp"

    def roll(self) -> dict[str, tuple[int, ...]]:
        """Another container takes over. Returns what drains once the run has ended."""
        bridge = start(path="/mcp/x")
        bridge.wait_healthy()
        self.bridges.append(bridge)
        return self.converge()

    def converge(self) -> dict[str, tuple[int, ...]]:
        """Routes to the newest container, as a run does."""
        ports = [bridge.port for bridge in self.bridges]
        route = Route("x", "/mcp/x", (ports[-1],), health_path="/mcp/x/health", keeps_sessions=True)
        route = replace(route, superseded=tuple(ports[:-1]))
        desired = DesiredRoutes(
            OWNER, (route,), health_interval=5, health_timeout=2, deregistration_delay=1, session_drain=600
        )
        api = connect(*self.knows_servers.access)
        result = reconcile(api, desired, Options(wait_timeout=60))
        assert result.errors == {}
        return still_draining(api, desired, result)

    def sessions(self, number: int) -> int | None:
        return sessions_of("127.0.0.1", self.bridges[number].port)

    def close(self) -> None:
        for bridge in self.bridges:
            if bridge.process.poll() is None:
                bridge.stop()
        self.pair.close()


@pytest.fixture(params=["direct", "node-router"])
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(tmp_path, behind_router=request.param == "node-router")
    try:
        yield server
    finally:
        server.close()


@contextmanager
def statuses_of(balancer: LocalAlb) -> Iterator[Counter[int]]:
    """What a client is told that opens one session after the other, each with a connection of its own."""
    seen: Counter[int] = Counter()
    done = threading.Event()
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    body = json.dumps(request("initialize", hello, 1))

    def ask() -> None:
        while not done.wait(0.02):
            connection = http.client.HTTPConnection("127.0.0.1", balancer.port, timeout=30)
            connection.request("POST", "/mcp/x/mcp", body, {"Content-Type": "application/json", "Accept": BOTH})
            answer = connection.getresponse()
            answer.read()
            seen[answer.status] += 1
            if session := answer.headers["Mcp-Session-Id"]:
                connection.request("DELETE", "/mcp/x/mcp", headers={"Mcp-Session-Id": session})
                seen[connection.getresponse().status] += 1
            connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def test_sessions_end_where_they_began_and_new_ones_begin_in_the_new_container(server: Server) -> None:
    with clients(server.url, ECHO, HELD) as asking, statuses_of(server.pair.front) as statuses:
        for number in range(2):
            draining = server.roll()
            asking.go_on()
            assert (asking.faults, draining["x"]) == ({}, tuple(sorted(b.port for b in server.bridges[:-1])))
            # New sessions come and go elsewhere; those that are held stay where they are.
            until(lambda: server.sessions(0) == HELD, "the first container holds the held sessions only")
            until(lambda number=number: number == 0 or server.sessions(number) == 0, "the second one holds none")

    assert asking.faults == {}
    assert set(statuses) == {200, 204}, statuses
    assert sum(statuses.values()) > 40
    # All clients have closed their sessions: the containers may go, and the balancer notices that they are gone.
    until(lambda: [server.sessions(number) for number in range(2)] == [0, 0], "no session is left")
    for bridge in server.bridges[:-1]:
        assert bridge.stop() == 0
    until(lambda: server.converge() == {}, "nothing drains any more")


HERE, THERE = (Owner("mcp", LISTENER_ARN, f"127.0.0.{number}") for number in (1, 2))
DELAY = 15


def host_run(balancer: LocalAlb, host: Owner, bridge: Bridge | None) -> None:
    """A run of one of two hosts that share a balancer, with the server or without it."""
    route = None if bridge is None else Route("x", "/mcp/x", (bridge.port,), health_path="/mcp/x/health")
    desired = DesiredRoutes(
        host,
        () if route is None else (route,),
        target_type="ip",
        on_other_hosts=frozenset({"x"} if route is None else ()),
        health_interval=5,
        health_timeout=2,
        deregistration_delay=DELAY,
    )
    assert reconcile(connect(*balancer.access), desired, Options(wait_timeout=60)).errors == {}


def test_a_host_of_two_is_drained_while_its_sessions_go_on(tmp_path: Path) -> None:
    with running(LocalAlb(tmp_path)) as balancer:
        bridges = [start("--host", "0.0.0.0", path="/mcp/x") for _ in range(2)]  # for two addresses
        try:
            for host, bridge in zip((HERE, THERE), bridges, strict=True):
                bridge.wait_healthy()
                host_run(balancer, host, bridge)
            url = f"{balancer.url}/mcp/x/mcp"
            with clients(url, ECHO, HELD) as asking, statuses_of(balancer) as statuses, ThreadPoolExecutor() as pool:
                counts = [sessions_of("127.0.0.1", bridge.port) or 0 for bridge in bridges]
                assert min(counts) >= 1, counts  # both hosts hold some
                drained = pool.submit(host_run, balancer, HERE, None)
                until(lambda: "draining" in balancer.states(group_of(balancer)).values(), "the host drains")
                balancer.settled()
                asking.go_on(60)
                asking.end()
                drained.result()
            assert asking.faults == {}
            assert set(statuses) == {200, 204}, statuses
            assert bridges[0].stop() == 0
            with clients(url, ECHO, 1) as late:
                late.go_on()
            assert late.faults == {}
        finally:
            for bridge in bridges:
                if bridge.process.poll() is None:
                    bridge.stop()


def group_of(balancer: LocalAlb) -> str:
    (group,) = balancer.client.describe_target_groups()["TargetGroups"]
    return str(group["TargetGroupArn"])
