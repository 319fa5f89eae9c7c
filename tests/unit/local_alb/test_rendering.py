"""HAProxy's configuration is a pure function of the world, and HAProxy itself finds no fault with it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from bridge.protocol.revision import HANDSHAKE
from bridge.transport.session_ids import SessionIds
from local_alb.haproxy.backends import ANYWHERE, backend_name, server_name
from local_alb.haproxy.origin_check import Allowed, guard_lines
from local_alb.haproxy.rendering import Keyring, Rendering, Site, render, render_states, servers_of
from local_alb.model.world import Target, World

from tests.unit.local_alb.inprocess import BALANCER, INSTANCE, LISTENER, Alb


def rendered(world: World, folder: Path | str = "/maps") -> Rendering:
    allowed = Allowed(("*.example.com", "[fd00::1]"), ("https://app.example.com:444",))
    return render(world, Site("127.0.0.1", str(folder), f"{folder}/states", allowed=allowed), Keyring())


def checked(world: World, folder: Path) -> str:
    """What ``haproxy -c`` says; empty where all is well."""
    rendering = rendered(world, folder)
    Path(rendering.folder).mkdir(parents=True)
    for name, content in rendering.files.items():
        (Path(rendering.folder) / name).write_text(content, newline="")
    (folder / "states").write_text(render_states(world, frozenset()))
    config = folder / "haproxy.cfg"
    config.write_text(rendering.config)
    run = subprocess.run(["haproxy", "-c", "-f", str(config)], capture_output=True, text=True, check=False)
    warnings = [line for line in run.stderr.splitlines() if "is DOWN, changed from server-state" not in line]
    complaints = [line for line in warnings if "WARNING" in line or "ALERT" in line]
    return "\n".join(complaints) if run.returncode == 0 else run.stderr


@pytest.fixture
def busy(alb: Alb) -> Alb:
    """A load balancer with some of everything."""
    first, second = alb.group("mcp-a"), alb.group("mcp-b", Protocol="HTTPS", HealthCheckPort="9")
    alb.register(first, 8001, 8002)
    alb.register(second, 8001)
    rewrite = {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/a/?(.*)$", "Replace": "/$1"}]}}
    alb.rule(10, first, "/a", "/a/*", Transforms=[rewrite])
    alb.rule(20, None, "/fixed")
    choices = [{"TargetGroupArn": arn, "Weight": 2} for arn in (first, second)]
    alb.rule(30, None, "/w*x", Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": choices}}])
    sticky = {"TargetGroups": choices, "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 9}}
    alb.rule(31, None, "/s*x", Actions=[{"Type": "forward", "ForwardConfig": sticky}])
    body = "quotes \" ' and $HOME and %[src] and # and \\ and\nlines"
    config = {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": body}
    alb.rule(40, None, "/odd/~$.\"@&'*", Actions=[{"Type": "fixed-response", "FixedResponseConfig": config}])
    for arn, key, value in (
        (first, "stickiness.enabled", "true"),
        (first, "slow_start.duration_seconds", "30"),
        (second, "load_balancing.algorithm.type", "least_outstanding_requests"),
    ):
        alb.client.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[{"Key": key, "Value": value}])
    cookie = {"enabled": "true", "type": "app_cookie", "app_cookie.cookie_name": "log-in_1.x"}
    alb.client.modify_target_group_attributes(
        TargetGroupArn=second,
        Attributes=[{"Key": f"stickiness.{key}", "Value": value} for key, value in cookie.items()],
    )
    alb.register(first, 8009)
    alb.client.deregister_targets(TargetGroupArn=first, Targets=[{"Id": INSTANCE, "Port": 8009}])
    header = "routing.http.response.content_security_policy.header_value"
    alb.client.modify_listener_attributes(
        ListenerArn=LISTENER, Attributes=[{"Key": header, "Value": "default-src 'self'; img-src \"x\" %d $x"}]
    )
    return alb


def test_haproxy_finds_no_fault_with_a_bit_of_everything(busy: Alb, tmp_path: Path) -> None:
    assert checked(busy.store.world, tmp_path / "haproxy") == ""


def test_haproxy_finds_no_fault_with_hostile_values(alb: Alb, tmp_path: Path) -> None:
    hostile = "x\" } || $HOME \\ # %[src] ' {"
    conditions = [
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-a_b.c", "Values": [hostile]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": hostile, "Value": "-i"}]}},
        {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ['^/"[ #]\\$']}},
    ]
    rewrites = {"Rewrites": [{"Regex": '^/"[ #](.*)$', "Replace": '/ "$1" %[src] \\1 $'}]}
    alb.rule(1, None, Conditions=conditions, Transforms=[{"Type": "url-rewrite", "UrlRewriteConfig": rewrites}])
    redirect = {"StatusCode": "HTTP_302", "Host": 'a"b %[src]', "Path": "/$HOME #{path}", "Query": '"%'}
    alb.rule(2, None, "/r", Actions=[{"Type": "redirect", "RedirectConfig": redirect}])
    assert checked(alb.store.world, tmp_path / "haproxy") == ""


def test_the_same_world_is_always_rendered_the_same(busy: Alb) -> None:
    assert rendered(busy.store.world) == rendered(busy.store.world)


def test_tags_change_nothing_for_haproxy(busy: Alb) -> None:
    before = rendered(busy.store.world)
    busy.client.add_tags(ResourceArns=[BALANCER, LISTENER], Tags=[{"Key": "a", "Value": "b"}])
    assert rendered(busy.store.world).digest == before.digest


def test_every_other_change_is_noticed(busy: Alb) -> None:
    seen = {rendered(busy.store.world).digest}
    group = busy.client.describe_target_groups(Names=["mcp-a"])["TargetGroups"][0]["TargetGroupArn"]
    rule = busy.client.describe_rules(ListenerArn=LISTENER)["Rules"][0]["RuleArn"]
    idle = [{"Key": "idle_timeout.timeout_seconds", "Value": "90"}]
    for change in (
        lambda: busy.register(group, 8003),
        lambda: busy.client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": INSTANCE, "Port": 8001}]),
        lambda: busy.client.modify_target_group(TargetGroupArn=group, HealthCheckPath="/other"),
        lambda: busy.client.set_rule_priorities(RulePriorities=[{"RuleArn": rule, "Priority": 7}]),
        lambda: busy.client.modify_load_balancer_attributes(LoadBalancerArn=BALANCER, Attributes=idle),
        lambda: busy.client.delete_rule(RuleArn=rule),
    ):
        change()
        digest = rendered(busy.store.world).digest
        assert digest not in seen
        seen.add(digest)


def test_groups_that_no_rule_names_are_not_probed(alb: Alb) -> None:
    alb.register(alb.group("idle"), 8001)
    assert servers_of(alb.store.world) == {}
    assert "8001" not in rendered(alb.store.world).config


def test_a_targets_name_is_its_own_and_stays_so() -> None:
    one, two = Target("i-1", 80, 1.0), Target("i-1", 81, 1.0)
    assert server_name(one) == server_name(Target("i-1", 80, 2.0))
    assert server_name(one) != server_name(two)


@pytest.mark.parametrize("minimum", ["1", "2"])
def test_a_draining_target_gets_the_requests_of_its_own_sessions_and_no_others(alb: Alb, minimum: str) -> None:
    arn = alb.group()
    key = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count"
    attributes = [{"Key": key, "Value": minimum}, {"Key": "stickiness.enabled", "Value": "true"}]
    alb.client.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)
    alb.register(arn, 8001, 8002)
    alb.rule(1, arn)
    old, new = (server_name(target) for target in alb.store.world.target_groups[arn].targets)
    alb.client.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": INSTANCE, "Port": 8001}])
    name = backend_name(alb.store.world.target_groups[arn])
    backends = [text for text in rendered(alb.store.world).config.split("\nbackend ") if text.startswith(name)]
    assert len(backends) == int(minimum)
    for backend in backends:
        lines = [line.strip() for line in backend.splitlines()]
        servers = [line.split()[1:5] for line in lines if line.startswith("server ")]
        assert [words[0] for words in servers if "8001" in words[1]] == [f"{old}.draining"]
        assert [words[2:] for words in servers if "8001" in words[1]] == [["weight", "0"]]
        assert {words[0] for words in servers if "8002" in words[1]} <= {new, f"{new}.open"}
        chosen = [line for line in lines if line.startswith("use-server")]
        # A session's own mark is looked at first; a cookie leads to what takes new requests.
        own = f"use-server {old}.draining if {{ var(txn.token) -m str {old} }}"
        assert chosen[0] == own + " !{ var(txn.moves) -m found }"
        assert [line.split()[1] for line in chosen[1:]] == ["%[var(txn.token)]", "%[var(txn.kept),field(1,~)]"]


def test_where_every_target_drains_all_sessions_stay(alb: Alb) -> None:
    arn = alb.group()
    alb.register(arn, 8001)
    alb.rule(1, arn)
    alb.client.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": INSTANCE, "Port": 8001}])
    assert "txn.moves" not in rendered(alb.store.world).config


@pytest.mark.parametrize("owner", [None, ("oidc", "somebody")])
def test_the_ids_that_any_container_takes_are_known_by_their_form(owner: tuple[str, ...] | None) -> None:
    ids = SessionIds([b"k" * 32], 60)
    for revision in HANDSHAKE:
        assert re.fullmatch(ANYWHERE, ids.sign("0" * 32, revision, owner))
    assert not re.fullmatch(ANYWHERE, "0" * 32)


def test_what_was_never_probed_starts_as_down_and_what_was_healthy_as_up(alb: Alb) -> None:
    arn = alb.group()
    alb.register(arn, 8001, 8002)
    alb.rule(1, arn)
    group = alb.store.world.target_groups[arn]
    known, new = (server_name(target) for target in group.targets)
    text = render_states(alb.store.world, frozenset({(backend_name(group), known)}))
    states = {line.split()[3]: line.split()[5] for line in text.splitlines()[2:]}
    assert states == {known: "2", new: "0"}


def test_targets_are_spoken_to_by_tls_after_a_reload_too_where_their_group_says_so(alb: Alb) -> None:
    for priority, protocol in enumerate(("HTTP", "HTTPS"), 1):
        group = alb.group(f"mcp-{protocol}", Protocol=protocol)
        alb.register(group, 8000 + priority)
        alb.rule(priority, group)
    lines = [line.split() for line in render_states(alb.store.world, frozenset()).splitlines()[1:]]
    port, tls = (lines[0].index(name) - 1 for name in ("srv_port", "srv_use_ssl"))
    assert sorted((line[port], line[tls]) for line in lines[1:]) == [("8001", "0"), ("8002", "1")]


@pytest.mark.parametrize(
    ("port", "written"),
    [
        (80, "%[req.fhdr(host),host_only,lower]"),
        (443, "%[req.fhdr(host),host_only,lower]"),
        (8080, "%[req.fhdr(host),lower,regsub('^(?!.*:[0-9]+\\$)(.+)\\$','\\\\1:8080')]"),
    ],
)
def test_the_port_is_taken_out_of_the_host_header_or_put_into_it(
    alb: Alb, tmp_path: Path, port: int, written: str
) -> None:
    alb.client.modify_listener(ListenerArn=LISTENER, Port=port)
    assert checked(alb.store.world, tmp_path / "haproxy") == ""
    config = rendered(alb.store.world, tmp_path).config
    assert re.findall(r'set-header Host "(%\S+)"', config) == [written]


def test_only_listeners_that_others_cannot_reach_are_guarded(alb: Alb) -> None:
    open_to_others = render(alb.store.world, Site("192.0.2.1", "/maps", "/maps/states"), Keyring())
    assert "sec-fetch-site" not in open_to_others.config
    assert "sec-fetch-site" in rendered(alb.store.world).config


def test_a_pattern_of_a_rule_that_every_name_fulfils_lets_no_other_name_in(alb: Alb) -> None:
    before = guard_lines(Allowed(), alb.store.world.rules_of(LISTENER))
    for priority, name in ((1, "*.*"), (2, "?*.**")):
        condition = {"Field": "host-header", "HostHeaderConfig": {"Values": [name]}}
        alb.rule(priority, None, Conditions=[condition])
    assert guard_lines(Allowed(), alb.store.world.rules_of(LISTENER)) == before


def test_an_older_worker_decides_nothing_and_passes_requests_on_as_they_came(busy: Alb) -> None:
    (frontend,) = [
        text for text in rendered(busy.store.world).config.split("\n\n") if text.startswith("frontend listener.")
    ]
    lines = [line.strip() for line in frontend.splitlines()]
    requests, responses, choices = (
        [line for line in lines if line.startswith(word)] for word in ("http-request", "http-response", "use_backend")
    )
    assert requests[:2] == [
        "http-request set-var(txn.handed) bool(true) if { stopping }",
        "http-request allow if { var(txn.handed) -m found }",
    ]
    assert responses[0] == "http-response allow if { var(txn.handed) -m found }"
    assert choices[0].endswith("if { var(txn.handed) -m found }")
    assert [line.split()[1] for line in lines if line.startswith("bind unix")] == [
        word for word in rendered(busy.store.world).config.split() if word.startswith("unix@")
    ][-1:]


def test_what_haproxy_counts_is_told_only_by_one_that_can_and_to_its_control_plane(alb: Alb) -> None:
    def sections(*, has_exporter: bool) -> list[str]:
        site = Site("127.0.0.1", "/maps", "/maps/states", has_exporter=has_exporter)
        return [each for each in render(alb.store.world, site, Keyring()).config.split("\n\n") if "prometheus" in each]

    assert sections(has_exporter=False) == []
    (section,) = sections(has_exporter=True)
    assert [line.strip() for line in section.splitlines() if "bind" in line] == ["bind unix@/maps/metrics mode 600"]
