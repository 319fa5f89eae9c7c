"""Health, draining, reloads under load, and what survives the death of either process."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from tests.e2e.support.local_alb import BALANCER_ARN, FILES, LISTENER_ARN, Document, LocalAlb, next_event, running
from tests.e2e.support.ports import free_port
from tests.e2e.support.upstream import Upstream
from tests.e2e.support.waiting import until

ANSWER = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "fixed"}}]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[LocalAlb]:
    with running(LocalAlb(tmp_path)) as host:
        yield host


class Load:
    """Clients that ask without pause on kept connections, until the block ends; remembers whatever went wrong."""

    def __init__(self, host: LocalAlb, path: str, clients: int = 4) -> None:
        self._host, self._path = host, path
        self.served: dict[str, int] = {}
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._host.port, timeout=10)
        while not self._stop.is_set():
            try:
                connection.request("POST", self._path, body="{}")
                answer = connection.getresponse()
                body = answer.read()
                result = json.loads(body)["upstream"] if answer.status == 200 else f"status {answer.status}"
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                result = f"failed: {error!r}"
            with self._lock:
                if answer_is_good(result):
                    self.served[result] = self.served.get(result, 0) + 1
                else:
                    self.failures.append(result)
        connection.close()

    def until(self, upstream: str, count: int) -> None:
        """Waits until the upstream has served more than ``count`` requests."""
        until(lambda: self.served.get(upstream, 0) > count, f"{upstream} serves")

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def grows(items: list[str], beyond: int) -> None:
    until(lambda: len(items) > beyond, f"there are more than {beyond}")


def answer_is_good(result: str) -> bool:
    return not result.startswith(("failed", "status"))


def test_a_new_target_is_healthy_after_its_first_check(host: LocalAlb) -> None:
    group = host.group("g", host.upstream().port, HealthCheckIntervalSeconds=300, HealthyThresholdCount=5)
    host.rule(10, ["/*"], group)
    # Five checks would take twenty minutes.
    host.healthy(group)


def test_a_target_gets_no_request_before_it_has_passed_a_check(host: LocalAlb) -> None:
    good, bad = host.upstream("good"), host.upstream("bad")
    bad.health = 500
    group = host.group("g", good.port)
    host.rule(10, ["/*"], group)
    host.healthy(group)
    with Load(host, "/") as load:
        host.register(group, bad.port)
        until(lambda: host.states(group)[bad.port] == "initial", "the new target is initial")
        host.settled()
        until(lambda: sum(load.served.values()) > 300, "some requests were served")
    assert set(load.served) == {"good"}
    assert load.failures == []


def test_health_follows_the_target_there_and_back(host: LocalAlb) -> None:
    one, two = host.upstream("one"), host.upstream("two")
    group = host.group("g", one.port, two.port)
    host.rule(10, ["/*"], group)
    host.healthy(group)
    one.health = 500
    until(lambda: host.states(group)[one.port] == "unhealthy", "the failing target is unhealthy")
    answer = host.client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    failing = next(item["TargetHealth"] for item in answer if item["Target"]["Port"] == one.port)
    assert failing["Reason"] == "Target.ResponseCodeMismatch"
    assert failing["Description"] == "Health checks failed with these codes: [500]"
    assert {host.get("/").seen["upstream"] for _ in range(10)} == {"two"}
    one.health = 200
    until(lambda: host.states(group)[one.port] == "healthy", "the target is healthy again")
    until(lambda: host.get("/").seen["upstream"] == "one", "it gets requests again")


def test_a_failing_target_tells_how_its_probes_failed(host: LocalAlb) -> None:
    broken = Upstream("broken", raw=b"not HTTP\r\n\r\n")
    host.upstreams.append(broken)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        nobody, mute = free_port(), int(silent.getsockname()[1])
        group = host.group("g", nobody, mute, broken.port)
        host.rule(10, ["/*"], group)
        until(lambda: set(host.states(group).values()) == {"unhealthy"}, "all three are unhealthy")
        answer = host.client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    reasons = {item["Target"]["Port"]: item["TargetHealth"]["Reason"] for item in answer}
    assert reasons == {
        nobody: "Target.FailedHealthChecks",
        mute: "Target.Timeout",
        broken.port: "Target.FailedHealthChecks",
    }


def test_health_survives_a_reload(host: LocalAlb) -> None:
    one, two = host.upstream("one"), host.upstream("two")
    group = host.group("g", one.port, two.port)
    host.rule(10, ["/*"], group)
    host.healthy(group)
    one.health = 500
    until(lambda: host.states(group)[one.port] == "unhealthy", "the failing target is unhealthy")
    with Load(host, "/") as load:
        for number in range(3):
            host.rule(20 + number, [f"/{number}"], Actions=ANSWER)
            host.settled()
            assert host.states(group)[one.port] == "unhealthy"
    assert set(load.served) == {"two"}
    assert load.failures == []


def test_where_all_targets_are_unhealthy_all_get_requests(host: LocalAlb) -> None:
    one, two = host.upstream("one"), host.upstream("two")
    group = host.group("g", one.port, two.port)
    host.rule(10, ["/*"], group)
    host.healthy(group)
    one.health = two.health = 500
    until(lambda: set(host.states(group).values()) == {"unhealthy"}, "both are unhealthy")
    assert {host.get("/").seen["upstream"] for _ in range(10)} == {"one", "two"}


def test_below_the_minimum_of_healthy_targets_all_get_requests(host: LocalAlb) -> None:
    upstreams = [host.upstream(name) for name in ("one", "two", "three")]
    group = host.group("g", *(upstream.port for upstream in upstreams))
    key = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count"
    host.client.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": key, "Value": "2"}])
    host.rule(10, ["/*"], group)
    host.healthy(group)
    upstreams[0].health = 500
    until(lambda: host.states(group)[upstreams[0].port] == "unhealthy", "one is unhealthy")
    assert {host.get("/").seen["upstream"] for _ in range(12)} == {"two", "three"}
    upstreams[1].health = 500
    until(lambda: host.states(group)[upstreams[1].port] == "unhealthy", "two are unhealthy")
    assert {host.get("/").seen["upstream"] for _ in range(12)} == {"one", "two", "three"}


def test_an_open_stream_lives_through_the_drain_and_ends_with_it(host: LocalAlb) -> None:
    old, new = host.upstream("old"), host.upstream("new")
    group = host.group("g", old.port, delay=8)
    host.rule(10, ["/*"], group)
    host.healthy(group)
    stream = host.stream("/stream")
    assert next_event(stream) == "old 0"
    host.register(group, new.port)
    host.healthy(group)
    began = time.monotonic()
    host.deregister(group, old.port)
    host.settled()
    assert host.states(group)[old.port] == "draining"
    assert {host.get("/").seen["upstream"] for _ in range(6)} == {"new"}
    for number in (1, 2):
        old.go.set()
        assert next_event(stream) == f"old {number}"
    assert _end_of(stream) == ""
    assert time.monotonic() - began > 7
    until(lambda: host.states(group) == {new.port: "healthy"}, "the old target is gone")


def _end_of(stream: http.client.HTTPResponse) -> str:
    try:
        return next_event(stream)
    except (http.client.IncompleteRead, ConnectionResetError):
        return ""


def test_reloads_under_load_lose_no_request_and_break_no_stream(host: LocalAlb) -> None:
    upstream = host.upstream("steady")
    group = host.group("g", upstream.port)
    host.rule(10, ["/mcp/steady", "/mcp/steady/*", "/stream"], group)
    host.healthy(group)
    stream = host.stream("/stream")
    assert next_event(stream) == "steady 0"
    with Load(host, "/mcp/steady") as load:
        for number in range(15):
            rule = host.rule(100 + number, [f"/{number}"], Actions=ANSWER)
            host.settled()
            assert host.get(f"/{number}").body == b"fixed"
            if number % 3 == 0:
                host.client.delete_rule(RuleArn=rule)
    assert load.failures == []
    assert sum(load.served.values()) > 500
    upstream.go.set()
    assert next_event(stream) == "steady 1"
    stream.close()


def test_rolling_a_target_under_load_loses_no_request(host: LocalAlb) -> None:
    current = host.upstream("v0")
    group = host.group("g", current.port, delay=2)
    host.rule(10, ["/*"], group)
    host.healthy(group)
    with Load(host, "/") as load:
        for version in range(1, 4):
            following = host.upstream(f"v{version}")
            host.register(group, following.port)
            host.reaches(group, following.port, "healthy")
            host.deregister(group, current.port)
            host.reaches(group, current.port, None)
            current.close()
            host.upstreams.remove(current)
            current = following
            load.until(following.name, 50)
    assert load.failures == []
    assert set(load.served) == {"v0", "v1", "v2", "v3"}


def described(host: LocalAlb) -> Document:
    client = host.client
    groups = client.describe_target_groups()["TargetGroups"]
    arns = [group["TargetGroupArn"] for group in groups]
    return {
        "groups": groups,
        "rules": client.describe_rules(ListenerArn=LISTENER_ARN)["Rules"],
        "listeners": client.describe_listeners(LoadBalancerArn=BALANCER_ARN)["Listeners"],
        "attributes": [client.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"] for arn in arns],
        "tags": client.describe_tags(ResourceArns=[BALANCER_ARN, *arns])["TagDescriptions"],
        "targets": [sorted(host.states(arn)) for arn in arns],
    }


def test_the_control_plane_can_be_killed_and_comes_back_with_everything(host: LocalAlb) -> None:
    group = host.group("g", host.upstream().port, Tags=[{"Key": "mcp_fleet", "Value": "mcp"}])
    host.rule(10, ["/*"], group)
    host.healthy(group)
    before = described(host)
    with Load(host, "/") as load:
        host.kill_alb()
        until(lambda: sum(load.served.values()) > 100, "requests are served without a control plane")
        host.start_alb()
        host.settled()
    assert load.failures == []
    assert described(host) == before
    assert host.states(group) == {host.upstreams[0].port: "healthy"}


def test_no_acknowledged_change_is_lost_when_the_control_plane_is_killed_amid_changes(host: LocalAlb) -> None:
    for round_ in range(3):
        acknowledged: list[str] = []

        def create(prefix: str, done: list[str]) -> None:
            # The connection breaks when the process dies, which is all that may go wrong.
            with contextlib.suppress(ConnectionClosedError, EndpointConnectionError):
                for number in range(1000):
                    done.append(host.group(f"{prefix}-{number}"))

        maker = threading.Thread(target=create, args=(f"r{round_}", acknowledged))
        maker.start()
        grows(acknowledged, 10)
        host.kill_alb()
        maker.join()
        host.start_alb()
        known = {group["TargetGroupArn"] for group in host.client.describe_target_groups()["TargetGroups"]}
        assert set(acknowledged) <= known


def test_haproxy_can_be_killed_and_serves_the_same_rules_when_it_is_back(host: LocalAlb) -> None:
    group = host.group("g", host.upstream().port)
    host.rule(10, ["/*"], group)
    host.healthy(group)
    host.kill_haproxy()
    until(lambda: host.states(group) == {host.upstreams[0].port: "unavailable"}, "health is unknown meanwhile")
    assert host.client.describe_load_balancers()["LoadBalancers"][0]["State"]["Code"] == "active_impaired"
    second = host.group("second", host.upstream("second").port)
    host.rule(5, ["/second"], second)
    host.start_haproxy()
    host.healthy(group, second)
    assert host.get("/").status == 200
    assert host.get("/second").seen["upstream"] == "second"
    assert host.client.describe_load_balancers()["LoadBalancers"][0]["State"]["Code"] == "active"


def test_a_second_control_plane_on_the_same_state_refuses(host: LocalAlb) -> None:
    other = LocalAlb(host.root)
    other.directory = host.directory
    run = subprocess.run(other.command(), cwd=FILES, capture_output=True, text=True, timeout=90, check=False)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert f"in use by another local_alb (process {host.alb.pid if host.alb else 0})" in run.stderr
    assert host.health()


def test_a_damaged_state_is_refused_and_kept(host: LocalAlb) -> None:
    host.group("precious")
    host.kill_alb()
    state = host.directory / "state.json"
    whole = state.read_bytes()
    state.write_bytes(whole[: len(whole) // 2])
    run = subprocess.run(host.command(), cwd=FILES, capture_output=True, text=True, timeout=90, check=False)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert f"{state} is damaged" in run.stderr
    copies = list(host.directory.glob("state.json.corrupt-*"))
    assert [copy.read_bytes() for copy in copies] == [whole[: len(whole) // 2]]
    assert state.read_bytes() == whole[: len(whole) // 2]
    state.write_bytes(whole)
    host.start_alb()
    assert host.client.describe_target_groups()["TargetGroups"][0]["TargetGroupName"] == "precious"


def test_a_haproxy_that_cannot_start_is_told_and_serves_as_soon_as_it_can(host: LocalAlb) -> None:
    host.rule(10, ["/old"], Actions=ANSWER)
    port = free_port()
    host.client.create_listener(LoadBalancerArn=BALANCER_ARN, Protocol="HTTP", Port=port, DefaultActions=ANSWER)
    host.settled()
    host.kill_haproxy()
    with socket.socket() as taken:
        until(lambda: taken.connect_ex(("127.0.0.1", port)) != 0, "the port is free")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        host.start_haproxy()
        until(lambda: host.haproxy and host.haproxy.poll() is not None, "HAProxy gave up")
        until(lambda: (host.health() or {})["problem"], "that is told")
    host.start_haproxy()
    host.settled()
    assert host.get("/old").body == b"fixed"


def test_a_request_that_names_another_host_is_turned_away(host: LocalAlb) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", host.control, timeout=5)
    connection.request("GET", "/health", headers={"Host": "rebound.example.com"})
    assert connection.getresponse().status == 403
    connection.close()


def test_the_state_is_for_its_owner_only(host: LocalAlb) -> None:
    assert os.stat(host.directory / "state.json").st_mode & 0o077 == 0


def test_the_control_plane_stops_quietly_when_it_is_asked_to(host: LocalAlb) -> None:
    assert host.alb
    host.alb.terminate()
    assert host.alb.wait(60) == 0
    assert "Traceback" not in host.log()
    assert host.get("/nowhere").status == 404
