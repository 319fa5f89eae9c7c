"""Real requests through a real HAProxy, routed by rules that were made through the API."""

# Longer than 400 lines: its tests share one running load balancer.

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.support.local_alb import (
    BALANCER_ARN,
    INSTANCE_ID,
    LISTENER_ARN,
    VPC_ID,
    Document,
    LocalAlb,
    next_event,
    running,
)
from tests.e2e.support.ports import free_port
from tests.e2e.support.waiting import until


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAlb]:
    named = [word for name in ("*.com", "*.org", "*.example") for word in ("--allowed-host", name)]
    with running(LocalAlb(tmp_path_factory.mktemp("alb"), *named)) as host:
        yield host


@pytest.fixture(autouse=True)
def clean(host: LocalAlb) -> Iterator[None]:
    """Each test begins with no rules and no groups."""
    yield
    for rule in host.client.describe_rules(ListenerArn=LISTENER_ARN)["Rules"]:
        if not rule["IsDefault"]:
            host.client.delete_rule(RuleArn=rule["RuleArn"])
    for group in host.client.describe_target_groups()["TargetGroups"]:
        host.client.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
    attributes = host.client.describe_load_balancer_attributes(LoadBalancerArn=BALANCER_ARN)["Attributes"]
    host.client.modify_load_balancer_attributes(
        LoadBalancerArn=BALANCER_ARN,
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "60"}]
        if any(item["Key"] == "idle_timeout.timeout_seconds" and item["Value"] != "60" for item in attributes)
        else [{"Key": "routing.http.xff_header_processing.mode", "Value": "append"}],
    )
    for upstream in host.upstreams:
        upstream.go.set()
        upstream.close()
    host.upstreams.clear()


def answer(text: str, status: str = "200") -> list[Document]:
    config = {"StatusCode": status, "ContentType": "text/plain", "MessageBody": text}
    return [{"Type": "fixed-response", "FixedResponseConfig": config}]


def rewrite(regex: str, replace: str, kind: str = "url-rewrite") -> Document:
    config = {"url-rewrite": "UrlRewriteConfig", "host-header-rewrite": "HostHeaderRewriteConfig"}[kind]
    return {"Type": kind, config: {"Rewrites": [{"Regex": regex, "Replace": replace}]}}


def routed(host: LocalAlb, *names: str, **settings: Any) -> dict[str, str]:
    """One upstream, group and rule for ``/mcp/NAME`` each; gives the groups' ARNs."""
    groups = {}
    for number, name in enumerate(names):
        groups[name] = host.group(f"mcp-{name}", host.upstream(name).port)
        host.rule(1000 + number, [f"/mcp/{name}", f"/mcp/{name}/*"], groups[name], **settings)
    host.healthy(*groups.values())
    return groups


def test_a_path_that_no_rule_matches_is_404(host: LocalAlb) -> None:
    reply = host.get("/nowhere")
    assert reply.status == 404
    assert json.loads(reply.body) == {"error": "no route matches this path"}


def test_a_prefix_reaches_its_target_and_no_longer_name_does(host: LocalAlb) -> None:
    routed(host, "time", "timex")
    for path, upstream in (("/mcp/time", "time"), ("/mcp/time/", "time"), ("/mcp/timex/a", "timex")):
        assert host.get(path).seen["upstream"] == upstream
    for path in ("/mcp/tim", "/mcp/timey", "/MCP/time", "/mcp", "/x/mcp/time"):
        assert host.get(path).status == 404


def test_no_way_of_writing_a_path_crosses_from_one_route_into_another(host: LocalAlb) -> None:
    routed(host, "open")
    host.rule(1, ["/mcp/secret", "/mcp/secret/*"], Actions=answer("secret"))
    host.settled()
    for path in ("/mcp/open/../secret/x", "/mcp/open/%2e%2e/secret/x", "/mcp/open/./../secret", "/mcp/%73ecret"):
        assert host.get(path).body == b"secret"
    assert host.get("/../../mcp/open/a").seen["path"] == "/mcp/open/a"


def test_the_prefix_is_taken_off_where_the_rule_says_so(host: LocalAlb) -> None:
    group = host.group("mcp-time", host.upstream("time").port)
    host.rule(10, ["/mcp/time", "/mcp/time/*"], group, Transforms=[rewrite("^/mcp/time/?(.*)$", "/$1")])
    host.healthy(group)
    paths = {
        "/mcp/time": "/",
        "/mcp/time/": "/",
        "/mcp/time/a/b": "/a/b",
        "/mcp/time?x=1&y=%20": "/?x=1&y=%20",
        "/mcp/time/a?mcp/time/b": "/a?mcp/time/b",
        "/mcp/time/mcp/time/a": "/mcp/time/a",
    }
    assert {path: host.get(path).seen["path"] for path in paths} == paths


@pytest.mark.parametrize(
    ("regex", "replace", "path", "seen"),
    [
        ("^/dp/([A-Za-z0-9]+)/?$", "/product.php?id=$1", "/dp/B09G3HRMW", "/product.php?id=B09G3HRMW"),
        ("^/dp/(.*)$", "/api/$1", "/dp/a/b?c=d", "/api/a/b?c=d"),
        ("old", "new", "/dp/old/old", "/dp/new/old"),
        ("/(a|b)/", "/$1$1/", "/dp/b/x", "/dp/bb/x"),
        ("^/other", "/never", "/dp/x", "/dp/x"),
        ("x|^/dp", "/100%", "/dp/x", "/100%/x"),
    ],
)
def test_any_rewrite_does_what_aws_documents(host: LocalAlb, regex: str, replace: str, path: str, seen: str) -> None:
    group = host.group("g", host.upstream().port)
    host.rule(10, ["/dp/*"], group, Transforms=[rewrite(regex, replace)])
    host.healthy(group)
    assert host.get(path).seen["path"] == seen


def test_a_rewrite_that_leaves_no_path_is_answered_with_500(host: LocalAlb) -> None:
    group = host.group("g", host.upstream().port)
    host.rule(10, ["/dp/*"], group, Transforms=[rewrite("^/dp/", "")])
    host.healthy(group)
    assert host.get("/dp/x").status == 500


def test_the_host_header_is_rewritten_where_the_rule_says_so(host: LocalAlb) -> None:
    group = host.group("g", host.upstream().port)
    transform = rewrite("^shop-(.+)\\.com$", "internal.$1.example", "host-header-rewrite")
    host.rule(10, ["/*"], group, Transforms=[transform])
    host.healthy(group)
    assert host.get("/", Host="shop-blue.com").seen["headers"]["host"] == "internal.blue.example"
    assert host.get("/", Host="other.com").seen["headers"]["host"] == "other.com"


def test_one_host_is_set_for_more_rules_than_a_line_of_haproxy_holds(host: LocalAlb) -> None:
    group = host.group("g", host.upstream().port)
    sets_host = rewrite("^.*$", "localhost:8931", "host-header-rewrite")
    for number in range(1, 71):
        strip = rewrite(f"^/s{number}/?(.*)$", "/$1")
        host.rule(number, [f"/s{number}", f"/s{number}/*"], group, Transforms=[strip, sets_host])
    host.rule(100, ["/*"], group)
    host.healthy(group)
    for path in ("/s1/x", "/s33/x", "/s70/x"):
        seen = host.get(path, Host="mcp.example.com").seen
        assert (seen["headers"]["host"], seen["path"]) == ("localhost:8931", "/x")
    assert host.get("/other", Host="mcp.example.com").seen["headers"]["host"].startswith("mcp.example.com:")


def condition(field: str, config: str, **values: Any) -> Document:
    return {"Field": field, config: values}


def test_the_first_rule_that_matches_answers_whatever_kinds_of_conditions_there_are(host: LocalAlb) -> None:
    header = condition("http-header", "HttpHeaderConfig", HttpHeaderName="X-Team", Values=["blue*"])
    method = condition("http-request-method", "HttpRequestMethodConfig", Values=["DELETE", "PURGE"])
    query = condition("query-string", "QueryStringConfig", Values=[{"Key": "v", "Value": "2?"}, {"Value": "debug"}])
    name = condition("host-header", "HostHeaderConfig", Values=["*.example.com"])
    here = condition("source-ip", "SourceIpConfig", Values=["10.0.0.0/8", "127.0.0.0/8"])
    elsewhere = condition("source-ip", "SourceIpConfig", Values=["10.0.0.0/8"])
    regex = condition("path-pattern", "PathPatternConfig", RegexValues=["^/r/[0-9]+$"])
    below_a = condition("path-pattern", "PathPatternConfig", Values=["/a/*"])
    host.rule(10, None, Conditions=[below_a, elsewhere], Actions=answer("10"))
    host.rule(20, ["/a/b"], Actions=answer("20"))
    host.rule(30, None, Conditions=[header], Actions=answer("30"))
    host.rule(40, ["/a/*"], Actions=answer("40"))
    host.rule(50, ["/a/c"], Actions=answer("50"))
    host.rule(60, None, Conditions=[method, here], Actions=answer("60"))
    host.rule(70, None, Conditions=[query], Actions=answer("70"))
    host.rule(80, None, Conditions=[name], Actions=answer("80"))
    host.rule(90, ["/w/*/x?z"], Actions=answer("90"))
    host.rule(100, None, Conditions=[regex], Actions=answer("100"))
    host.rule(110, ["*.png"], Actions=answer("110"))
    host.settled()

    def rule(path: str, method: str = "GET", **headers: str) -> str:
        reply = host.get(path, method, **headers)
        return reply.body.decode() if reply.status == 200 else "default"

    assert rule("/a/b") == "20"
    assert rule("/a/b", X_Team="BLUE moon") == "20"
    assert rule("/a/c") == "40"
    assert rule("/a/c", X_Team="blue") == "30"
    assert rule("/zzz", X_Team="red, blue") == "default"
    assert rule("/zzz", "DELETE") == "60"
    assert rule("/zzz", "PURGE") == "60"
    assert rule("/zzz?v=23") == "70"
    assert rule("/zzz?x=1&V=2a&y") == "70"
    assert rule("/zzz?v=234") == "default"
    assert rule("/zzz?debug") == "70"
    assert rule("/zzz?a=debug") == "70"
    assert rule("/zzz", Host="A.Example.com:8080") == "80"
    assert rule("/zzz", Host="example.com") == "default"
    assert rule("/w/1/2/x3z") == "90"
    assert rule("/w/1/2/xz") == "default"
    assert rule("/r/12") == "100"
    assert rule("/r/12a") == "default"
    assert rule("/deep/in/a.png?x") == "110"


def test_a_change_of_priorities_changes_who_answers(host: LocalAlb) -> None:
    first = host.rule(10, ["/p/*"], Actions=answer("first"))
    second = host.rule(20, ["/p/*"], Actions=answer("second"))
    host.settled()
    assert host.get("/p/x").body == b"first"
    host.client.set_rule_priorities(
        RulePriorities=[{"RuleArn": first, "Priority": 20}, {"RuleArn": second, "Priority": 10}]
    )
    host.settled()
    assert host.get("/p/x").body == b"second"


def test_redirects_fill_in_their_keywords(host: LocalAlb) -> None:
    config = {"StatusCode": "HTTP_301", "Protocol": "HTTPS", "Port": "443"}
    config |= {"Host": "new.#{host}", "Path": "/v2/#{path}"}
    host.rule(10, ["/old/*"], Actions=[{"Type": "redirect", "RedirectConfig": config}])
    other = {"StatusCode": "HTTP_302", "Path": "/x", "Query": "from=#{host}&#{query}"}
    host.rule(20, ["/other"], Actions=[{"Type": "redirect", "RedirectConfig": other}])
    host.settled()
    reply = host.get("/old/a?b=c", Host="example.com:80")
    assert (reply.status, reply.headers["location"]) == (301, "https://new.example.com:443/v2/old/a?b=c")
    assert host.get("/old/a", Host="example.com").headers["location"] == "https://new.example.com:443/v2/old/a"
    reply = host.get("/other?q=1", Host="h.org")
    assert (reply.status, reply.headers["location"]) == (302, f"http://h.org:{host.port}/x?from=h.org&q=1")


def test_a_weighted_forward_spreads_requests_by_weight(host: LocalAlb) -> None:
    first = host.group("first", host.upstream("first").port)
    second = host.group("second", host.upstream("second").port)
    none = host.group("none", host.upstream("none").port)
    choices = [(first, 3), (second, 1), (none, 0)]
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in choices]
    host.rule(10, ["/*"], Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}])
    host.healthy(first, second)
    drawn = [host.get("/").seen["upstream"] for _ in range(200)]
    assert drawn.count("none") == 0
    assert 110 <= drawn.count("first") <= 185
    assert drawn.count("first") + drawn.count("second") == 200


def test_an_mcp_session_stays_on_the_target_that_opened_it(host: LocalAlb) -> None:
    names = ("one", "two", "three")
    group = host.group("g", *(host.upstream(name).port for name in names))
    host.rule(10, ["/*"], group)
    host.healthy(group)
    sessions = []
    for _ in range(12):
        reply = host.get("/", "POST", "{}", X_Open_Session="1")
        sessions.append((reply.headers["mcp-session-id"], reply.seen["upstream"]))
    assert {upstream for _, upstream in sessions} == set(names)
    # A change of the rules makes new workers of HAProxy, which know nothing of sessions.
    host.rule(1, ["/other"], Actions=answer("other"))
    host.settled()
    for session, upstream in sessions:
        seen = host.get("/", "POST", "{}", Mcp_Session_Id=session).seen
        assert (seen["upstream"], seen["headers"]["mcp-session-id"]) == (upstream, f"session-of-{upstream}")
    assert host.get("/", Mcp_Session_Id="plain~id").seen["headers"]["mcp-session-id"] == "plain~id"


def test_targets_learn_who_asked_and_how(host: LocalAlb) -> None:
    routed(host, "time")
    headers = host.get("/mcp/time").seen["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-port"] == str(host.port)
    root = headers["x-amzn-trace-id"]
    assert root.startswith("Root=1-")
    assert [len(part) for part in root.removeprefix("Root=").split("-")] == [1, 8, 24]
    headers = host.get("/mcp/time", X_Forwarded_For="1.2.3.4", X_Forwarded_Proto="https", X_Amzn_Trace_Id="Root=x")
    assert headers.seen["headers"]["x-forwarded-for"] == "1.2.3.4, 127.0.0.1"
    assert headers.seen["headers"]["x-forwarded-proto"] == "http"
    assert headers.seen["headers"]["x-amzn-trace-id"].endswith(";Root=x")


@pytest.mark.parametrize(("mode", "seen"), [("preserve", "1.2.3.4"), ("remove", None)])
def test_x_forwarded_for_is_treated_as_the_load_balancer_says(host: LocalAlb, mode: str, seen: str | None) -> None:
    routed(host, "time")
    attribute = {"Key": "routing.http.xff_header_processing.mode", "Value": mode}
    host.client.modify_load_balancer_attributes(LoadBalancerArn=BALANCER_ARN, Attributes=[attribute])
    host.settled()
    assert host.get("/mcp/time", X_Forwarded_For="1.2.3.4").seen["headers"].get("x-forwarded-for") == seen


def test_targets_learn_the_clients_port_where_the_load_balancer_says_so(host: LocalAlb) -> None:
    routed(host, "time")
    key = "routing.http.xff_client_port.enabled"
    for value, form in (("true", r"127\.0\.0\.1:\d+"), ("false", r"127\.0\.0\.1")):
        host.client.modify_load_balancer_attributes(
            LoadBalancerArn=BALANCER_ARN, Attributes=[{"Key": key, "Value": value}]
        )
        host.settled()
        assert re.fullmatch(form, host.get("/mcp/time").seen["headers"]["x-forwarded-for"])


def test_targets_learn_the_port_of_the_listener_with_the_host_unless_it_is_preserved(host: LocalAlb) -> None:
    routed(host, "time")
    key = "routing.http.preserve_host_header.enabled"
    for value, seen in (("true", "h.example"), ("false", f"h.example:{host.port}")):
        host.client.modify_load_balancer_attributes(
            LoadBalancerArn=BALANCER_ARN, Attributes=[{"Key": key, "Value": value}]
        )
        host.settled()
        assert host.get("/mcp/time", Host="h.example").seen["headers"]["host"] == seen
        assert host.get("/mcp/time", Host="h.example:99").seen["headers"]["host"] == "h.example:99"


def test_header_names_that_are_none_are_dropped_where_the_load_balancer_says_so(host: LocalAlb) -> None:
    routed(host, "time")
    odd = {"+agent": "1", "snake_case": "2", "X-Fine": "3"}
    key = "routing.http.drop_invalid_header_fields.enabled"
    for value, kept in (("false", {"+agent", "snake_case", "x-fine"}), ("true", {"x-fine"}), ("false", set(odd))):
        host.client.modify_load_balancer_attributes(
            LoadBalancerArn=BALANCER_ARN, Attributes=[{"Key": key, "Value": value}]
        )
        host.settled()
        seen = host.send("/mcp/time", odd).seen["headers"]
        assert {name.lower() for name in odd} & set(seen) == {name.lower() for name in kept}


def test_events_arrive_one_by_one(host: LocalAlb) -> None:
    upstream = host.upstream("events")
    group = host.group("g", upstream.port)
    host.rule(10, ["/*"], group)
    host.healthy(group)
    stream = host.stream("/stream")
    assert next_event(stream) == "events 0"
    for number in (1, 2, 3):
        upstream.go.set()
        assert next_event(stream) == f"events {number}"
    stream.close()


def test_a_web_socket_passes(host: LocalAlb) -> None:
    routed(host, "ws")
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as connection:
        connection.sendall(
            b"GET /mcp/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        assert head.startswith(b"HTTP/1.1 101")
        connection.sendall(b"hello")
        assert connection.recv(4096) == b"echo:hello"


def test_a_large_body_passes_unchanged(host: LocalAlb) -> None:
    routed(host, "time")
    body = "x" * 3_000_000
    assert host.get("/mcp/time", "POST", body).seen["body"] == body


def test_a_silent_target_is_504_after_the_idle_timeout(host: LocalAlb) -> None:
    groups = routed(host, "slow")
    assert groups
    transform = rewrite("^/mcp/slow/?(.*)$", "/slow/$1")
    rule = host.client.describe_rules(ListenerArn=LISTENER_ARN)["Rules"][0]["RuleArn"]
    host.client.modify_rule(RuleArn=rule, Transforms=[transform])
    attribute = {"Key": "idle_timeout.timeout_seconds", "Value": "1"}
    host.client.modify_load_balancer_attributes(LoadBalancerArn=BALANCER_ARN, Attributes=[attribute])
    host.settled()
    reply = host.get("/mcp/slow")
    assert reply.status == 504
    assert b"504 Gateway Time-out" in reply.body


def test_a_group_without_targets_is_503(host: LocalAlb) -> None:
    group = host.group("empty")
    host.rule(10, ["/*"], group)
    host.settled()
    reply = host.get("/")
    assert (reply.status, reply.headers["server"]) == (503, "awselb/2.0")
    assert b"503 Service Temporarily Unavailable" in reply.body


def test_a_target_that_refuses_connections_is_502(host: LocalAlb) -> None:
    group = host.group("gone", free_port())
    host.rule(10, ["/*"], group)
    host.settled()
    reply = host.get("/")
    assert (reply.status, reply.headers["server"]) == (502, "awselb/2.0")
    assert b"502 Bad Gateway" in reply.body


def test_a_request_that_one_of_two_targets_refuses_goes_to_the_other(host: LocalAlb) -> None:
    gone, there = host.upstream(), host.upstream()
    group = host.group("pair", gone.port, there.port)
    host.rule(10, ["/*"], group)
    host.healthy(group)
    gone.close()
    assert [host.get("/", method="POST", body="{}").status for _call in range(6)] == [200] * 6
    assert there.requests == 6


def test_a_503_of_the_target_itself_stays_one(host: LocalAlb) -> None:
    upstream = host.upstream()
    group = host.group("g", upstream.port)
    host.rule(10, ["/*"], group, Transforms=[rewrite("^/x$", "/health")])
    host.healthy(group)
    upstream.health = 503
    assert host.get("/x").status == 503


def test_another_listener_has_its_own_rules(host: LocalAlb) -> None:
    port = free_port()
    listener = host.client.create_listener(
        LoadBalancerArn=BALANCER_ARN, Protocol="HTTP", Port=port, DefaultActions=answer("other")
    )["Listeners"][0]["ListenerArn"]
    host.settled()

    def body(at: int) -> bytes:
        with socket.create_connection(("127.0.0.1", at), timeout=10) as connection:
            connection.sendall(b"GET /zzz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            with connection.makefile("rb") as reader:
                return reader.read().partition(b"\r\n\r\n")[2]

    assert body(port) == b"other"
    assert b"no route" in body(host.port)
    host.client.delete_listener(ListenerArn=listener)
    host.settled()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_listener_on_a_port_that_is_in_use_is_refused(host: LocalAlb) -> None:
    taken = host.upstream().port
    request = {"LoadBalancerArn": BALANCER_ARN, "Protocol": "HTTP", "Port": taken, "DefaultActions": answer("x")}
    with pytest.raises(host.client.exceptions.InvalidConfigurationRequestException, match="in use"):
        host.client.create_listener(**request)


def test_an_ip_target_is_reached_where_it_is(host: LocalAlb) -> None:
    upstream = host.upstream("by-address")
    group = host.client.create_target_group(
        Name="g", Protocol="HTTP", Port=upstream.port, VpcId=VPC_ID, TargetType="ip", HealthCheckPath="/health"
    )["TargetGroups"][0]["TargetGroupArn"]
    host.client.register_targets(TargetGroupArn=group, Targets=[{"Id": "127.0.0.1"}])
    host.rule(10, ["/*"], group)
    host.healthy(group)
    assert host.get("/").seen["upstream"] == "by-address"


def test_a_hundred_routes_all_lead_to_their_own_targets(host: LocalAlb) -> None:
    upstream = host.upstream("shared")
    groups = {}
    lock = threading.Lock()

    def make(number: int) -> None:
        group = host.group(f"mcp-s{number}", upstream.port)
        transform = rewrite(f"^/mcp/s{number}/?(.*)$", f"/{number}/$1")
        host.rule(1000 + number, [f"/mcp/s{number}", f"/mcp/s{number}/*"], group, Transforms=[transform])
        with lock:
            groups[number] = group

    def make_some(first: int) -> None:
        for number in range(first, 100, 8):
            make(number)

    threads = [threading.Thread(target=make_some, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(groups) == 100
    host.healthy(*groups.values())
    for number in range(100):
        assert host.get(f"/mcp/s{number}/x").seen["path"] == f"/{number}/x"
    until(lambda: host.health() == {"data_plane": "active", "current": True, "problem": None}, "all is well")
    assert INSTANCE_ID
