# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was seen on the engine: our containers with their live facts, images, the network, and what others hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import Failure
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import HostNetwork, Ruleset

RUNS = ("running", "paused", "restarting")
# What a bridge logs that is told nothing (files/bridge/options.py).
BRIDGE_LOG_LEVEL = "info"
BRIDGE_CALL_RECORD = "on"


@dataclass(frozen=True)
class Facts:
    """Live settings of a container that can differ from what we asked for, in one form for all engines.

    ``bindings`` are (container port, host address, host port); sizes in bytes; ``cpus`` in cores; 0 means no limit.
    ``log`` is empty where the engine does not say.
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

    ``origins`` are those of the pages that its bridge lets in, ``log_level`` is how much that bridge logs,
    ``call_record`` how it records calls: off, on or traced.

    ``networks`` maps names to ids, ``macs`` to MAC addresses, empty while it does not run. ``ready`` says whether its
    endpoint answered as its spec wants: None when nobody asked. ``draining`` is how many sessions keep it although it
    is superseded: None where it need not be kept. ``required_by`` is the server that needs it, or empty.
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
    log_level: str = BRIDGE_LOG_LEVEL
    call_record: str = BRIDGE_CALL_RECORD
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
    draining: int | None = None
    required_by: str = ""

    @property
    def runs(self) -> bool:
        """Whether it holds its port: running, paused, or between two tries of the engine's restart policy."""
        return self.status in RUNS


@dataclass(frozen=True)
class Image:
    """What an image brings of its own; ``exposed`` are its TCP ports, ``digests`` its names with digests.

    ``newer`` is the digest that the registry has for the same name, when it was asked and it is another one;
    ``platform`` is what its programs are made for, such as linux/arm64, and empty where the engine does not say.
    """

    id: str
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    exposed: tuple[int, ...] = ()
    digests: tuple[str, ...] = ()
    newer: str = ""
    platform: str = ""


@dataclass(frozen=True)
class Network:
    """A network that bears the name of one of the fleet's, whoever made it; ``bridge`` is the interface asked for,
    ``server`` the one whose own it is."""

    id: str
    ours: bool
    subnet: str | None = None
    bridge: str | None = None
    server: str = ""


@dataclass(frozen=True)
class Mark:
    """That a step has run: in which ``generation``, and on which ``data``."""

    generation: str
    data: str


@dataclass(frozen=True)
class Source:
    """What a path of the host is, once its links are followed.

    ``kind`` is directory, file, socket, device, pipe, missing or unknown, and then ``why`` is the reason.
    """

    path: str
    kind: str = "directory"
    why: str = ""


@dataclass(frozen=True)
class Confinement:
    """What the engine confines containers with. ``seccomp`` is its own profile: default, builtin, unconfined, a path of
    one that the host's owner gave it, or empty where it has none. ``data`` is the folder that it keeps everything in,
    ``platform`` that of its host, such as linux/amd64.
    """

    seccomp: str = "default"
    podman: bool = False
    data: str = ""
    platform: str = ""

    @property
    def takes_profiles(self) -> bool:
        """Whether containers are given a profile of ours: not without seccomp, nor over one of the host's owner."""
        return self.seccomp in ("default", "builtin", "unconfined")


@dataclass(frozen=True)
class World:
    """Everything a plan is made from. ``images`` has None for a reference that this host does not hold.

    ``networks`` are those of the fleet's networks that are there, by name. ``required`` are the containers of what
    servers require, which are none of ``containers``; ``marks`` the steps that have run, by name, and ``data`` the
    volumes that hold what servers require, each with what tells it from another of the same name. ``unverified`` are
    the generations, by server, that have yet to pass its verification.

    ``strangers`` are names of containers that are not of this fleet, ``busy`` host ports that others hold,
    ``now`` the time of the observation in seconds since the epoch. ``failures`` is what servers failed at before, and
    ``unanswered`` why a registry that should be asked for an image did not answer, by reference.

    ``rules`` are the fleet's in the host's packet filter, None where none can be kept, and ``firewall_error`` says why;
    ``host_network`` is what the rules depend on, ``saved`` the texts from which a boot restores them, None where none
    are to be saved. ``unbound`` are the fleet's networks that are no interfaces of this host. ``addresses`` are those
    of the names to which servers are let through, ``refused`` those that names have and must not lead to,
    ``hosts_files`` the directories of the volumes with the former, by server.

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
    required: tuple[Container, ...] = ()
    marks: Mapping[str, Mark] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    unverified: Mapping[str, str] = field(default_factory=dict)
