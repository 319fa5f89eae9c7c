# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Worlds and desired routes for property tests: any routes, drift of every kind, foreign rules around and between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options, Result, reconcile
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import LISTENER, FakeElbv2
from hypothesis import strategies as st

HOST = "i-0aaa"
OTHER_HOST = "i-0bbb"
OWNER = Owner("mcp", LISTENER, HOST)
SERVERS = ("alpha", "beta", "gamma")
PATHS = ("/mcp/alpha", "/mcp/beta", "/mcp/alpha/sub", "/tools", "/tools/x.y")
FOREIGN_PATHS = ("/shop/*", "/mcp/*", "/tools*", "/mcp/alpha", "/*")
FOREIGN_SERVER = ("i-0fff", 80)


@dataclass
class Ports:
    """Gives every way in which a server may run a port of its own, and makes it answer there."""

    elbv2: FakeElbv2
    known: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def of(self, host: str, health_path: str, strip_prefix: bool, *way: Any) -> int:
        key = (health_path, strip_prefix, *way)
        port = self.known.setdefault(key, 20000 + len(self.known))
        self.elbv2.servers[(host, port)] = (health_path, strip_prefix, str(way[0]))
        return port


@dataclass(frozen=True)
class RouteDraw:
    """A route as drawn; ports are given when it meets a world."""

    name: str
    path: str
    generation: int
    replicas: int
    strip_prefix: bool
    priority: int | None

    def route(self, ports: Ports, host: str = HOST) -> Route:
        # A server behind the bridge is told its prefix when it starts; one that speaks HTTP itself is not.
        health_path = "/mcp" if self.strip_prefix else f"{self.path}/health"
        way = (self.name, self.generation, "" if self.strip_prefix else self.path)
        given = tuple(ports.of(host, health_path, self.strip_prefix, *way, replica) for replica in range(self.replicas))
        return Route(self.name, self.path, given, self.strip_prefix, health_path, priority=self.priority)


@st.composite
def route_lists(draw: st.DrawFn, fixed_priorities: bool = True) -> list[RouteDraw | SharingDraw]:
    names = draw(st.lists(st.sampled_from(SERVERS), unique=True))
    paths = draw(st.permutations(PATHS))
    some = st.none() | st.integers(1, 8) if fixed_priorities else st.none()
    numbers = draw(st.lists(some, min_size=len(names), max_size=len(names)))
    unique = [number if number not in numbers[:index] else None for index, number in enumerate(numbers)]
    own = [
        RouteDraw(name, path, draw(st.integers(0, 2)), draw(st.integers(0, 2)), draw(st.booleans()), number)
        for name, path, number in zip(names, paths, unique, strict=False)
    ]
    return [*own, SharingDraw("all", own[0].name)] if own and draw(st.booleans()) else [*own]


@dataclass(frozen=True)
class SharingDraw:
    """A route to the targets of the first of the others, for all that no narrower route of ours or of others takes."""

    name: str
    first: str

    def route(self, ports: Ports, host: str = HOST) -> Route:
        return Route(self.name, "/mcp", shares=self.first, gives_way=True)


def desired_for(
    routes: list[RouteDraw | SharingDraw], ports: Ports, host: str = HOST, **settings: Any
) -> DesiredRoutes:
    owner = Owner(OWNER.fleet, OWNER.listener_arn, host)
    settings = {"priority_start": 1, "priority_end": 12, **settings}
    return DesiredRoutes(owner, tuple(route.route(ports, host) for route in routes), **settings)


def run(elbv2: FakeElbv2, desired: DesiredRoutes, **options: Any) -> Result:
    return reconcile(elbv2, desired, Options(**options), elbv2.clock)


# -- drift: what others may do to our rules and groups behind our back

Drift = Callable[[FakeElbv2, Ports], None]


def _our_rules(elbv2: FakeElbv2) -> list[str]:
    return sorted(arn for arn in elbv2.rules if OWNER.owns(elbv2.tags.get(arn)))


def _our_groups(elbv2: FakeElbv2) -> list[str]:
    return sorted(arn for arn in elbv2.groups if OWNER.owns(elbv2.tags.get(arn)))


def _on_rule(index: int, change: Callable[[FakeElbv2, dict[str, Any]], None]) -> Drift:
    def drift(elbv2: FakeElbv2, ports: Ports) -> None:
        rules = _our_rules(elbv2)
        if rules:
            change(elbv2, elbv2.rules[rules[index % len(rules)]])

    return drift


def _on_group(index: int, change: Callable[[FakeElbv2, str], None]) -> Drift:
    def drift(elbv2: FakeElbv2, ports: Ports) -> None:
        groups = _our_groups(elbv2)
        if groups:
            change(elbv2, groups[index % len(groups)])

    return drift


def _add_condition(elbv2: FakeElbv2, rule: dict[str, Any]) -> None:
    rule["Conditions"].append({"Field": "host-header", "HostHeaderConfig": {"Values": ["Other.example"]}})


def _change_paths(values: list[str]) -> Callable[[FakeElbv2, dict[str, Any]], None]:
    def change(elbv2: FakeElbv2, rule: dict[str, Any]) -> None:
        rule["Conditions"] = [{"Field": "path-pattern", "Values": values, "PathPatternConfig": {"Values": values}}]

    return change


def _answer_itself(elbv2: FakeElbv2, rule: dict[str, Any]) -> None:
    rule["Actions"] = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}, "Order": 1}]


def _add_transform(elbv2: FakeElbv2, rule: dict[str, Any]) -> None:
    rewrite = {"Rewrites": [{"Regex": "^/(.*)$", "Replace": "/v2/$1"}]}
    rule["Transforms"] = [{"Type": "url-rewrite", "UrlRewriteConfig": rewrite}]


def _move(elbv2: FakeElbv2, rule: dict[str, Any]) -> None:
    taken = {other["Priority"] for other in elbv2.rules.values()}
    rule["Priority"] = next(str(number) for number in range(15, 100) if str(number) not in taken)


def _delete_rule(elbv2: FakeElbv2, rule: dict[str, Any]) -> None:
    elbv2.call("delete_rule", {"RuleArn": rule["RuleArn"]})


def _copy_rule(elbv2: FakeElbv2, rule: dict[str, Any]) -> None:
    taken = {other["Priority"] for other in elbv2.rules.values()}
    number = next(number for number in range(1, 100) if str(number) not in taken)
    elbv2.add_rule(number, rule["Conditions"], rule["Actions"], elbv2.tags[rule["RuleArn"]])


def _forget_rule_tags(elbv2: FakeElbv2, rule: dict[str, Any]) -> None:
    elbv2.tags[rule["RuleArn"]] = {}


def _forward_abroad(elbv2: FakeElbv2, rule: dict[str, Any]) -> None:
    groups = sorted(arn for arn in elbv2.groups if not OWNER.owns(elbv2.tags.get(arn)))
    if groups:
        rule["Actions"] = [{"Type": "forward", "TargetGroupArn": groups[0]}]


def _drop_targets(elbv2: FakeElbv2, arn: str) -> None:
    elbv2.targets[arn] = {}


def _stray_target(elbv2: FakeElbv2, arn: str) -> None:
    elbv2.call("register_targets", {"TargetGroupArn": arn, "Targets": [{"Id": HOST, "Port": 29999}]})


def _other_hosts_target(elbv2: FakeElbv2, arn: str) -> None:
    health_path = elbv2.groups[arn]["HealthCheckPath"]
    port = 20500 + len(elbv2.servers)
    elbv2.servers[(OTHER_HOST, port)] = (health_path, health_path == "/mcp", elbv2.tags[arn]["mcp_service"])
    elbv2.call("register_targets", {"TargetGroupArn": arn, "Targets": [{"Id": OTHER_HOST, "Port": port}]})


def _change_health_check(elbv2: FakeElbv2, arn: str) -> None:
    elbv2.groups[arn].update(HealthCheckIntervalSeconds=30, Matcher={"HttpCode": "200-499"})


def _change_attributes(elbv2: FakeElbv2, arn: str) -> None:
    elbv2.attributes[arn].update({"stickiness.enabled": "true", "deregistration_delay.timeout_seconds": "300"})


def _foreign_rule(priority: int, path: str, with_host: bool) -> Drift:
    def drift(elbv2: FakeElbv2, ports: Ports) -> None:
        if any(rule["Priority"] == str(priority) for rule in elbv2.rules.values()):
            return
        # A name that could be ours, and tags that say it is not.
        name = f"mcp-shop-{priority:08x}"
        group = next((arn for arn, found in elbv2.groups.items() if found["TargetGroupName"] == name), None)
        group = group or elbv2.add_group(name, "/", {"mcp_fleet": "other"})
        elbv2.servers[FOREIGN_SERVER] = ("/", False, "shop")
        elbv2.call("register_targets", {"TargetGroupArn": group, "Targets": [{"Id": "i-0fff", "Port": 80}]})
        conditions: list[dict[str, Any]] = [{"Field": "path-pattern", "PathPatternConfig": {"Values": [path]}}]
        if with_host:
            conditions.append({"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.example"]}})
        elbv2.add_rule(priority, conditions, [{"Type": "forward", "TargetGroupArn": group}])

    return drift


RULE_DRIFTS = (
    _add_condition,
    _answer_itself,
    _add_transform,
    _move,
    _delete_rule,
    _copy_rule,
    _forget_rule_tags,
    _forward_abroad,
    *(_change_paths(values) for values in (["/mcp/beta", "/mcp/beta/*"], ["/mcp/alpha", "/tools", "/x"], ["/mcp/*"])),
)
GROUP_DRIFTS = (_drop_targets, _stray_target, _other_hosts_target, _change_health_check, _change_attributes)


def foreign_rules() -> st.SearchStrategy[Drift]:
    return st.builds(_foreign_rule, st.integers(1, 30), st.sampled_from(FOREIGN_PATHS), st.booleans())


def drifts() -> st.SearchStrategy[Drift]:
    index = st.integers(0, 3)
    return (
        st.builds(_on_rule, index, st.sampled_from(RULE_DRIFTS))
        | st.builds(_on_group, index, st.sampled_from(GROUP_DRIFTS))
        | foreign_rules()
    )


def pass_time(elbv2: FakeElbv2, seconds: float) -> None:
    """Let targets become what they are going to be."""
    for arn in elbv2.groups:
        for target in list(elbv2.targets[arn]):
            elbv2.state_of(arn, target)
    elbv2.clock.sleep(seconds)
