"""A router on the host, behind the load balancer: one target group there, every server here."""

from __future__ import annotations

import http.client
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import QuotaError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import connect
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options, Result, reconcile

from tests.e2e.support.local_alb import INSTANCE_ID, LISTENER_ARN, LocalAlb
from tests.e2e.support.upstream import Upstream
from tests.e2e.support.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
HEALTH = "/router/health"
QUOTAS = yaml.safe_load((PROJECT / "roles/node_router/vars/main.yml").read_text())["__node_router_quotas"]
MANY = 120


class Pair:
    """The load balancer in front and the router behind it, each driven by the module's own way through its API."""

    def __init__(self, root: Path, protocol: str = "HTTP") -> None:
        for name in ("front", "router"):
            (root / name).mkdir()
        quotas = [word for quota in QUOTAS for word in ("--quota", quota)]
        self.front = LocalAlb(root / "front")
        options = ("--behind-balancer", HEALTH, "--listener-protocol", protocol)
        self.router = LocalAlb(root / "router", *options, *quotas)
        self.to_router = Route("_router", "/mcp", (self.router.port,), health_path=HEALTH, protocol=protocol)

    def start(self) -> None:
        self.front.start()
        self.router.start()

    def close(self) -> None:
        self.front.close()
        self.router.close()

    def behind(self, *routes: Route) -> Result:
        return run(self.router, *routes)

    def direct(self, *routes: Route) -> Result:
        return run(self.front, *routes)

    def routed(self, *routes: Route) -> None:
        """All the way: the router's routes first, then the one in front."""
        assert self.behind(*routes).errors == {}
        assert self.direct(self.to_router).errors == {}


def run(host: LocalAlb, *routes: Route) -> Result:
    owner = Owner("mcp", LISTENER_ARN, INSTANCE_ID)
    desired = DesiredRoutes(owner, routes, health_interval=5, health_timeout=2, deregistration_delay=1)
    api = connect(None, f"http://127.0.0.1:{host.control}", str(host.credentials))
    return reconcile(api, desired, Options(wait_timeout=60))


def route(name: str, *upstreams: Upstream) -> Route:
    return Route(name, f"/mcp/{name}", tuple(upstream.port for upstream in upstreams), True, "/health")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    try:
        pair.start()
        yield pair
    finally:
        pair.close()


def test_more_servers_than_a_load_balancer_takes_answer_through_one_rule(pair: Pair) -> None:
    upstream = pair.router.upstream()
    routes = [route(f"s{number}", upstream) for number in range(MANY)]
    with pytest.raises(QuotaError, match="120 of 100 allowed by rules"):
        pair.direct(*routes)

    pair.routed(*routes)

    rules = pair.front.client.describe_rules(ListenerArn=LISTENER_ARN)["Rules"]
    assert [rule["Conditions"][0]["Values"] for rule in rules if not rule["IsDefault"]] == [["/mcp", "/mcp/*"]]
    assert len(pair.front.client.describe_target_groups()["TargetGroups"]) == 1
    for number in (0, MANY // 2, MANY - 1):
        assert pair.front.get(f"/mcp/s{number}/x").seen["path"] == "/x"
    assert pair.front.get("/mcp/nobody").status == 404
    assert not pair.behind(*routes).changed


def test_a_session_stays_on_its_replica_through_both(pair: Pair) -> None:
    names = ("one", "two", "three")
    pair.routed(route("time", *(pair.router.upstream(name) for name in names)))
    opened = [pair.front.get("/mcp/time/mcp", "POST", "{}", X_Open_Session="1") for _ in range(12)]
    assert {reply.seen["upstream"] for reply in opened} == set(names)

    for reply in opened:
        again = pair.front.get("/mcp/time/mcp", "POST", "{}", Mcp_Session_Id=reply.headers["mcp-session-id"]).seen
        replica = reply.seen["upstream"]
        assert (again["upstream"], again["headers"]["mcp-session-id"]) == (replica, f"session-of-{replica}")


def test_servers_learn_what_the_load_balancer_in_front_said_of_the_client(pair: Pair) -> None:
    pair.behind(route("time", pair.router.upstream()))
    headers = pair.router.get(
        "/mcp/time", X_Forwarded_Proto="https", X_Forwarded_Port="443", X_Forwarded_For="203.0.113.7"
    ).seen["headers"]
    told = [headers[f"x-forwarded-{name}"] for name in ("proto", "port", "for")]
    assert told == ["https", "443", "203.0.113.7"]
    assert pair.router.get(HEALTH).status == 200


def test_the_last_address_is_the_clients_and_not_a_balancers_however_many_there_are(pair: Pair) -> None:
    """The bridge shares out its places by it."""
    pair.routed(route("time", pair.router.upstream()))
    for sent, seen in (("203.0.113.9", "203.0.113.9, 127.0.0.1"), ("", "127.0.0.1")):
        headers = pair.front.get("/mcp/time/mcp", **({"X_Forwarded_For": sent} if sent else {})).seen["headers"]
        assert headers["x-forwarded-for"] == seen


class Clients:
    """Some clients that never stop asking for a path; what did not answer 200 is kept."""

    def __init__(self, host: LocalAlb, path: str) -> None:
        self.bad: list[Any] = []
        self.asked = 0
        self._host, self._path = host, path
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(3)]

    def _ask(self) -> None:
        while not self._stop.is_set():
            try:
                status = self._host.get(self._path).status
            except OSError as error:
                self.bad.append(repr(error))
            else:
                self.asked += 1
                if status != 200:
                    self.bad.append(status)

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        until(lambda: self.asked > 20, "requests are answered")
        return self

    def __exit__(self, *error: object) -> None:
        try:
            until(lambda before=self.asked: self.asked > before + 20, "requests are still answered")
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()


def test_no_request_fails_while_the_topology_changes_there_and_back(pair: Pair) -> None:
    servers = [route("time", pair.router.upstream("time")), route("web", pair.router.upstream("web"))]
    assert pair.direct(*servers).errors == {}
    with Clients(pair.front, "/mcp/time/x") as clients:
        pair.routed(*servers)
        assert run(pair.front, *servers).errors == {}
        assert pair.behind().errors == {}

    assert clients.bad == []
    assert pair.front.get("/mcp/web/x").seen["upstream"] == "web"


def test_no_request_fails_while_a_container_behind_the_router_moves(pair: Pair) -> None:
    old, new = pair.router.upstream("old"), pair.router.upstream("new")
    pair.routed(route("time", old))
    with Clients(pair.front, "/mcp/time/x") as clients:
        assert pair.behind(route("time", new)).errors == {}

    assert clients.bad == []
    assert pair.front.get("/mcp/time/x").seen["upstream"] == "new"


def test_a_router_that_is_gone_is_not_healthy_in_front(pair: Pair) -> None:
    pair.routed(route("time", pair.router.upstream()))
    (group,) = pair.front.client.describe_target_groups()["TargetGroups"]
    pair.router.kill_haproxy()
    pair.front.reaches(group["TargetGroupArn"], pair.router.port, "unhealthy")


def test_the_load_balancer_and_the_router_speak_tls_where_they_are_told_to(tmp_path: Path) -> None:
    pair = Pair(tmp_path, "HTTPS")
    try:
        pair.start()
        pair.routed(route("time", pair.router.upstream("time")))

        reply = pair.front.get("/mcp/time/x")
        assert (reply.status, reply.seen["path"], reply.seen["headers"]["x-forwarded-proto"]) == (200, "/x", "http")
        (group,) = pair.front.client.describe_target_groups()["TargetGroups"]
        assert (group["Protocol"], group["HealthCheckProtocol"]) == ("HTTPS", "HTTPS")
        with pytest.raises((http.client.HTTPException, OSError)):
            pair.router.get("/mcp/time/x")  # in plain text
        keys = list((pair.router.directory / "certificates").glob("*.pem"))
        assert [stat.S_IMODE(key.stat().st_mode) for key in keys] == [0o600]
    finally:
        pair.close()
