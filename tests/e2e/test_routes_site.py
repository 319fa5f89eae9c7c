"""The site's routes on a load balancer that is not the embedded one, as settings and entries say.

A second local ALB stands for AWS: the role reaches it only by what a user sets, a load balancer's name, and by boto3's
own AWS_ENDPOINT_URL.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.host_address import ThisHost
from local_alb.model.tls import LOCAL_CERTIFICATE_ARN

from tests.credentials import ACCESS_KEY
from tests.e2e.support.client import answers, call, status
from tests.e2e.support.local_alb import BALANCER_ARN, INSTANCE_ID, LISTENER_ARN, LocalAlb
from tests.e2e.support.ports import free_port
from tests.e2e.support.sample import SAMPLE
from tests.e2e.support.sessions import clients
from tests.e2e.support.site import FLEET, MONITOR_PORT, ROUTER_PORT, SETTINGS, Site
from tests.e2e.support.site import settings as settings_text
from tests.e2e.support.waiting import until

ROUTES = """
host_header = mcp.example.com
priority_start = 200
priority_end = 299
health_interval = 6
slow_start = 30
stickiness = 60
"""
DESIRED = f"""{settings_text(ROUTES)}
publish_address = 127.0.0.1
[aws]
alb_name = mcp-local
region = us-east-1
instance_id = {INSTANCE_ID}
[dashboard]
priority = 150
[tags]
team = tools
"""


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAlb]:
    root = Path(tempfile.mkdtemp(prefix="mcp-aws-", dir="/var/tmp"))
    balancer = LocalAlb(root, "--faults").start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", balancer.endpoint_url)
    for name, value in ACCESS_KEY.items():
        monkeypatch.setenv(name.upper(), value)
    yield balancer
    balancer.close()
    shutil.rmtree(root)


@pytest.fixture
def settings(site: Site) -> Iterator[Path]:
    """The settings' file; what a test wrote into it and into the config is taken back, and the fleet with it."""
    path = site.etc / "settings.conf"
    before = path.read_text()
    yield path
    path.write_text(before)
    site.write_config(SAMPLE)
    has_router = (site.var / "node_router").exists()
    run = site.install() if has_router else site.reconcile()
    assert run.code == 0, run.output
    assert not (site.var / "node_router").exists()


def elbv2(balancer: LocalAlb) -> Any:
    return boto3.client("elbv2", endpoint_url=balancer.endpoint_url, region_name="us-east-1")


def rules(balancer: LocalAlb) -> dict[str, dict[str, Any]]:
    """The rules by their first path."""
    found = elbv2(balancer).describe_rules(ListenerArn=LISTENER_ARN)["Rules"]
    by_field = [(rule, {each["Field"]: each for each in rule["Conditions"]}) for rule in found if not rule["IsDefault"]]
    return {each["path-pattern"]["Values"][0]: {**rule, "by_field": each} for rule, each in by_field}


def test_what_settings_and_entries_say_of_routes_is_what_the_load_balancer_is_told(
    site: Site, settings: Path, aws: LocalAlb
) -> None:
    settings.write_text(DESIRED)
    extension = {"priority": 120, "conditions": {"http_header": {"X-Team": ["billing"]}}}
    site.write_config({**SAMPLE, "time": {**SAMPLE["time"], "orchestrator": extension}})

    run = site.reconcile()

    assert run.code == 0, run.output
    found = rules(aws)
    assert {path: rule["Priority"] for path, rule in found.items()} == {
        "/monitor": "150",
        "/mcp/time": "120",
        "/mcp/everything": "200",
        "/mcp/orders": "201",
    }
    assert all(rule["by_field"]["host-header"]["Values"] == ["mcp.example.com"] for rule in found.values())
    assert found["/mcp/time"]["by_field"]["http-header"]["HttpHeaderConfig"]["HttpHeaderName"] == "X-Team"
    api = elbv2(aws)
    groups = {group["TargetGroupName"]: group for group in api.describe_target_groups()["TargetGroups"]}
    (orders,) = (group for name, group in groups.items() if "orders" in name)
    arn = orders["TargetGroupArn"]
    told = api.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    attributes = {each["Key"]: each["Value"] for each in told}
    (tags,) = api.describe_tags(ResourceArns=[arn])["TagDescriptions"]
    assert orders["HealthCheckIntervalSeconds"] == 6
    assert (attributes["slow_start.duration_seconds"], attributes["stickiness.enabled"]) == ("30", "true")
    assert {"Key": "team", "Value": "tools"} in tags["Tags"]

    url = f"{aws.url}/mcp/time/health"
    host = {"Host": "mcp.example.com"}
    answers(url, 200, {**host, "X-Team": "billing"})
    assert [status(url, host), status(url, {"X-Team": "billing"})] == [404, 404]
    assert {server["name"]: server["health"]["status"] for server in site.state()["servers"] if server["route"]} == {
        "everything": "ok",
        "orders": "ok",
        "time": "ok",
    }


def test_clients_of_a_server_behind_tokens_are_told_by_the_monitor_where_to_log_in(
    site: Site, settings: Path, aws: LocalAlb, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = elbv2(aws).create_listener(
        LoadBalancerArn=BALANCER_ARN,
        Protocol="HTTPS",
        Port=free_port(),
        Certificates=[{"CertificateArn": LOCAL_CERTIFICATE_ARN}],
        SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )["Listeners"][0]
    aws.settled()
    named = f"alb_name = mcp-local\nlistener_port = {listener['Port']}"
    issuer = "[jwt]\nissuer = https://id.example\njwks_endpoint = https://id.example/jwks\n"
    plain = DESIRED.replace("alb_name = mcp-local", named).replace("host_header = mcp.example.com", "")
    settings.write_text(plain + issuer)
    site.write_config({**SAMPLE, "time": {**SAMPLE["time"], "orchestrator": {"auth": "jwt"}}})
    trusted = str(aws.directory / "certificates/local.pem")
    monkeypatch.setenv("SSL_CERT_FILE", trusted)  # for the probe of the servers that let everybody pass
    context = ssl.create_default_context(cafile=trusted)

    def ask(path: str) -> tuple[int, str | None, str]:
        connection = http.client.HTTPSConnection("localhost", listener["Port"], timeout=60, context=context)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("WWW-Authenticate"), answer.read().decode()

    run = site.reconcile()

    assert run.code == 0, run.output
    until(lambda: ask("/mcp/time/mcp")[0] == 401, "who has no token is told so")
    where = f"https://localhost:{listener['Port']}/.well-known/oauth-protected-resource/mcp/time/mcp"
    assert ask("/mcp/time/mcp")[1] == f'Bearer resource_metadata="{where}"'
    found = json.loads(ask("/.well-known/oauth-protected-resource/mcp/time/mcp")[2])
    assert found["resource"] == f"https://localhost:{listener['Port']}/mcp/time/mcp"
    assert found["authorization_servers"] == ["https://id.example"]
    assert ask("/.well-known/oauth-protected-resource/mcp/orders/mcp")[0] == 404
    site.wait_well("time")
    again = site.reconcile()
    assert (again.code, "changed=0" in again.output) == (0, True), again.output

    site.write_config(SAMPLE)
    assert site.reconcile().code == 0
    until(lambda: ask("/.well-known/oauth-protected-resource")[0] == ask("/mcp/unknown")[0] == 404, "the rule is gone")
    until(lambda: ask("/mcp/time/health")[0] == 200, "everybody is let pass")
    described = elbv2(aws).describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    assert len(described) == 5  # three servers, the monitor, and what the listener does else


def test_a_router_on_the_host_takes_over_and_gives_back_without_a_word_from_clients(site: Site, settings: Path) -> None:
    settings.write_text(settings_text("topology = node-router\n"))

    run = site.install()

    assert run.code == 0, run.output
    assert set(site.rules()) == {"/mcp", "/monitor"}
    assert "datetime" in call(f"{site.url}/mcp/time/mcp", "get_current_time", {"timezone": "Europe/Berlin"})
    servers = site.servers()
    assert servers["time"]["route"]["url"] == f"{site.url}/mcp/time/mcp"
    assert {name: server["health"]["status"] for name, server in servers.items() if server["route"]} == {
        "everything": "ok",
        "orders": "ok",
        "time": "ok",
    }
    assert site.reconcile().changed == 0
    assert site.state()["errors"] == []

    with clients(f"{site.url}/mcp/time/mcp", ("get_current_time", {"timezone": "UTC"}), 2) as asking:
        site.write_config({**SAMPLE, "time": {**SAMPLE["time"], "env": {"TZ": "Asia/Tokyo"}}})
        run = site.reconcile()
        assert run.code == 0, run.output
        asking.go_on()
        assert (asking.faults, site.servers()["time"]["draining"]) == ({}, {"containers": 1, "sessions": 2})
    assert asking.faults == {}

    settings.write_text(settings_text("topology = node-router\ntarget_tls = true\n"))
    run = site.install()
    assert run.code == 0, run.output
    (router,) = (group for group in site.elbv2().describe_target_groups()["TargetGroups"] if "router" in str(group))
    assert router["Protocol"] == "HTTPS"
    assert "datetime" in call(f"{site.url}/mcp/time/mcp", "get_current_time", {"timezone": "Europe/Berlin"})


def test_a_router_behind_another_load_balancer_listens_with_the_monitor_where_that_reaches_them(
    site: Site, settings: Path, aws: LocalAlb
) -> None:
    address = ThisHost().default_source()
    settings.write_text(
        settings_text("topology = node-router\nhealth_interval = 5\nhealth_timeout = 2\n")
        + f"[aws]\nalb_name = mcp-local\nregion = us-east-1\ntarget_type = ip\ntarget_address = {address}\n"
    )

    run = site.install()

    assert run.code == 0, run.output
    assert set(rules(aws)) == {"/mcp", "/monitor"}
    for path in ("/monitor/health", "/mcp/time/health"):
        answers(f"{aws.url}{path}", 200)
    assert [each["HostIp"] for each in site.docker.api.port(f"{FLEET}-time", 8000)] == ["127.0.0.1"]
    assert [listens("127.0.0.1", port) for port in (MONITOR_PORT, ROUTER_PORT)] == [False, False]


def listens(address: str, port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((address, port)) == 0


def test_what_listens_follows_the_host_s_address(site: Site, settings: Path) -> None:
    installed = {"mcp_installed_exposure": dict.fromkeys(("servers", "router", "monitor"), "127.0.0.1")}
    moved = {"mcp_installed_exposure": dict.fromkeys(("servers", "router", "monitor"), "127.0.0.2")}
    settings.write_text(f"{SETTINGS}publish_address = 127.0.0.2\n")
    try:
        run = site.reconcile("-e", json.dumps(installed))

        assert run.code == 0, run.output
        assert [listens(address, MONITOR_PORT) for address in ("127.0.0.1", "127.0.0.2")] == [False, True]
        assert [each["HostIp"] for each in site.docker.api.port(f"{FLEET}-time", 8000)] == ["127.0.0.2"]
        for path in ("/monitor/health", "/mcp/time/health"):
            answers(f"{site.url}{path}", 200)
        again = site.reconcile("-e", json.dumps(moved))
        assert (again.code, again.changed) == (0, 0), again.output
    finally:
        settings.write_text(SETTINGS)
        restored = site.install()
        assert restored.code == 0, restored.output
