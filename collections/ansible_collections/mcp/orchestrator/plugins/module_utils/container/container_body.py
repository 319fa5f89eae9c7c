# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a spec becomes the body of the engine's create call.

The body follows ``POST /containers/create`` of the Docker Engine API (https://docs.docker.com/reference/api/engine/).
It holds no env and none of the server's own mounts: those join it in the moment of the call and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.confinement import conflicts
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import PRESERVED, Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import egress, labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.bridge_command import (
    BRIDGE_MOUNT,
    BRIDGE_PORT,
    LIBRARIES,
    bridge_command,
    child_command,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import BRIDGE_NAME
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.mount import unresolved
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import (
    BRIDGE_CALL_RECORD,
    BRIDGE_LOG_LEVEL,
    Image,
    World,
)

SECOND = 1_000_000_000
HEALTHCHECK_STAYS = 600
"""Seconds for which a health check of a server that is well stays, and asks the bridge on."""
REQUIREMENT_INTERVAL = 30
"""Seconds between two looks of the engine at what a server requires; each costs far more than the command itself."""
LONGEST_START = 300
"""Seconds that a server may take to answer for the first time: as long as its bridge waits for a starting process."""
LOG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
RESTART_POLICY = "unless-stopped"
# No file of what a crashed server had in memory. The number of open files stays the engine's: one that may not raise
# its own limit, as in a container or without root, starts no container that is given more.
ULIMITS = (("core", 0),)
SCRATCH_OPTIONS = "mode=1777,nosuid,nodev,noexec"
_OPTION = "com.docker.network.bridge."


class UnsupportedSpec(Exception):
    """A spec that cannot become a container; the sentence says why and what to do."""


def bridged(spec: Spec) -> bool:
    """Returns whether the server has the transport stdio, and so needs the bridge in front of it."""
    return spec.transport == "stdio"


def host_header(spec: Spec, image: Image | None) -> str | None:
    """Returns what a balancer sends to the server as Host, None for what its client sends.

    Servers with a guard against DNS rebinding take localhost with the port on which they listen, as it is seen from
    inside (MCP specification 2025-11-25, Transports, Security Warning). The bridge has a guard of its own.
    """
    if bridged(spec) or spec.host_header == PRESERVED:
        return None
    if spec.host_header is not None:
        return spec.host_header
    ports = [spec.port] if spec.port is not None else image.exposed if image is not None else ()
    return f"localhost:{ports[0]}" if len(ports) == 1 else None


def container_port(spec: Spec, image: Image) -> int:
    """Returns the TCP port on which the container listens. Raises UnsupportedSpec when it is not known."""
    if bridged(spec):
        return BRIDGE_PORT
    if spec.port is not None:
        return spec.port
    if len(image.exposed) == 1:
        return image.exposed[0]
    exposed = ", ".join(str(port) for port in image.exposed) or "none"
    raise UnsupportedSpec(
        f"the port on which the server listens is not known: {spec.image} exposes {exposed};"
        f' write it into the config as "-p", "HOST:PORT"'
    )


def compose(spec: Spec, image: Image, policy: Policy, host_port: int | None, replica: int = 1) -> dict[str, Any]:
    """Returns the create body of one container of ``spec`` that publishes ``host_port``; without env.

    A requirement publishes none.

    Raises UnsupportedSpec when the spec cannot run in this image or on this host.
    """
    return {**unlabelled(spec, image, policy, host_port), "Labels": _labels(spec, policy, host_port, replica)}


def unlabelled(spec: Spec, image: Image, policy: Policy, host_port: int | None) -> dict[str, Any]:
    """Returns the create body without its labels, which repeat the whole spec. Raises UnsupportedSpec."""
    for message in conflicts(spec):
        raise UnsupportedSpec(message)
    entrypoint, command = _process(spec, image, policy)
    body: dict[str, Any] = {
        "Image": spec.image,
        "Entrypoint": entrypoint,
        "Cmd": command,
        "HostConfig": {
            **limits(spec),
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true", *_seccomp(spec, policy)],
            "Privileged": False,
            "ReadonlyRootfs": spec.read_only,
            "Tmpfs": scratch(spec),
            "IpcMode": "private",
            "CgroupnsMode": "private",
            "Init": spec.init,
            "LogConfig": LOG,
            "Binds": _bridge_binds(spec, policy),
            "NetworkMode": policy.network_of(spec),
        },
    }
    if spec.required_by is not None:
        body |= _known_by_name(spec, policy)
    elif host_port is not None:
        port = f"{container_port(spec, image)}/tcp"
        body["ExposedPorts"] = {port: {}}
        published = {"HostIp": policy.publish_address, "HostPort": str(host_port)}
        body["HostConfig"]["PortBindings"] = {port: [published]}
    for key, value in (("User", spec.user), ("WorkingDir", spec.workdir), ("StopTimeout", spec.stop_timeout)):
        if value is not None:
            body[key] = value
    if spec.egress.kind is EgressKind.FLEET:
        # By its own name it is found whichever generation serves.
        body["NetworkingConfig"] = {"EndpointsConfig": {policy.network_of(spec): {"Aliases": [spec.name]}}}
    if spec.egress.has_own_rules and host_port is not None:
        body |= _known_by_address(spec, policy, host_port)
    if spec.egress.is_confined:
        # Engines before 28 leave a question without an answer that no server takes: not for long, then.
        body["HostConfig"] |= {"Dns": [egress.NO_NAME_SERVER], "DnsOptions": ["timeout:1", "attempts:1"]}
    if bridged(spec):
        body["Healthcheck"] = _healthcheck(spec, policy)
    security = [*body["HostConfig"]["SecurityOpt"], *spec.host_config.get("SecurityOpt", ())]
    body["HostConfig"] |= {
        **spec.host_config,
        "SecurityOpt": list(dict.fromkeys(security)),
        "Ulimits": _ulimits(spec, policy),
    }
    return body | dict(spec.container_config)


def limits(spec: Spec) -> dict[str, Any]:
    """Returns the part of the HostConfig that an engine can change on a running container."""
    return {
        "Memory": spec.memory,
        # Equal to Memory: no swap, so that the limit is the limit.
        "MemorySwap": spec.memory,
        "NanoCpus": round(spec.cpus * 1e9),
        "PidsLimit": spec.pids,
        "RestartPolicy": {"Name": spec.restart or RESTART_POLICY, "MaximumRetryCount": 0},
    }


def scratch(spec: Spec) -> dict[str, str]:
    """Returns the folders in memory, by path, with their options.

    What they hold counts against the server's own limit of memory on cgroups of both versions
    (https://docs.kernel.org/filesystems/tmpfs.html), so those that name no size share half of it: a server that fills
    one is told that no space is left, where it would be killed. The other options are Docker's own for ``--tmpfs``.
    """
    folders = dict(_path_and_options(each) for each in spec.tmpfs)
    unsized = [path for path, options in folders.items() if not _names_a_size(options)]
    share = f"size={spec.memory // 2 // max(len(unsized), 1)}"
    return {
        path: ",".join([options or SCRATCH_OPTIONS, *([share] if path in unsized else [])])
        for path, options in folders.items()
    }


def is_root(user: str) -> bool:
    """Returns whether ``user`` (``name``, ``uid``, or either with a group) is root, as an empty one is."""
    name = user.partition(":")[0]
    return name in ("", "root") or (name.isdecimal() and int(name) == 0)


def exceptions(spec: Spec, world: World | None = None) -> list[str]:
    """Returns what the server has beyond the hard defaults, in words, as far as ``world`` knows."""
    world = world or World()
    image = world.images.get(spec.image)
    found = [f"volume {volume}" for volume in spec.volumes]
    if not spec.read_only:
        found.append("writable root")
    if spec.egress.kind is EgressKind.ENGINE:
        found.append(f"network {spec.egress}")
    if spec.egress.instance_metadata:
        found.append("instance metadata")
    if not spec.init:
        found.append("no init")
    if spec.user is not None and is_root(spec.user):
        found.append("runs as root")
    elif spec.user is None and image is not None and is_root(image.user):
        found.append("runs as root, as its image says")
    found += [f"{path} as the engine's host has it: its links were not checked" for path in unresolved(spec, world)]
    if not world.confinement.seccomp:
        found.append("any system call: the engine has no seccomp")
    found += [f"{name} {_words(value)}" for name, value in sorted(spec.host_config.items())]
    return found


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={each}" for name, each in value.items())
    return " ".join(_words(each) for each in value) if isinstance(value, (list, tuple)) else str(value)


def _names_a_size(options: str) -> bool:
    return any(each.partition("=")[0] in ("size", "nr_blocks") for each in options.split(","))


def _ulimits(spec: Spec, policy: Policy) -> list[dict[str, Any]]:
    # Podman 4 forgets the default_ulimits of containers.conf where any limit is named.
    ours = () if policy.podman else ULIMITS
    own = list(spec.host_config.get("Ulimits", ()))
    named = {each["Name"] for each in own}
    return [*({"Name": name, "Soft": most, "Hard": most} for name, most in ours if name not in named), *own]


def network_body(policy: Policy, name: str | None = None) -> dict[str, Any]:
    """Returns the create body of one of the fleet's networks, of its ordinary one without a name.

    Containers reach each other in none but that of the servers which ask for it and those of servers with what they
    require, and from these and the confined ones the engine leads nowhere. The options are documented at
    https://docs.docker.com/engine/network/drivers/bridge/.
    """
    name = name or policy.network
    server = next((each for each in policy.private if policy.private_network(each) == name), None)
    options = {
        _OPTION + "enable_icc": "true" if policy.lets_peers_talk(name) else "false",
        BRIDGE_NAME: policy.bridges[name],
    }
    if server is not None or name in policy.confined_networks:
        options[_OPTION + "enable_ip_masquerade"] = "false"
    return {
        "Name": name,
        "Driver": "bridge",
        "CheckDuplicate": True,
        "Options": options,
        # The engine gives an internal one no gateway, so that the other network of its server stays the way out.
        "Internal": server is not None,
        "Labels": {labels.FLEET: policy.fleet, **({labels.SERVICE: server} if server is not None else {})},
    }


def _known_by_address(spec: Spec, policy: Policy, host_port: int) -> dict[str, Any]:
    """The MAC address by which rules recognise its container."""
    mac = egress.mac_address(policy.fleet, spec.name, host_port)
    # Engines up to API 1.43 read the first, later ones the second.
    return {
        "MacAddress": mac,
        "NetworkingConfig": {"EndpointsConfig": {policy.network_of(spec): {"MacAddress": mac}}},
    }


def _known_by_name(spec: Spec, policy: Policy) -> dict[str, Any]:
    """The name by which the server finds what it requires, and what the engine shows of how that is."""
    body: dict[str, Any] = {
        "NetworkingConfig": {"EndpointsConfig": {policy.network_of(spec): {"Aliases": [spec.alias]}}}
    }
    if spec.health is not None:
        body["Healthcheck"] = {
            "Test": ["CMD", *spec.health],
            "Interval": REQUIREMENT_INTERVAL * SECOND,
            "Timeout": REQUIREMENT_INTERVAL * SECOND,
            "StartPeriod": (spec.start_timeout or 0) * SECOND,
            "Retries": 3,
        }
    return body


def _labels(spec: Spec, policy: Policy, host_port: int | None, replica: int) -> dict[str, str]:
    found = {
        **spec.labels,
        labels.FLEET: policy.fleet,
        labels.SERVICE: spec.name,
        labels.GENERATION: spec.generation,
        labels.SPEC: json.dumps(spec.to_dict(), sort_keys=True, separators=(",", ":")),
    }
    if host_port is not None:
        found[labels.PORT] = str(host_port)
    if spec.required_by is not None:
        found[labels.REQUIRED_BY] = spec.required_by
    if replica != 1:
        found[labels.REPLICA] = str(replica)
    profile = policy.seccomp_of(spec)
    if profile is not None:
        found[labels.SECCOMP] = profile.digest
    if bridged(spec):
        found[labels.BRIDGE] = policy.bridge_digest or ""
        if policy.allowed_origins:
            found[labels.ORIGINS] = " ".join(policy.allowed_origins)
        if policy.log_level_of(spec) != BRIDGE_LOG_LEVEL:
            found[labels.LOG_LEVEL] = policy.log_level_of(spec)
        if policy.call_record_of(spec) != BRIDGE_CALL_RECORD:
            found[labels.CALL_RECORD] = policy.call_record_of(spec)
    return found


def _process(spec: Spec, image: Image, policy: Policy) -> tuple[list[str] | None, list[str] | None]:
    if not bridged(spec):
        return _list(spec.entrypoint), _list(spec.command)
    if policy.bridge is None:
        raise UnsupportedSpec(
            "a stdio server needs the bridge's runtime, and none is installed on this host;"
            " run setup.sh again, or give its directory in the option bridge"
        )
    child = child_command(spec, image)
    if not child and not spec.bridge.get("secret_args"):
        raise UnsupportedSpec(
            f"{spec.image} has neither an entrypoint nor a command; write what to run after the image in args"
        )
    return bridge_command(spec, child, policy), []


def _path_and_options(tmpfs: str) -> tuple[str, str]:
    path, _colon, options = tmpfs.partition(":")
    return path, options


def _seccomp(spec: Spec, policy: Policy) -> list[str]:
    profile = policy.seccomp_of(spec)
    return [] if profile is None else [f"seccomp={profile.path if policy.podman else profile.text}"]


def _bridge_binds(spec: Spec, policy: Policy) -> list[str]:
    return [f"{policy.bridge}:{BRIDGE_MOUNT}:ro"] if bridged(spec) else []


def _healthcheck(spec: Spec, policy: Policy) -> dict[str, Any]:
    """What the engine shows of the bridge's verdict, within a minute. An engine takes far more of the CPU to start it
    than it takes itself, so it stays where the engine can bear that, and tells what has changed. Podman has systemd
    start it, which would count it as late."""
    stay = [] if policy.podman else [str(HEALTHCHECK_STAYS)]
    command = (f"{BRIDGE_MOUNT}/healthcheck.sh", str(BRIDGE_PORT), spec.path, *stay)
    return {
        # -p: the image's variables name no file that bash reads first.
        "Test": ["CMD", *LIBRARIES, f"{BRIDGE_MOUNT}/bash", "-p", *command],
        "Interval": 50 * SECOND,
        "Timeout": (HEALTHCHECK_STAYS + 60) * SECOND if stay else 10 * SECOND,
        # Failures before the first success count after it only. At the boot of a large fleet most servers are late, and
        # a run that found them unhealthy would restart them, which makes all of them later still.
        "StartPeriod": LONGEST_START * SECOND,
        "Retries": 1,
    }


def _list(words: tuple[str, ...] | None) -> list[str] | None:
    return None if words is None else list(words)
