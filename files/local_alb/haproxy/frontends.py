"""Frontends of HAProxy: one for each listener."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from local_alb.model.attributes import LISTENER, LOAD_BALANCER, attribute
from local_alb.model.world import Document, Listener, Rule, World

from . import handover
from .backends import ALL, answer_backend, answer_name, backend_name, minimum_healthy
from .choice import choice_lines
from .cookies import group_cookie_lines
from .forwarded import client_lines, host_lines, trace_lines
from .origin_check import Allowed, guard_lines
from .protocol import body_lines, hop_by_hop_lines, refusal_lines
from .rewrites import rewrite_lines
from .routing_table import routing_table
from .text import quoted_format
from .tokens import Keys, token_lines

NO_TARGET = "no-target"
# Seconds that a client's connection may lie between two requests. After a change of the rules such a connection still
# belongs to HAProxy's older worker, which lives as long.
LONGEST_PAUSE = 20
# Seconds in which a request's headers must be there.
LONGEST_HEAD = 60


@dataclass
class Frontend:
    """The lines of one listener, and the small files and further backends that they need."""

    lines: list[str] = field(default_factory=list)
    backends: list[list[str]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)


def frontend(
    world: World,
    listener: Listener,
    bind: str,
    name: str,
    folder: str,
    keys: Mapping[str, Keys],
    health_path: str = "",
    allowed: Allowed | None = None,
    *,
    sockets: str,
) -> Frontend:
    """Returns the lines of a listener's frontend.

    ``bind`` is the address and port with their TLS settings, ``name`` the load balancer's own, ``folder`` where the
    files will be, ``keys`` the key sets of token issuers by their endpoints, ``health_path`` where the balancer in
    front, if there is one, asks, ``allowed`` whom the listener serves where not everybody who reaches it, ``sockets``
    the folder of the sockets by which older workers reach the newest.
    """
    rules = world.rules_of(listener.arn)
    attributes = world.load_balancers[listener.load_balancer_arn].attributes
    idle = int(attribute(LOAD_BALANCER, attributes, "idle_timeout.timeout_seconds"))
    result = Frontend()
    result.lines = [
        f"frontend listener.{listener.port}",
        f"  bind {bind}",
        f"  {handover.bind_line(sockets, listener.port)}",
        f"  timeout client {idle}s",
        f"  timeout http-request {min(idle, LONGEST_HEAD)}s",
        f"  timeout http-keep-alive {min(idle, LONGEST_PAUSE)}s",
        *[f"  {line}" for line in handover.first_lines()],
        *[f"  {line}" for line in refusal_lines(folder, name)],
        *([f"  {line}" for line in guard_lines(allowed, rules)] if allowed else []),
    ]
    if attribute(LOAD_BALANCER, attributes, "routing.http.drop_invalid_header_fields.enabled") == "true":
        result.lines.append("  http-request del-header [^A-Za-z0-9-] -m reg")
    if health_path:
        result.lines.append(f"  monitor-uri {health_path}")
    choice, maps = choice_lines(routing_table(rules), listener.port, folder)
    result.files |= maps
    _add(result, choice)
    _add(result, _destinations(world, result, listener, rules, folder))
    _add(result, _tokens(result, listener, rules, folder, keys))
    if not health_path:
        _add(result, host_lines(listener, rules, attributes))
    rewrites, text = rewrite_lines(rules, f"{folder}/strip.{listener.port}.map")
    if text:
        result.files[f"strip.{listener.port}.map"] = text
    _add(result, rewrites)
    _add(result, client_lines(listener, attributes, is_behind=bool(health_path)))
    _add(result, trace_lines(is_behind=bool(health_path)))
    _add(result, _response_headers(listener))
    _add(result, body_lines(idle))
    _add(result, hop_by_hop_lines())
    _add(result, [handover.choice_line(listener.port)])
    result.backends.append(handover.backend_lines(sockets, listener.port, idle))
    _add(result, ["use_backend %[var(txn.backend)] if { var(txn.backend) -m found }"])
    _add(result, [f"default_backend {NO_TARGET}"])
    return result


def _add(result: Frontend, lines: Sequence[str]) -> None:
    result.lines += [f"  {line}" for line in lines]


def _destinations(world: World, result: Frontend, listener: Listener, rules: list[Rule], folder: str) -> list[str]:
    """Leaves the backend of the chosen rule in txn.backend."""
    lines = []
    entries = {}
    for rule in rules:
        action = rule.actions[-1]
        condition = f"{{ var(txn.rule) -m int {rule.priority} }}"
        if _is_split(action):
            lines += _split(world, action, condition)
        else:
            entries[rule.priority] = _destination(world, result, listener, action, rule.priority, folder)
    if entries:
        name = f"rules.{listener.port}.map"
        result.files[name] = "".join(f"{priority} {target}\n" for priority, target in entries.items())
        wanted = "{ var(txn.rule) -m found } !{ var(txn.backend) -m found }"
        lines.append(f"http-request set-var(txn.backend) var(txn.rule),map_str({folder}/{name}) if {wanted}")
    default = listener.default_actions[-1]
    unmatched = "!{ var(txn.rule) -m found }"
    if _is_split(default):
        lines += _split(world, default, unmatched)
    else:
        target = _destination(world, result, listener, default, None, folder)
        lines.append(f"http-request set-var(txn.backend) str({target}) if {unmatched}")
    return lines + _below_minimum(world, listener)


def _below_minimum(world: World, listener: Listener) -> list[str]:
    """Sends requests to all targets of a group that has fewer healthy ones than it was told to need."""
    lines = []
    for arn in sorted(world.groups_of(listener.load_balancer_arn)):
        group = world.target_groups[arn]
        needed = minimum_healthy(group)
        if needed > 1:
            name = backend_name(group)
            condition = f"{{ var(txn.backend) -m str {name} }} {{ nbsrv({name}) lt {needed} }}"
            lines.append(f"http-request set-var(txn.backend) str({name}{ALL}) if {condition}")
    return lines


def _tokens(
    result: Frontend, listener: Listener, rules: list[Rule], folder: str, keys: Mapping[str, Keys]
) -> list[str]:
    """Refuses requests without a valid token where the chosen rule asks for one."""
    asking = [(rule.actions, f"{{ var(txn.rule) -m int {rule.priority} }}") for rule in rules]
    asking.append((listener.default_actions, "!{ var(txn.rule) -m found }"))
    lines = []
    for actions, condition in asking:
        if actions[0]["Type"] == "jwt-validation":
            more, files = token_lines(actions[0]["JwtValidationConfig"], condition, keys, folder)
            lines += more
            result.files |= files
    return lines


def _is_split(action: Document) -> bool:
    if action["Type"] != "forward":
        return False
    return len([choice for choice in action["ForwardConfig"]["TargetGroups"] if choice["Weight"] > 0]) > 1


def _destination(
    world: World, result: Frontend, listener: Listener, action: Document, priority: int | None, folder: str
) -> str:
    if action["Type"] == "forward":
        chosen = [choice for choice in action["ForwardConfig"]["TargetGroups"] if choice["Weight"] > 0]
        return backend_name(world.target_groups[chosen[0]["TargetGroupArn"]]) if chosen else NO_TARGET
    name = answer_name(listener, priority)
    lines, body = answer_backend(name, action, listener, f"{folder}/{name}.body")
    result.backends.append(lines)
    if body:
        result.files[f"{name}.body"] = body
    return name


def _split(world: World, action: Document, condition: str) -> list[str]:
    """Spreads requests over several groups by weight; with stickiness a cookie names the group that was drawn."""
    config = action["ForwardConfig"]
    choices = [
        (backend_name(world.target_groups[choice["TargetGroupArn"]]), choice["Weight"])
        for choice in config["TargetGroups"]
        if choice["Weight"] > 0
    ]
    before: list[str] = []
    after: list[str] = []
    sticky = config["TargetGroupStickinessConfig"]
    if sticky["Enabled"]:
        before, after = group_cookie_lines([name for name, _ in choices], sticky["DurationSeconds"], condition)
    lines = [f"http-request set-var(txn.draw) rand({sum(weight for _, weight in choices)}) if {condition}"]
    upper = 0
    for name, weight in choices:
        upper += weight
        drawn = f"{{ var(txn.draw) -m int lt {upper} }} !{{ var(txn.backend) -m found }}"
        lines.append(f"http-request set-var(txn.backend) str({name}) if {condition} {drawn}")
    return before + lines + after


def _response_headers(listener: Listener) -> list[str]:
    names = {
        "strict_transport_security": "Strict-Transport-Security",
        "access_control_allow_origin": "Access-Control-Allow-Origin",
        "access_control_allow_methods": "Access-Control-Allow-Methods",
        "access_control_allow_headers": "Access-Control-Allow-Headers",
        "access_control_allow_credentials": "Access-Control-Allow-Credentials",
        "access_control_expose_headers": "Access-Control-Expose-Headers",
        "access_control_max_age": "Access-Control-Max-Age",
        "content_security_policy": "Content-Security-Policy",
        "x_content_type_options": "X-Content-Type-Options",
        "x_frame_options": "X-Frame-Options",
    }
    lines = []
    for key, header in names.items():
        value = attribute(LISTENER, listener.attributes, f"routing.http.response.{key}.header_value")
        if value:
            lines.append(f"http-response set-header {header} {quoted_format(value)}")
    if attribute(LISTENER, listener.attributes, "routing.http.response.server.enabled") == "false":
        lines.append("http-after-response del-header Server")
    return lines
