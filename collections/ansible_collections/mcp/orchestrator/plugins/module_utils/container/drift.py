# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Differences between a container and its spec, in words for people.

Only chosen facts are compared: an engine's inspect answer as a whole never equals what was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import Egress
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec_text import size_text
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import egress
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import bridged, unlabelled
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import facts_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import (
    Container,
    Facts,
    World,
)

# What an engine changes on a running container; everything else needs a new one.
_UPDATABLE = ("memory", "cpus", "pids", "restart")
# Shown with old and new value; of the others only the name, since they may be long or hold a secret.
_SHOWN = (
    "image",
    "transport",
    "port",
    "path",
    "user",
    "workdir",
    "memory",
    "cpus",
    "pids",
    "network",
    "read_only",
    "init",
)
_ROUTE_ONLY = (
    "name",
    "enabled",
    "mcp_path",
    "health_path",
    "health_matcher",
    "strip_prefix",
    "host_header",
    "generation",
    "stopped",
    "restarted",
)
_WORDS = {
    "cap_add": "added capabilities",
    "cap_drop": "dropped capabilities",
    "no_new_privileges": "no-new-privileges",
    "read_only": "read-only root",
    "bindings": "published port",
    "log": "log rotation",
    "restart": "restart policy",
}


@dataclass(frozen=True)
class Drift:
    """``replace`` are reasons for a new container, ``update`` reasons to change the limits of the running one."""

    replace: tuple[str, ...] = ()
    update: tuple[str, ...] = ()


def drift_of(container: Container, spec: Spec, world: World, policy: Policy) -> Drift:
    """Returns how ``container`` differs from what ``spec`` would be made into now.

    Raises UnsupportedSpec when the spec cannot be made into a container.
    """
    image = world.images.get(spec.image)
    if container.generation != spec.generation:
        return Drift(replace=(spec_change(container.spec, spec),))
    replace: list[str] = []
    update: list[str] = []
    if spec.restarted is not None and (container.spec is None or container.spec.restarted != spec.restarted):
        replace.append(f"request {spec.restarted} asks for a new one")
    if image is not None and container.image_id != image.id:
        replace.append(f"image {spec.image} is now {short(image.id)} (was {short(container.image_id)})")
    if image is not None and image.newer:
        replace.append(f"image {spec.image} in its registry is now {short(image.newer)}")
    if bridged(spec):
        replace.extend(_bridge_drift(container, spec, policy))
    profile = policy.seccomp_of(spec)
    if container.seccomp != (profile.digest if profile else ""):
        replace.append(
            f"its seccomp profile is {container.seccomp or 'of the engine'},"
            f" should be {profile.digest if profile else 'of the engine'}"
        )
    if container.port is None and spec.required_by is None:
        replace.append("its label mcp_port is missing")
    elif image is not None:
        desired = facts_of(unlabelled(spec, image, policy, container.port)["HostConfig"])
        for name, reason in _differences(container.facts, desired):
            (update if name in _UPDATABLE else replace).append(reason)
    replace.extend(_network_drift(container, spec, world, policy))
    return Drift(tuple(replace), tuple(update))


def _bridge_drift(container: Container, spec: Spec, policy: Policy) -> Iterator[str]:
    if container.bridge != policy.bridge_digest:
        yield f"bridge is now {short(policy.bridge_digest or 'absent')} (was {short(container.bridge or 'absent')})"
    if container.origins != policy.allowed_origins:
        origins = _fact("origins", container.origins), _fact("origins", policy.allowed_origins)
        yield f"allowed_origins is {origins[0]}, should be {origins[1]}"
    if container.log_level != (level := policy.log_level_of(spec)):
        yield f"the bridge's log level is {container.log_level}, should be {level}"
    if container.call_record != (recorded := policy.call_record_of(spec)):
        yield f"the bridge's record of calls is {container.call_record}, should be {recorded}"


def _network_drift(container: Container, spec: Spec, world: World, policy: Policy) -> Iterator[str]:
    private = policy.private_network(spec.name)
    if private in container.networks and not spec.requires:
        yield f"it is still connected to {private}"
    name = policy.network_of(spec)
    for each in policy.networks_of(spec):
        if each in ("host", "none"):
            return
        if each not in container.networks:
            yield f"it is not connected to {each}"
        elif each in policy.networks:
            # A network that was removed and created again has another id, and the engine cannot start into the old one.
            joined, network = container.networks[each], world.networks.get(each)
            if network is None or joined not in ("", each, network.id):
                yield f"its network {each} was removed"
    if spec.egress.has_own_rules and container.runs and container.port is not None:
        mac = egress.mac_address(policy.fleet, spec.name, container.port)
        if container.macs.get(name, mac) not in ("", mac):
            yield f"its MAC address is {container.macs[name]}, should be {mac}"


def spec_change(old: Spec | None, new: Spec) -> str:
    """Returns what changed between two specs of a server."""
    if old is None:
        return "its label mcp_spec cannot be read"
    before, after = old.to_dict(), new.to_dict()
    changes = [
        change
        for name, value in after.items()
        if name not in _ROUTE_ONLY and before[name] != value
        for change in _changes(name, before[name], value)
    ]
    return ", ".join(changes) or "made by another release of this collection"


def short(identity: str) -> str:
    """Returns an id as people compare it."""
    kind, _colon, digits = identity.rpartition(":")
    return f"{kind}:{digits[:12]}" if kind else digits[:12]


def _changes(name: str, old: object, new: object) -> Iterator[str]:
    if name == "env" and isinstance(old, dict) and isinstance(new, dict):
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        yield f"env {' '.join(changed)} changed"
    elif name in _SHOWN:
        yield f"{name} {_shown(name, old)} → {_shown(name, new)}"
    else:
        yield f"{name} changed"


def _shown(name: str, value: object) -> str:
    if name == "memory" and isinstance(value, int):
        return size_text(value)
    if name == "network" and (value is None or isinstance(value, (str, list))):
        return str(Egress.from_plain(value))
    return "default" if value is None else str(value)


def _differences(live: Facts, desired: Facts) -> Iterator[tuple[str, str]]:
    for each in fields(Facts):
        is_now, shall_be = getattr(live, each.name), getattr(desired, each.name)
        if is_now == shall_be or (each.name == "log" and not is_now):
            continue
        word = _WORDS.get(each.name, each.name)
        yield each.name, f"{word} is {_fact(each.name, is_now)}, should be {_fact(each.name, shall_be)}"


def _fact(name: str, value: object) -> str:
    if name == "memory" and isinstance(value, int):
        return size_text(value) if value else "unlimited"
    if name == "bindings" and isinstance(value, tuple):
        return ", ".join(f"{address}:{host}→{port}" for port, address, host in value) or "none"
    if name == "log" and isinstance(value, tuple):
        return " ".join(f"{key}={text}" for key, text in value)
    if isinstance(value, tuple):
        return " ".join(str(each) for each in value) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if name in ("pids", "cpus"):
        return f"{value:g}" if value else "unlimited"
    return str(value) or "none"
