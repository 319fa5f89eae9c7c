"""What keeps a client with a group or with a target: cookies, and the mark of an MCP session; on a real HAProxy."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.support.local_alb import Document, LocalAlb, running
from tests.e2e.support.waiting import until


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAlb]:
    with running(LocalAlb(tmp_path_factory.mktemp("alb"))) as host:
        yield host


def sticky(host: LocalAlb, path: str, **settings: str) -> str:
    """A group of two targets behind ``path`` with these attributes (``stickiness.`` left out); gives its ARN."""
    name = path.strip("/")
    group = host.group(name, host.upstream("one").port, host.upstream("two").port)
    attributes = {"enabled": "true", **{key.replace("__", "."): value for key, value in settings.items()}}
    host.client.modify_target_group_attributes(
        TargetGroupArn=group,
        Attributes=[{"Key": f"stickiness.{key}", "Value": value} for key, value in attributes.items()],
    )
    host.rule(len(host.upstreams), [path], group)
    host.healthy(group)
    return group


def reached(host: LocalAlb, path: str, cookie: str = "") -> set[str]:
    """The upstreams that twenty requests with ``cookie`` get to."""
    headers = {"Cookie": cookie} if cookie else {}
    return {host.get(path, **headers).seen["upstream"] for _ in range(20)}


def pair(cookies: dict[str, str], name: str) -> str:
    """What a client sends back of one cookie."""
    return f"{name}={cookies[name].partition(';')[0]}"


@pytest.mark.parametrize("name", ["AWSALB", "AWSALBCORS"])
def test_a_duration_cookie_keeps_a_client_on_its_target(host: LocalAlb, name: str) -> None:
    path = f"/{name.lower()}"
    sticky(host, path, lb_cookie__duration_seconds="600")
    reply = host.get(path)
    assert set(reply.cookies) == {"AWSALB", "AWSALBCORS"}
    assert "Max-Age=600" in reply.cookies[name]
    assert ("SameSite=None" in reply.cookies[name]) == (name == "AWSALBCORS")
    assert reached(host, path, pair(reply.cookies, name)) == {reply.seen["upstream"]}
    assert reached(host, path) == {"one", "two"}


def test_a_cookie_is_worth_nothing_when_its_duration_is_over(host: LocalAlb) -> None:
    sticky(host, "/brief", lb_cookie__duration_seconds="1")
    cookie = pair(host.get("/brief").cookies, "AWSALB")
    ends = int(cookie.rpartition("~")[2])
    time.sleep(max(0.0, ends + 1 - time.time()))
    assert reached(host, "/brief", cookie) == {"one", "two"}


def test_a_cookie_of_a_target_that_left_leads_to_another(host: LocalAlb) -> None:
    group = sticky(host, "/leaving")
    reply = host.get("/leaving")
    ports = {upstream.name: upstream.port for upstream in host.upstreams[-2:]}
    host.deregister(group, ports.pop(reply.seen["upstream"]))
    host.settled()
    assert reached(host, "/leaving", pair(reply.cookies, "AWSALB")) == set(ports)


def test_an_applications_cookie_begins_and_keeps_a_session(host: LocalAlb) -> None:
    sticky(host, "/shop", type="app_cookie", app_cookie__cookie_name="login")
    assert host.get("/shop").cookies == {}
    reply = host.get("/shop", X_Log_In="1")
    assert set(reply.cookies) == {"login", "AWSALBAPP-0"}
    login, own = pair(reply.cookies, "login"), pair(reply.cookies, "AWSALBAPP-0")
    assert reached(host, "/shop", f"{login}; {own}") == {reply.seen["upstream"]}
    # The client logged out, or sends one cookie only: no session, no stickiness.
    assert reached(host, "/shop", own) == {"one", "two"}
    assert reached(host, "/shop", login) == {"one", "two"}
    assert "AWSALBAPP-0" in host.get("/shop", Cookie=f"{login}; {own}").cookies


@pytest.mark.parametrize("name", ["AWSALBTG", "AWSALBTGCORS"])
def test_a_group_cookie_keeps_a_client_in_its_group(host: LocalAlb, name: str) -> None:
    path = f"/{name.lower()}"
    arns = [host.group(f"{name}-{letter}", host.upstream(letter).port) for letter in "ab"]
    config: Document = {
        "TargetGroups": [{"TargetGroupArn": arn, "Weight": 1} for arn in arns],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60},
    }
    host.rule(len(host.upstreams), [path], Actions=[{"Type": "forward", "ForwardConfig": config}])
    host.healthy(*arns)
    reply = host.get(path)
    assert set(reply.cookies) == {"AWSALBTG", "AWSALBTGCORS"}
    assert "Max-Age=60" in reply.cookies[name]
    assert reached(host, path, pair(reply.cookies, name)) == {reply.seen["upstream"]}
    assert reached(host, path) == {"a", "b"}
    stale = pair(reply.cookies, name).rpartition("~")[0] + "~1"
    assert reached(host, path, stale) == {"a", "b"}


def test_a_draining_target_serves_its_own_sessions_until_it_is_gone(host: LocalAlb) -> None:
    old, new = host.upstream("old"), host.upstream("new")
    group = host.group("drain", old.port, delay=600)
    host.rule(900, ["/drain"], group)
    host.healthy(group)
    session = host.get("/drain", "POST", "{}", X_Open_Session="1").headers["mcp-session-id"]
    host.register(group, new.port)
    host.healthy(group)
    # As the bridge of a pooled server signs it: any container takes it.
    moving = session.partition("~")[0] + f"~{'0' * 40}a2025-11-25{'f' * 32}"
    assert {host.get("/drain", Mcp_Session_Id=moving).seen["upstream"] for _ in range(6)} == {"old"}
    host.deregister(group, old.port)
    host.settled()
    assert {host.get("/drain", Mcp_Session_Id=moving).seen["upstream"] for _ in range(6)} == {"new"}
    assert {host.get("/drain").seen["upstream"] for _ in range(6)} == {"new"}
    assert {host.get("/drain", Mcp_Session_Id=session).seen["upstream"] for _ in range(6)} == {"old"}
    host.rule(901, ["/other"], group)
    host.settled()
    assert host.get("/drain", Mcp_Session_Id=session).seen["upstream"] == "old"
    old.close()
    until(lambda: host.states(group) == {new.port: "healthy"}, "the old target is gone")
    assert host.get("/drain", Mcp_Session_Id=session).seen["upstream"] == "new"
