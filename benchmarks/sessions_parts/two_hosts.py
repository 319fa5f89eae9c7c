"""Two hosts that share a local ALB, and a run that drains one of them while clients hold sessions.

The hosts are two addresses of this machine, and their containers are bridges without a container. What drains is the
product's: the runs of both hosts over the routes, and the load balancer.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import connect
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options, reconcile

from benchmarks.sessions_parts.callers import KINDS, Call, Tally, calling
from tests.e2e.support.local_alb import LISTENER_ARN, LocalAlb, running
from tests.e2e.support.waiting import until
from tests.unit.bridge.client import Bridge, start

HERE, THERE = (Owner("mcp", LISTENER_ARN, f"127.0.0.{number}") for number in (1, 2))
KEYS = {**os.environ, "MCP_BRIDGE_SESSION_KEYS": "5e" * 32}
# Seconds for which a target that drains keeps its sessions: the clients must have called on by then.
DELAY = 60
Server = tuple[str, str]


def converge(balancer: LocalAlb, host: Owner, servers: Sequence[Server], bridges: Sequence[Bridge]) -> None:
    """A run of ``host`` with ``bridges``; without them the host is drained. Raises RuntimeError."""
    names = [name for name, _ in servers]
    routes = tuple(
        Route(name, f"/mcp/{name}", (bridge.port,), health_path=f"/mcp/{name}/health")
        for name, bridge in zip(names, bridges, strict=False)
    )
    desired = DesiredRoutes(
        host,
        routes,
        target_type="ip",
        on_other_hosts=frozenset() if routes else frozenset(names),
        health_interval=5,
        health_timeout=2,
        deregistration_delay=DELAY,
    )
    if errors := reconcile(connect(*balancer.access), desired, Options(wait_timeout=120)).errors:
        raise RuntimeError(str(errors))


def draining(balancer: LocalAlb) -> int:
    """How many servers' targets drain."""
    groups = balancer.client.describe_target_groups()["TargetGroups"]
    return sum("draining" in balancer.states(str(group["TargetGroupArn"])).values() for group in groups)


def drained(root: Path, servers: Sequence[Server]) -> Tally:
    """What became of the calls at ``servers``, pairs of name and isolation, while one host of two is drained.

    Raises RuntimeError, AssertionError.
    """
    bridges: list[Bridge] = []
    with running(LocalAlb(root)) as balancer, ThreadPoolExecutor() as pool:
        try:
            for host in (HERE, THERE):
                here = [
                    start("--host", "0.0.0.0", "--isolation", isolation, path=f"/mcp/{name}", env=KEYS)
                    for name, isolation in servers
                ]
                bridges += here
                for bridge in here:
                    bridge.wait_healthy()
                converge(balancer, host, servers, here)
            calls: list[Call] = [(f"{balancer.url}/mcp/{name}/mcp", "echo", {"text": "again"}) for name, _ in servers]
            with calling(dict.fromkeys(KINDS, calls)) as callers:
                callers.phase("drain")
                run = pool.submit(converge, balancer, HERE, servers, ())
                until(lambda: draining(balancer) == len(servers), "the host drains", 30)
                callers.go_on(10, DELAY)
            run.result()
            return callers.tallies["drain"]
        finally:
            for bridge in bridges:
                bridge.stop()
