"""HAProxy's whole configuration, rendered from the model. Nothing here reads or writes anything."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from local_alb.model.attributes import LOAD_BALANCER, attribute
from local_alb.model.world import Target, TargetGroup, World

from .backends import DRAINING, active_targets, backend_name, draining_targets, group_backends, server_name
from .error_pages import REASONS, error_page
from .exporter import exporter
from .frontends import NO_TARGET, frontend
from .origin_check import Allowed
from .protocol import page_files
from .tokens import Keys

ServerKey = tuple[str, str]  # backend and server, by HAProxy's names

_PLACE = "@FOLDER@"
# Streams may outlive many changes of the configuration; each lives on in the worker that took it.
LONGEST_STREAM = "12h"

_GLOBAL = f"""\
# Rendered by local_alb; what is changed here is lost with the next change of a rule.
global
  description @DIGEST@
  expose-experimental-directives
  max-spread-checks 100
  # HAProxy's own HTTP client is not used; unless it need not verify, each start reads all certificates of the system.
  httpclient.ssl.verify none
  hard-stop-after {LONGEST_STREAM}
  # The largest request line and headers that an ALB takes, and what rules add to them.
  tune.bufsize 98304
  tune.maxrewrite 8192
  tune.http.maxhdr 1000
  server-state-file @STATE@

defaults
  mode http
  option http-no-delay
  option idle-close-on-response
  option redispatch 1
  retries 2
  http-reuse safe
  timeout connect 1s
  timeout http-request 60s
  timeout client 60s
  timeout server 60s
  load-server-state-from-file global
"""


@dataclass(frozen=True)
class Rendering:
    """``config`` names ``files`` by absolute paths in ``folder``; ``digest`` identifies all of it."""

    digest: str
    config: str
    folder: str
    files: dict[str, str]


@dataclass(frozen=True)
class Site:
    """Where things are on this host: the address of all listeners, the folder that holds one folder for each
    rendering, and the file with the states of servers.

    ``health_path`` is for a host that is itself a target of another balancer: there it asks whether HAProxy runs, and
    what it said of the client in X-Forwarded headers stays. Empty where clients come directly. ``allowed`` is whom
    listeners on loopback serve; None where the address is one that others reach, under names that are not known here.
    ``has_exporter``: this HAProxy can tell Prometheus what it counts.
    """

    address: str
    folder: str
    state_file: str
    health_path: str = ""
    allowed: Allowed | None = None
    has_exporter: bool = False


@dataclass(frozen=True)
class Keyring:
    """What a configuration depends on besides the world.

    ``tls`` has the words of a ``bind`` line after its address, by the ARN of the listener; ``certificates`` changes
    whenever one of them is renewed; ``keys`` has the key sets of token issuers by their endpoints.
    """

    tls: Mapping[str, str] = field(default_factory=dict)
    certificates: str = ""
    keys: Mapping[str, Keys] = field(default_factory=dict)


def render(world: World, site: Site, keyring: Keyring) -> Rendering:
    """Returns the configuration that serves ``world`` on this host."""
    sections = [_GLOBAL.replace("@STATE@", site.state_file).rstrip("\n").split("\n")]
    sections[0] += [f"  errorfile {status} {_PLACE}/{status}.http" for status in REASONS]
    files = {f"{status}.http": error_page(status) for status in REASONS} | page_files()
    name = _bracketed(site.address)
    for listener in sorted(world.listeners.values(), key=lambda item: item.port):
        bind = f"{name}:{listener.port}{keyring.tls.get(listener.arn, '')}"
        rendered = frontend(
            world,
            listener,
            bind,
            name,
            _PLACE,
            keyring.keys,
            site.health_path,
            site.allowed,
            sockets=site.folder,
        )
        sections += [rendered.lines, *rendered.backends]
        files |= rendered.files
    for group, idle in groups_in_use(world):
        sections += group_backends(group, idle, _PLACE)
    if site.has_exporter:
        sections.append(exporter(site.folder))
    sections.append([f"backend {NO_TARGET}", "  http-request return status 503 default-errorfiles"])
    text = "\n\n".join("\n".join(lines) for lines in sections) + "\n"
    digest = _digest(text + keyring.certificates, files)
    folder = f"{site.folder}/{digest}"
    return Rendering(digest, text.replace("@DIGEST@", digest).replace(_PLACE, folder), folder, files)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _digest(text: str, files: dict[str, str]) -> str:
    whole = hashlib.sha256(text.encode())
    for name, content in sorted(files.items()):
        whole.update(f"\0{name}\0{content}".encode())
    return whole.hexdigest()[:16]


def groups_in_use(world: World) -> list[tuple[TargetGroup, int]]:
    """Returns the target groups that some action names, with the idle timeout of their load balancer in seconds."""
    found = {}
    for balancer in world.load_balancers.values():
        idle = int(attribute(LOAD_BALANCER, balancer.attributes, "idle_timeout.timeout_seconds"))
        for arn in world.groups_of(balancer.arn):
            found[arn] = (world.target_groups[arn], idle)
    return [found[arn] for arn in sorted(found)]


def servers_of(world: World) -> dict[ServerKey, tuple[TargetGroup, Target]]:
    """Returns what HAProxy probes: every target that gets requests, by its names there."""
    return {
        (backend_name(group), server_name(target)): (group, target)
        for group, _ in groups_in_use(world)
        for target in active_targets(group)
    }


def leaving_of(world: World) -> dict[ServerKey, tuple[TargetGroup, Target]]:
    """Returns every target that gets the requests of its own sessions only, by its names in HAProxy."""
    return {
        (backend_name(group), f"{server_name(target)}{DRAINING}"): (group, target)
        for group, _ in groups_in_use(world)
        for target in draining_targets(group)
    }


_STATE_FIELDS = (
    "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    "srv_agent_addr srv_agent_port"
)
_UP, _DOWN = 2, 0


def render_states(world: World, healthy: Set[ServerKey]) -> str:
    """HAProxy's server-state file: with it a new worker knows who is healthy before its own first checks.

    A target that was never probed counts as down, so that no request goes to it before it has passed a check.
    The format is "server-state-file" of HAProxy's management guide, version 1.
    """
    lines = ["1", f"# {_STATE_FIELDS}"]
    for (backend, server), (group, target) in servers_of(world).items():
        state = _UP if (backend, server) in healthy else _DOWN
        tls = int(group.protocol == "HTTPS")  # what stands here has the last word, not the configuration
        lines.append(f"0 {backend} 0 {server} - {state} 0 1 1 0 1 0 0 6 0 0 0 - {target.port} - {tls} 0 - - 0")
    return "\n".join(lines) + "\n"
