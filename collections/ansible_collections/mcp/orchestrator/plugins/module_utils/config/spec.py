# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The normalised desired state of one server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import Egress

GENERATION_CHARACTERS = 12
PRESERVED = "preserve"
COMPLETED = "completed"

# What only the route, or whether it runs at all, depends on: changing it never makes a new container.
_NOT_IN_THE_CONTAINER = frozenset(
    {"name", "enabled", "path", "mcp_path", "health_path", "health_matcher", "strip_prefix", "priority", "replicas"}
    | {"autoscaling"}
    | {"host_header", "conditions", "auth", "pull", "placement", "generation", "signature_key"}
    | {"group", "stopped", "restarted", "client_headers", "template", "verify"}
    | {"requires", "required_by", "condition", "start_timeout"}
)


@dataclass(frozen=True)
class Spec:
    """One server in its desired state. ``memory`` is in bytes, ``cpus`` in cores, time-outs in seconds.

    ``env`` maps names to keyed digests. ``build`` is the recipe (see launch/recipe.py) of an image that is built here.
    ``placement`` has ``on``, the side that runs it (hosts, cluster, both), ``hosts``, how many hosts do, and
    ``labels``, those that such a host bears; what it does not say, or None, is what the settings say, all and any.
    ``autoscaling`` has ``max``, how many replicas there may be on Kubernetes beside the ``replicas`` that there are
    always, and ``cpu``, the percent of ``cpus`` above which there are more; None where their number is fixed.
    ``signature_key`` is the file of the key that has to have signed the image, None
    where none has to. ``host_header`` is what an HTTP server gets as Host, PRESERVED what its client sends, None its
    own address as seen from inside. ``conditions`` and ``auth`` are as mcp_alb_route takes them. ``bridge``
    is what ``orchestrator.bridge`` says, with sizes in bytes; its ``secret_args`` is how many arguments of the server
    are kept secret, in ``env``. ``host_config`` and ``container_config`` go as they are
    into HostConfig and the create body of the Engine API, over what the fleet puts there itself. ``stopped`` is who has
    it stopped and since when, as people read it, None while it is to run; ``restarted`` the id of the request for new
    containers, None where there is none: both are overrides, and no part of the generation. ``group`` is the one with
    which the monitor shows it, ``client_headers`` are those that its variables take of a client,
    ``template`` the one that its entry names. ``verify`` is whether a container that replaces another has to pass the
    server's verification first. ``requires`` are the specs of what it needs beside itself, as ``to_short_dict`` gives
    them, in the order in which they start; what they need no server has: ``required_by`` is the server that needs it,
    ``health`` the command that ends with 0 in it while it is well, ``condition`` (started, healthy, completed) what has
    to be within ``start_timeout`` seconds before the next one starts.
    """

    name: str
    image: str
    enabled: bool = True
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    transport: str = "stdio"
    port: int | None = None
    path: str = ""
    mcp_path: str = "/mcp"
    health_path: str = ""
    health_matcher: str = "200"
    strip_prefix: bool = False
    host_header: str | None = None
    volumes: tuple[str, ...] = ()
    tmpfs: tuple[str, ...] = ()
    user: str | None = None
    workdir: str | None = None
    memory: int = 512 * 1024**2
    cpus: float = 1.0
    pids: int = 256
    egress: Egress = Egress()  # noqa: RUF009 - frozen
    read_only: bool = True
    init: bool = True
    build: Mapping[str, Any] | None = None
    platform: str | None = None
    pull: str = "missing"
    signature_key: str | None = None
    replicas: int = 1
    autoscaling: Mapping[str, int] | None = None
    placement: Mapping[str, Any] | None = None
    priority: int | None = None
    conditions: tuple[Mapping[str, Any], ...] = ()
    auth: str | None = None
    isolation: str | None = None
    idle_timeout: int | None = None
    sleep_after: int | None = None
    deep_check_interval: int | None = None
    bridge: Mapping[str, Any] = field(default_factory=dict)
    restart: str | None = None
    stop_timeout: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    host_config: Mapping[str, Any] = field(default_factory=dict)
    container_config: Mapping[str, Any] = field(default_factory=dict)
    generation: str = ""
    stopped: str | None = None
    restarted: str | None = None
    group: str | None = None
    client_headers: tuple[str, ...] = ()
    verify: bool = False
    template: str | None = None
    requires: tuple[Mapping[str, Any], ...] = ()
    required_by: str | None = None
    health: tuple[str, ...] | None = None
    condition: str | None = None
    start_timeout: int | None = None

    @property
    def requirements(self) -> list[Spec]:
        """What it needs beside itself, in the order in which it starts."""
        return [Spec.from_dict(each) for each in self.requires]

    @property
    def parts(self) -> list[Spec]:
        """All whose containers it is made of: itself, and what it needs beside."""
        return [self, *self.requirements]

    @property
    def alias(self) -> str:
        """The name by which its server reaches a requirement."""
        return self.name.removeprefix(f"{self.required_by}.")

    @property
    def is_step(self) -> bool:
        """Whether it is a requirement that runs once and comes to an end."""
        return self.condition == COMPLETED

    @property
    def runs(self) -> bool:
        """Whether containers of it are to run."""
        return self.enabled and self.stopped is None

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data for Ansible, labels and JSON, which ``from_dict`` reads back.

        ``egress`` is in it as ``network`` (None, a word, or a list of hosts) and ``instance_metadata`` (true or None).
        """
        return {
            name: list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
            for name, value in self._plain()
        }

    def to_short_dict(self) -> dict[str, Any]:
        """Returns the same without values that are empty by default; ``from_dict`` reads it back as well.

        Ansible takes its time for each key, in every task with the specs. An empty list that is not the default has a
        meaning: ``network`` without a host leads nowhere, an empty ``entrypoint`` removes that of the image.
        """
        return {
            name: value
            for name, value in self.to_dict().items()
            if value not in (None, [], {}) or value != _DEFAULTS[name]
        }

    def _plain(self) -> Iterator[tuple[str, Any]]:
        for name in _NAMES:
            if name == "egress":
                yield "network", self.egress.plain_network
                yield "instance_metadata", self.egress.instance_metadata or None
            else:
                yield name, getattr(self, name)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Spec:
        """Reads what ``to_dict`` wrote, by this release or another: unknown keys are left out."""
        arguments: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in data.items()
            if name in _DEFAULTS and name not in ("network", "instance_metadata")
        }
        egress = Egress.from_plain(data.get("network"), data.get("instance_metadata"))
        return cls(**arguments, egress=egress)

    def with_generation(self) -> Spec:
        """Returns this spec with ``generation`` set to the hash of everything that makes its container."""
        # What is not said is left out, so that a later release can add a field without replacing every container.
        made_of = {
            name: value
            for name, value in self._plain()
            if name not in _NOT_IN_THE_CONTAINER and value not in (None, {})
        }
        if self.transport == "stdio":
            made_of["path"] = self.path  # the bridge inside the container serves under it
        canonical = json.dumps(made_of, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return replace(self, generation=hashlib.sha256(canonical.encode()).hexdigest()[:GENERATION_CHARACTERS])


_NAMES = tuple(each.name for each in fields(Spec))
_DEFAULTS = Spec(name="", image="").to_dict()
