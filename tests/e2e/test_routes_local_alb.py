"""Routes on the local ALB: the module's own way through its API, and real requests through HAProxy."""

# Longer than 400 lines: its tests share one running load balancer.

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import QuotaError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import connect
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options, Result, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.lock import fleet_lock

from tests.credentials import ACCESS_KEY
from tests.e2e.support.local_alb import INSTANCE_ID, LISTENER_ARN, LocalAlb, running
from tests.e2e.support.site import PROJECT
from tests.e2e.support.tiny_server import TinyServer
from tests.e2e.support.waiting import until

OWNER = Owner("mcp", LISTENER_ARN, INSTANCE_ID)


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAlb]:
    with running(LocalAlb(tmp_path_factory.mktemp("alb"), "--faults")) as alb:
        yield alb


@pytest.fixture(autouse=True)
def clean(balancer: LocalAlb) -> Iterator[None]:
    """Every test begins and ends with a listener that has no rules."""
    balancer.set_faults()
    yield
    balancer.set_faults()
    client = elbv2(balancer)
    for rule in client.describe_rules(ListenerArn=LISTENER_ARN)["Rules"]:
        if not rule["IsDefault"]:
            client.delete_rule(RuleArn=rule["RuleArn"])
    for group in client.describe_target_groups()["TargetGroups"]:
        client.delete_target_group(TargetGroupArn=group["TargetGroupArn"])


@pytest.fixture
def server() -> Iterator[Callable[..., TinyServer]]:
    started: list[TinyServer] = []

    def start(name: str, address: str = "127.0.0.1") -> TinyServer:
        started.append(TinyServer(name, address))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def elbv2(balancer: LocalAlb) -> Any:
    return boto3.client(
        "elbv2",
        region_name="us-east-1",
        endpoint_url=balancer.endpoint_url,
        **ACCESS_KEY,
    )


def bridged(server: TinyServer) -> Route:
    return Route(server.name, f"/mcp/{server.name}", (server.port,), health_path=f"/mcp/{server.name}/health")


def stripped(server: TinyServer) -> Route:
    return Route(server.name, f"/mcp/{server.name}", (server.port,), True, "/health")


def run(balancer: LocalAlb, *routes: Route, owner: Owner = OWNER, **options: Any) -> Result:
    desired = DesiredRoutes(owner, routes, health_interval=5, health_timeout=2, deregistration_delay=5)
    return reconcile(connect(*balancer.access), desired, Options(wait_timeout=40, **options))


def rules(balancer: LocalAlb) -> dict[str, str]:
    """The rules' ARNs with their priorities."""
    found = elbv2(balancer).describe_rules(ListenerArn=LISTENER_ARN)["Rules"]
    return {rule["RuleArn"]: rule["Priority"] for rule in found if not rule["IsDefault"]}


def test_requests_reach_their_servers_when_the_run_ends(balancer, server):
    time_server, web = server("time"), server("web")

    result = run(balancer, bridged(time_server), stripped(web))

    assert result.errors == {}
    assert balancer.ask("/mcp/time/mcp") == (200, {"name": "time", "path": "/mcp/time/mcp"})
    assert balancer.ask("/mcp/time") == (200, {"name": "time", "path": "/mcp/time"})
    assert balancer.ask("/mcp/web/mcp?a=b") == (200, {"name": "web", "path": "/mcp?a=b"})
    assert balancer.ask("/mcp/web") == (200, {"name": "web", "path": "/"})
    assert balancer.status("/mcp/timex") == 404


def test_a_server_that_checks_host_answers_by_the_host_that_its_route_sets(balancer, server):
    web = server("web")
    web.host = "localhost:8931"
    plain = replace(stripped(web), health_path="/mcp", health_matcher="200-499")

    run(balancer, plain)
    assert balancer.status("/mcp/web/mcp") == 403
    result = run(balancer, replace(plain, host_header=web.host))

    assert result.errors == {}
    until(lambda: balancer.ask("/mcp/web/mcp?a=b") == (200, {"name": "web", "path": "/mcp?a=b"}))
    assert not run(balancer, replace(plain, host_header=web.host)).changed


def test_a_second_run_makes_four_calls_and_no_change(balancer, server):
    routes = [bridged(server(f"s{number}")) for number in range(25)]
    run(balancer, *routes)
    balancer.set_faults()

    result = run(balancer, *routes)

    assert not result.changed
    assert sorted(balancer.calls) == ["DescribeListeners", "DescribeRules", "DescribeTags", "DescribeTargetGroups"]


def test_a_full_look_at_what_was_just_made_finds_nothing_to_do(balancer, server):
    routes = [bridged(server("time")), stripped(server("web"))]
    run(balancer, *routes)

    result = run(balancer, *routes, is_full=True)

    assert result.actions == []


def test_an_added_server_leaves_the_rules_of_the_others_alone(balancer, server):
    first = bridged(server("time"))
    run(balancer, first)
    before = rules(balancer)

    run(balancer, bridged(server("another")), first)

    assert before.items() <= rules(balancer).items()


def test_a_removed_server_leaves_nothing_behind_and_nothing_of_others_missing(balancer, server):
    client = elbv2(balancer)
    foreign = client.create_rule(
        ListenerArn=LISTENER_ARN,
        Priority=7,
        Conditions=[{"Field": "path-pattern", "Values": ["/shop"]}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "202"}}],
    )["Rules"][0]["RuleArn"]
    run(balancer, bridged(server("time")), stripped(server("web")))

    run(balancer)

    assert list(rules(balancer)) == [foreign]
    assert client.describe_target_groups()["TargetGroups"] == []


def test_no_request_fails_while_a_container_moves_to_another_port(balancer, server):
    old, new = server("time"), server("time")
    run(balancer, bridged(old))
    stop = threading.Event()
    statuses: list[int] = []

    def ask() -> None:
        while not stop.is_set():
            statuses.append(balancer.status("/mcp/time/x"))

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        result = run(balancer, bridged(new))
    finally:
        stop.set()
        asker.join()

    assert result.errors == {}
    assert set(statuses) == {200}
    assert new.seen
    old.seen.clear()
    assert balancer.status("/mcp/time/x") == 200
    assert old.seen == []


def test_no_request_fails_while_a_server_changes_its_kind(balancer, server):
    old, new = server("time"), server("time")
    run(balancer, bridged(old))
    stop = threading.Event()
    answers: list[tuple[int, str]] = []

    def ask() -> None:
        while not stop.is_set():
            status, body = balancer.ask("/mcp/time/x")
            answers.append((status, body.get("path", "")))

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        result = run(balancer, stripped(new))
    finally:
        stop.set()
        asker.join()

    assert result.errors == {}
    assert {status for status, _ in answers} == {200}
    assert set(old.seen) == {"/mcp/time/x"}
    assert set(new.seen) == {"/x"}


def test_a_new_container_that_never_gets_healthy_is_taken_back(balancer, server):
    old, new = server("time"), server("time")
    new.is_sick = True
    run(balancer, bridged(old))
    desired = DesiredRoutes(OWNER, (bridged(new),), health_interval=5, health_timeout=2, deregistration_delay=5)

    result = reconcile(connect(*balancer.access), desired, Options(wait_timeout=7))

    assert "not healthy after 7 s" in str(result.errors["time"])
    group = result.group_arn(desired.group_names["time"])
    health = elbv2(balancer).describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    serving = [h["Target"]["Port"] for h in health if h["TargetHealth"]["State"] == "healthy"]
    assert serving == [old.port]
    assert balancer.status("/mcp/time/x") == 200


def test_what_others_changed_in_our_rule_is_put_right(balancer, server):
    routes = [stripped(server("web"))]
    run(balancer, *routes)
    client = elbv2(balancer)
    (arn,) = rules(balancer)
    conditions = [
        {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/mcp/web", "/mcp/web/*"]}},
        {"Field": "host-header", "HostHeaderConfig": {"Values": ["only.example"]}},
    ]
    client.modify_rule(RuleArn=arn, Conditions=conditions, ResetTransforms=True)
    until(lambda: balancer.status("/mcp/web") == 404, "the change took effect")

    result = run(balancer, *routes)

    assert [action.name for action in result.actions if action.is_change] == ["modify_rule"]
    until(lambda: balancer.ask("/mcp/web/x") == (200, {"name": "web", "path": "/x"}), "the rule is as before")
    assert list(rules(balancer)) == [arn]


def test_two_hosts_serve_one_path_and_neither_touches_the_others_targets(balancer, server):
    addresses = ("127.0.0.1", "127.0.0.2")
    here, there = (server(name, address) for name, address in zip(("here", "there"), addresses, strict=True))
    settings = {"target_type": "ip", "health_interval": 5, "health_timeout": 2, "deregistration_delay": 5}
    api = connect(*balancer.access)
    several = [
        DesiredRoutes(
            Owner("mcp", LISTENER_ARN, address),
            (Route("time", "/mcp/time", (one.port,), health_path="/mcp/time/health"),),
            **settings,
        )
        for address, one in zip(addresses, (here, there), strict=True)
    ]

    def answering() -> set[str]:
        return {balancer.ask("/mcp/time/x")[1].get("name", "nobody") for _ in range(8)}

    for desired in (*several, *several):
        assert reconcile(api, desired, Options(is_full=True, wait_timeout=40)).errors == {}
    assert len(rules(balancer)) == 1
    until(lambda: answering() == {"here", "there"}, "both hosts serve")
    assert not reconcile(api, several[0], Options(is_full=True)).changed

    assert reconcile(api, replace(several[1], routes=()), Options(wait_timeout=40)).errors == {}

    assert answering() == {"here"}
    assert not reconcile(api, several[0], Options(is_full=True)).changed


def test_at_the_rule_quota_the_old_rule_goes_before_the_new_one_comes(tmp_path, server):
    with running(LocalAlb(tmp_path, "--quota", "rules-per-application-load-balancer=1")) as small:
        run(small, bridged(server("time")))

        result = run(small, bridged(server("web")))

        assert result.errors == {}
        assert small.ask("/mcp/web/x")[0] == 200
        with pytest.raises(QuotaError, match="rules-per-application-load-balancer"):
            run(small, bridged(server("web")), bridged(server("time")))
        assert small.ask("/mcp/web/x")[0] == 200


def test_throttling_fails_no_route(balancer, server):
    balancer.set_faults(throttle={"describe": [10, 10], "other": [10, 5]})

    result = run(balancer, *(bridged(server(f"s{number}")) for number in range(8)))

    assert result.errors == {}


MODULE = "collections/ansible_collections/mcp/orchestrator/plugins/modules/mcp_alb_route.py"


SETTINGS = f"""
[aws]
listener_arn = {LISTENER_ARN}
instance_id = {INSTANCE_ID}
[routes]
health_interval = 5
health_timeout = 2
deregistration_delay = 5
"""


def call_module(balancer: LocalAlb, options: dict[str, Any], settings: str = SETTINGS, **how: Any) -> dict[str, Any]:
    """Run the module file as Ansible does, as a program of its own; ``how`` are Ansible's own options."""
    with tempfile.NamedTemporaryFile("w", suffix="settings.conf") as file:
        file.write(settings)
        file.flush()
        given = {
            "settings": file.name,
            "endpoint_url": balancer.endpoint_url,
            "credentials_file": str(balancer.credentials),
            **options,
            **{f"_ansible_{name}": value for name, value in how.items()},
        }
        program = subprocess.run(
            [sys.executable, str(PROJECT / MODULE)],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": given}),
            capture_output=True,
            text=True,
            timeout=120,
            env={"PYTHONPATH": str(PROJECT / "collections"), "PATH": "/usr/bin:/bin"},
        )
    assert program.stdout, program.stderr
    told: dict[str, Any] = json.loads(program.stdout)
    return told


def test_the_module_says_beforehand_what_it_does_and_then_does_it(balancer, server):
    one = server("time")
    options = {"routes": [{"name": "time", "path": "/mcp/time", "port": one.port, "health_path": "/mcp/time/health"}]}

    forecast = call_module(balancer, options, check_mode=True, diff=True)
    untouched = rules(balancer)
    done = call_module(balancer, options, diff=True)
    again = call_module(balancer, options)

    assert untouched == {}
    assert forecast["changed"] is True
    assert "path-pattern: /mcp/time, /mcp/time/*" in forecast["diff"]["after"]
    assert [step["action"] for step in forecast["actions"]] == [step["action"] for step in done["actions"]]
    assert done["routes"][0]["rule_arn"] in rules(balancer)
    assert done["routes"][0]["priority"] == 1000
    assert again["changed"] is False
    assert again["routes"] == done["routes"]


def test_the_module_changes_nothing_for_a_run_that_a_newer_one_has_superseded(balancer, server):
    fleet = f"superseded-{os.getpid()}"
    settings = f"{SETTINGS}[service]\nfleet = {fleet}\n"
    routes = [{"name": "time", "path": "/mcp/time", "port": server("time").port}]
    with fleet_lock(fleet) as lock:
        late, newer = lock.issue_token(), lock.issue_token()

    left = call_module(balancer, {"routes": routes, "run_token": late}, settings)
    untouched = rules(balancer)
    done = call_module(balancer, {"routes": routes, "run_token": newer}, settings)

    assert (left["superseded_by_newer_run"], left["changed"], left["routes"], untouched) == (True, False, [], {})
    assert (done["superseded_by_newer_run"], done["changed"]) == (False, True)
    assert done["routes"][0]["rule_arn"] in rules(balancer)


def test_the_module_names_every_fault_of_its_routes_at_once(balancer):
    routes = [{"name": "a", "path": "a/"}, {"name": "b", "path": "/b", "port": 70000}]

    told = call_module(balancer, {"routes": routes})

    assert told["failed"] is True
    assert "route 'a'" in told["msg"]
    assert "port 70000" in told["msg"]
    assert balancer.calls == []


def test_a_missing_permission_is_named(balancer, server):
    error = {"code": "AccessDenied", "message": "User is not authorized", "status": 403}
    balancer.set_faults({"operation": "CreateRule", "error": error})
    routes = [{"name": "time", "path": "/mcp/time", "port": server("time").port}]

    told = call_module(balancer, {"routes": routes})

    assert told["failed"] is True
    assert told["errors"][0]["server"] == "time"
    assert "elasticloadbalancing:CreateRule" in told["errors"][0]["message"]


def test_a_login_on_a_listener_without_tls_is_refused_and_nothing_is_opened_instead(balancer, server):
    routes = [{"name": "time", "path": "/mcp/time", "port": server("time").port}]
    provider = "[jwt]\nissuer = https://id.example\njwks_endpoint = https://id.example/jwks\n"

    told = call_module(balancer, {"routes": routes}, f"{SETTINGS}auth = jwt\n{provider}")

    assert told["failed"] is True
    assert "need an HTTPS listener" in told["errors"][0]["message"]
    assert rules(balancer) == {}


def test_a_listener_that_is_gone_is_told_as_such(balancer, server):
    routes = [{"name": "time", "path": "/mcp/time", "port": server("time").port}]

    gone = SETTINGS.replace("/0000000000000001/", "/1111111111111111/")
    told = call_module(balancer, {"routes": routes}, gone)

    assert told["failed"] is True
    assert "correct listener_arn" in told["msg"]


def test_expired_credentials_are_told_once_and_nothing_more_is_tried(balancer, server):
    error = {"code": "ExpiredToken", "message": "The security token included in the request is expired", "status": 403}
    balancer.set_faults({"operation": "CreateTargetGroup", "error": error})
    routes = [{"name": name, "path": f"/mcp/{name}", "port": server(name).port} for name in ("time", "web")]

    told = call_module(balancer, {"routes": routes})

    assert "renew them and run again" in told["msg"]
    assert {each["server"] for each in told["errors"]} >= {"time", "web"}
    assert "CreateRule" not in balancer.calls
