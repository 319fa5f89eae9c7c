# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was seen on the engine: our containers with their live facts, images, the network, and what others hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import Failure
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import HostNetwork, Ruleset

# https://docs.docker.com/engine/network/drivers/bridge/#options
BRIDGE_NAME = "com.docker.network.bridge.name"
RUNS = ("running", "paused", "restarting")


@dataclass(frozen=True)
class Facts:
    """Live settings of a container that can differ from what we asked for, in one form for all engines.

    ``bindings`` are (container port, host address, host port); sizes in bytes; ``cpus`` in cores; 0 means no limit.
    ``log`` is empty where the engine does not tell.
    """

    bindings: tuple[tuple[str, str, str], ...] = ()
    memory: int = 0
    cpus: float = 0.0
    pids: int = 0
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    privileged: bool = False
    no_new_privileges: bool = False
    read_only: bool = False
    init: bool = False
    restart: str = ""
    network: str = ""
    log: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Container:
    """One container of our fleet. Times are seconds since the epoch, 0 when unknown.

    ``origins`` are those of the pages that its bridge lets in.

    ``networks`` maps names to ids, ``macs`` to MAC addresses, empty while it does not run. ``ready`` says whether its
    endpoint answered as its spec wants: None when nobody asked.
    """

    id: str
    name: str
    service: str
    generation: str
    replica: int = 1
    port: int | None = None
    bridge: str | None = None
    seccomp: str = ""
    origins: tuple[str, ...] = ()
    spec: Spec | None = None
    image_id: str = ""
    image: str = ""
    status: str = "running"
    health: str = ""
    exit_code: int = 0
    restarts: int = 0
    error: str = ""
    created: float = 0.0
    started: float = 0.0
    facts: Facts = field(default_factory=Facts)
    networks: Mapping[str, str] = field(default_factory=dict)
    macs: Mapping[str, str] = field(default_factory=dict)
    ready: bool | None = None

    @property
    def runs(self) -> bool:
        """Whether it holds its port: running, paused, or between two tries of the engine's restart policy."""
        return self.status in RUNS

    @classmethod
    def from_inspect(cls, raw: Mapping[str, Any]) -> Container:
        """Reads what the engine's ``GET /containers/{id}/json`` answers."""
        config, host, state = raw["Config"], raw["HostConfig"], raw["State"]
        found: Mapping[str, str] = config.get("Labels") or {}
        joined = (raw.get("NetworkSettings") or {}).get("Networks") or {}
        networks = {name: (each or {}).get("NetworkID") or "" for name, each in joined.items()}
        return cls(
            id=raw["Id"],
            name=raw["Name"].lstrip("/"),
            service=found.get(labels.SERVICE, ""),
            generation=found.get(labels.GENERATION, ""),
            replica=_integer(found.get(labels.REPLICA)) or 1,
            port=_integer(found.get(labels.PORT)),
            bridge=found.get(labels.BRIDGE),
            seccomp=found.get(labels.SECCOMP, ""),
            origins=tuple(found.get(labels.ORIGINS, "").split()),
            spec=_spec(found.get(labels.SPEC)),
            image_id=raw.get("Image") or "",
            image=config.get("Image") or "",
            status=_status(state),
            health=((state.get("Health") or state.get("Healthcheck") or {}).get("Status") or "").replace("none", ""),
            exit_code=state.get("ExitCode") or 0,
            restarts=raw.get("RestartCount") or 0,
            error=state.get("Error") or "",
            created=_seconds(raw.get("Created")),
            started=_seconds(state.get("StartedAt")),
            facts=_without_podman(facts_of(host), host, networks),
            networks=networks,
            macs={name: ((each or {}).get("MacAddress") or "").lower() for name, each in joined.items()},
        )


@dataclass(frozen=True)
class Image:
    """What an image brings of its own; ``exposed`` are its TCP ports, ``digests`` its names with digests.

    ``newer`` is the digest that the registry has for the same name, when it was asked and it is another one.
    """

    id: str
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    exposed: tuple[int, ...] = ()
    digests: tuple[str, ...] = ()
    newer: str = ""

    @classmethod
    def from_inspect(cls, raw: Mapping[str, Any]) -> Image:
        """Reads what the engine's ``GET /images/{name}/json`` answers."""
        config = raw.get("Config") or {}
        ports = [port.partition("/")[::2] for port in config.get("ExposedPorts") or {}]
        return cls(
            id=_sha(raw["Id"]),
            entrypoint=tuple(config.get("Entrypoint") or ()),
            command=tuple(config.get("Cmd") or ()),
            user=config.get("User") or "",
            exposed=tuple(sorted(int(number) for number, protocol in ports if protocol in ("", "tcp"))),
            digests=tuple(raw.get("RepoDigests") or ()),
        )


@dataclass(frozen=True)
class Network:
    """A network that bears the name of one of the fleet's, whoever made it; ``bridge`` is the interface asked for."""

    id: str
    ours: bool
    subnet: str | None = None
    bridge: str | None = None

    @classmethod
    def from_inspect(cls, raw: Mapping[str, Any], fleet: str) -> Network:
        """Reads what the engine's ``GET /networks/{name}`` answers."""
        return cls(
            id=raw["Id"],
            ours=(raw.get("Labels") or {}).get(labels.FLEET) == fleet,
            subnet=next((each.get("Subnet") for each in (raw.get("IPAM") or {}).get("Config") or ()), None),
            bridge=(raw.get("Options") or {}).get(BRIDGE_NAME),
        )


@dataclass(frozen=True)
class Source:
    """What a path of the host is, once its links are followed.

    ``kind`` is directory, file, socket, device, pipe, missing or unknown, and then ``why`` tells the reason.
    """

    path: str
    kind: str = "directory"
    why: str = ""


@dataclass(frozen=True)
class Confinement:
    """What the engine confines containers with. ``seccomp`` is its own profile: default, builtin, unconfined, a path of
    one that the host's owner gave it, or empty where it has none. ``data`` is the folder that it keeps everything in.
    """

    seccomp: str = "default"
    podman: bool = False
    data: str = ""

    @classmethod
    def from_info(cls, raw: Mapping[str, Any]) -> Confinement:
        """Reads what the engine's ``GET /info`` answers, with the ``Components`` of ``GET /version``."""
        options = [
            dict(part.partition("=")[::2] for part in each.split(",")) for each in raw.get("SecurityOptions") or ()
        ]
        seccomp = next((each for each in options if each.get("name") == "seccomp"), None)
        return cls(
            seccomp="" if seccomp is None else seccomp.get("profile", "default"),
            podman=any("podman" in str(each.get("Name", "")).lower() for each in raw.get("Components") or ()),
            data=raw.get("DockerRootDir") or "",
        )

    @property
    def takes_profiles(self) -> bool:
        """Whether containers are given a profile of ours: not without seccomp, nor over one of the host's owner."""
        return self.seccomp in ("default", "builtin", "unconfined")


@dataclass(frozen=True)
class World:
    """Everything a plan is made from. ``images`` has None for a reference that this host does not hold.

    ``networks`` are those of the fleet's networks that are there, by name.

    ``strangers`` are names of containers that are not of this fleet, ``busy`` host ports that others hold,
    ``now`` the time of the observation in seconds since the epoch. ``failures`` is what servers failed at before, and
    ``unanswered`` why a registry that should be asked for an image did not answer, by reference.

    ``rules`` are the fleet's in the host's packet filter, None where none can be kept, and ``firewall_error`` says why;
    ``host_network`` is what the rules depend on, ``saved`` the texts from which a boot restores them, None where none
    are to be saved. ``unbound`` are the fleet's networks that are no interfaces of this host. ``addresses`` are those
    of the names to which servers are let through, ``refused`` those that names have and must not lead to,
    ``hosts_files`` the directories of the volumes that tell the former to servers.

    ``sources`` are the host's paths that servers mount, by how they are written, none where the engine is elsewhere;
    ``volumes`` the inspected volumes that servers name.
    """

    containers: tuple[Container, ...] = ()
    images: Mapping[str, Image | None] = field(default_factory=dict)
    networks: Mapping[str, Network] = field(default_factory=dict)
    strangers: frozenset[str] = frozenset()
    busy: frozenset[int] = frozenset()
    now: float = 0.0
    failures: Mapping[str, Failure] = field(default_factory=dict)
    unanswered: Mapping[str, str] = field(default_factory=dict)
    rules: Ruleset | None = None
    host_network: HostNetwork = field(default_factory=HostNetwork)
    saved: tuple[str, str] | None = None
    firewall_error: str = ""
    unbound: frozenset[str] = frozenset()
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hosts_files: Mapping[str, str] = field(default_factory=dict)
    confinement: Confinement = field(default_factory=Confinement)
    sources: Mapping[str, Source] = field(default_factory=dict)
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def facts_of(host: Mapping[str, Any]) -> Facts:
    """Reads a HostConfig, as inspected or as we compose it; engines echo the same settings in different words."""
    log = host.get("LogConfig") or {}
    options = log.get("Config") or {}
    security = [each.replace("=", ":") for each in host.get("SecurityOpt") or ()]
    return Facts(
        bindings=tuple(
            sorted(
                (port, binding.get("HostIp") or "", str(binding.get("HostPort") or ""))
                for port, bindings in (host.get("PortBindings") or {}).items()
                for binding in bindings or ()
            )
        ),
        memory=host.get("Memory") or 0,
        cpus=_cpus(host),
        pids=max(host.get("PidsLimit") or 0, 0),
        cap_add=_capabilities(host.get("CapAdd")),
        cap_drop=_capabilities(host.get("CapDrop")),
        privileged=bool(host.get("Privileged")),
        no_new_privileges=any(each in ("no-new-privileges", "no-new-privileges:true") for each in security),
        read_only=bool(host.get("ReadonlyRootfs")),
        init=bool(host.get("Init")),
        restart=(host.get("RestartPolicy") or {}).get("Name") or "no",
        network=host.get("NetworkMode") or "",
        log=(("driver", log.get("Type") or ""), *sorted((str(key), str(value)) for key, value in options.items())),
    )


# Podman echoes "drop ALL" as the list of what it would have granted; these are in that list in every release.
_GRANTED_BY_PODMAN = frozenset(
    {
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)


def _without_podman(facts: Facts, host: Mapping[str, Any], networks: Mapping[str, str]) -> Facts:
    """``facts`` as Docker would have echoed them; what Docker echoed stays as it is."""
    if not facts.cap_add and frozenset(facts.cap_drop) >= _GRANTED_BY_PODMAN:
        facts = replace(facts, cap_drop=("ALL",))
    if facts.network == "bridge" and len(networks) == 1:
        facts = replace(facts, network=next(iter(networks)))
    if (host.get("LogConfig") or {}).get("Config") is None:
        facts = replace(facts, log=())
    return facts


def _cpus(host: Mapping[str, Any]) -> float:
    if host.get("NanoCpus"):
        return float(host["NanoCpus"]) / 1e9
    if host.get("CpuQuota") and host.get("CpuPeriod"):
        return float(host["CpuQuota"]) / float(host["CpuPeriod"])
    return 0.0


def _capabilities(names: Any) -> tuple[str, ...]:
    return tuple(sorted({str(name).upper().removeprefix("CAP_") for name in names or ()}))


def _status(state: Mapping[str, Any]) -> str:
    status = str(state.get("Status") or "")
    return {"configured": "created", "stopped": "exited", "stopping": "exited"}.get(status, status)


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _spec(text: str | None) -> Spec | None:
    try:
        return Spec.from_dict(json.loads(text or ""))
    except (ValueError, TypeError, AttributeError):
        return None


def _sha(identity: str) -> str:
    return identity if ":" in identity else f"sha256:{identity}"


def _seconds(text: Any) -> float:
    """An engine's RFC 3339 time with nanoseconds; the zero time is year 1."""
    if not isinstance(text, str) or text.startswith("0001-"):
        return 0.0
    head, _dot, rest = text.partition(".")
    zone = rest.lstrip("0123456789") if rest else ""
    fraction = rest[: len(rest) - len(zone)][:6].ljust(6, "0")
    try:
        return datetime.fromisoformat((f"{head}.{fraction}{zone}" if rest else head).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
