"""Backends of HAProxy: one for each target group in use, one for each rule that answers by itself."""

from __future__ import annotations

import hashlib
import math

from local_alb.model.attributes import TARGET_GROUP, attribute
from local_alb.model.world import Document, Listener, Target, TargetGroup, address_of

from .cookies import target_cookie_lines
from .text import quoted, quoted_format

ALGORITHMS = {
    "round_robin": "roundrobin",
    "least_outstanding_requests": "leastconn",
    "weighted_random": "random",
}
SESSION = "Mcp-Session-Id"
# The server that a session belongs to stands before the session's own id: t1a2b3c4d~…
OWNER = "^t[0-9a-f]{8}~"
# An id of which any container of its server knows all that there is to the session (bridge/transport/session_ids.py).
ANYWHERE = "^[0-9a-f]{40}[ao][A-Za-z0-9_-]{1,32}[0-9a-f]{32}$"
# Names of what serves when too few targets are healthy: servers beside the probed ones, and a backend of all targets.
OPEN = ".open"
ALL = ".all"
# The name of a target that is being deregistered: nothing but its own sessions may find it.
DRAINING = ".draining"


def backend_name(group: TargetGroup) -> str:
    """Returns the name of a group's backend: the group's own name and the id in its ARN."""
    return f"{group.name}.{group.arn.rsplit('/', 1)[1]}"


def server_name(target: Target) -> str:
    """Returns a name that stays the same for the same port of the same target; clients see it in session tokens."""
    return "t" + hashlib.sha256(f"{target.id}:{target.port}".encode()).hexdigest()[:8]


def active_targets(group: TargetGroup) -> list[Target]:
    """Returns what gets new requests. Draining targets get those of their own MCP sessions only."""
    return [target for target in group.targets if target.draining_until is None]


def draining_targets(group: TargetGroup) -> list[Target]:
    """Returns what is being deregistered. Its open streams live on in HAProxy's older workers."""
    return [target for target in group.targets if target.draining_until is not None]


def minimum_healthy(group: TargetGroup) -> int:
    """Returns how many targets must be healthy for requests to go to these only; below, they go to all."""
    prefix = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"
    count = int(attribute(TARGET_GROUP, group.attributes, f"{prefix}.count"))
    percentage = attribute(TARGET_GROUP, group.attributes, f"{prefix}.percentage")
    if percentage == "off":
        return count
    return max(count, math.ceil(len(active_targets(group)) * int(percentage) / 100))


def group_backends(group: TargetGroup, idle: int, pages: str) -> list[list[str]]:
    """Returns the backends that serve one target group.

    ``idle`` is the load balancer's idle timeout in seconds, ``pages`` the folder of error pages.
    """
    targets, leaving = active_targets(group), draining_targets(group)
    probed = [
        *_common(group, backend_name(group), idle, pages),
        "  option allbackups",
        *_probe(group),
        *[_server(group, target) for target in targets],
        *[f"{_server_address(group, target, DRAINING)} weight 0 {_check(group)}" for target in leaving],
        # Fail open: where no target is healthy, all get requests.
        *[f"{_server_address(group, target, OPEN)} backup" for target in targets],
    ]
    if minimum_healthy(group) < 2:
        return [probed]
    everybody = _common(group, backend_name(group) + ALL, idle, pages)
    everybody += [_server_address(group, target) for target in targets]
    everybody += [f"{_server_address(group, target, DRAINING)} weight 0" for target in leaving]
    return [probed, everybody]


def _common(group: TargetGroup, name: str, idle: int, pages: str) -> list[str]:
    algorithm = ALGORITHMS[attribute(TARGET_GROUP, group.attributes, "load_balancing.algorithm.type")]
    lines = [
        f"backend {name}",
        f"  timeout server {idle}s",
        f"  timeout tunnel {idle}s",
        f"  balance {algorithm}",
    ]
    if active_targets(group):
        # ALB answers 502 where a target refuses the connection, and 503 only where there is no target.
        lines.append(f"  errorfile 503 {pages}/502.http")
    keeping = [*_affinity(group), *[f"  {line}" for line in target_cookie_lines(group)]]
    # HAProxy chooses the server last and wants to read it last; a session's token comes before a cookie.
    return lines + sorted(keeping, key=lambda line: line.startswith("  use-server"))


def _probe(group: TargetGroup) -> list[str]:
    check = group.health_check
    return [
        "  option httpchk",
        f"  http-check send meth GET uri {quoted_format(check.path)} ver HTTP/1.1"
        " hdr Host localhost hdr User-Agent ELB-HealthChecker/2.0",
        f"  http-check expect status {check.matcher}",
        f"  timeout check {check.timeout}s",
    ]


def _affinity(group: TargetGroup) -> list[str]:
    """Keeps an MCP session on the target that opened it, without any memory of sessions, also while that one drains.

    A session that any container takes leaves a draining target for another one with its next request, so that nothing
    of it is under way there when the drain ends. A stickiness cookie leads nothing to a draining target, as on an ALB:
    it names the server that gets new requests.
    """
    leaving = [server_name(target) for target in draining_targets(group)]
    moves = [f"  http-request set-var(txn.moves) bool(true) if {{ req.hdr({SESSION}) -m reg {ANYWHERE} }}"]
    is_left = " !{ var(txn.moves) -m found }" if active_targets(group) else ""
    return [
        f"  http-request set-var(txn.token) req.hdr({SESSION}),field(1,~) if {{ req.hdr({SESSION}) -m reg {OWNER} }}",
        f"  http-request replace-header {SESSION} {OWNER}(.*)$ \\1 if {{ var(txn.token) -m found }}",
        *(moves if leaving and is_left else []),
        *[f"  use-server {name}{DRAINING} if {{ var(txn.token) -m str {name} }}{is_left}" for name in leaving],
        "  use-server %[var(txn.token)] if { var(txn.token) -m found }",
        f"  http-response replace-header {SESSION} ^(.*)$ %[srv_name,field(1,.)]~\\1",
    ]


def _server_address(group: TargetGroup, target: Target, suffix: str = "") -> str:
    address = address_of(group, target)
    shown = f"[{address}]" if ":" in address else address
    words = [f"  server {server_name(target)}{suffix} {shown}:{target.port}"]
    if group.protocol == "HTTPS":
        # ALB encrypts towards its targets and does not check their certificates.
        words.append("ssl verify none")
    if group.protocol_version == "HTTP2":
        words.append("alpn h2" if group.protocol == "HTTPS" else "proto h2")
    return " ".join(words)


def _server(group: TargetGroup, target: Target) -> str:
    words = [_server_address(group, target), _check(group)]
    slow_start = attribute(TARGET_GROUP, group.attributes, "slow_start.duration_seconds")
    if slow_start != "0":
        words.append(f"slowstart {slow_start}s")
    return " ".join(words)


def _check(group: TargetGroup) -> str:
    check = group.health_check
    words = [f"check inter {check.interval}s fall {check.unhealthy_threshold} rise {check.healthy_threshold}"]
    if check.port != "traffic-port":
        words.append(f"port {check.port}")
    if check.protocol == "HTTPS" and group.protocol != "HTTPS":
        words.append("check-ssl verify none")
    elif check.protocol != "HTTPS" and group.protocol == "HTTPS":
        words.append("no-check-ssl")
    return " ".join(words)


def answer_name(listener: Listener, priority: int | None) -> str:
    """Returns the name of the backend of a rule, or of the listener's default action, that answers by itself."""
    return f"answer.{listener.port}.{'default' if priority is None else priority}"


def answer_backend(name: str, action: Document, listener: Listener, body_path: str) -> tuple[list[str], str]:
    """Returns the backend of a fixed response or redirect, and the body that must stand at ``body_path`` (or "")."""
    if action["Type"] == "redirect":
        return [f"backend {name}", *_redirect(action["RedirectConfig"], listener)], ""
    config = action["FixedResponseConfig"]
    body = config.get("MessageBody", "")
    line = f"  http-request return status {config['StatusCode']}"
    if body:
        line += f" content-type {quoted(config.get('ContentType') or 'text/plain')} file {quoted(body_path)}"
    return [f"backend {name}", f"{line} hdr Server awselb/2.0"], body


def _redirect(config: Document, listener: Listener) -> list[str]:
    words = {
        "#{protocol}": listener.protocol.lower(),
        "#{host}": "%[req.hdr(host),host_only]",
        "#{port}": str(listener.port),
        "#{path}": "%[path,regsub(^/,)]",
        "#{query}": "%[query]",
    }

    def filled(text: str) -> str:
        text = text.replace("%", "%%")
        for word, value in words.items():
            text = text.replace(word, value)
        return text

    protocol = filled(config["Protocol"]).lower()
    location = f"{protocol}://{filled(config['Host'])}:{filled(config['Port'])}{filled(config['Path'])}"
    code = config["StatusCode"].removeprefix("HTTP_")
    query = filled(config["Query"])
    with_query = f"  http-request redirect location {quoted(f'{location}?{query}')} code {code}"
    without = f"  http-request redirect location {quoted(location)} code {code}"
    if config["Query"] == "#{query}":
        return [f"{with_query} if {{ query -m len gt 0 }}", without]
    return [with_query if query else without]
