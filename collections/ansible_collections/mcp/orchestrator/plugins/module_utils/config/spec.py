# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The normalised desired state of one server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

GENERATION_CHARACTERS = 12

# What only the route or the operator's wish depends on: changing it never makes a new container.
_NOT_IN_THE_CONTAINER = frozenset(
    {"name", "enabled", "path", "mcp_path", "health_path", "health_matcher", "strip_prefix", "priority", "replicas"}
    | {"conditions", "auth", "pull", "placement", "generation", "signature_key"}
)


@dataclass(frozen=True)
class Spec:
    """One server as it is wished. ``memory`` is in bytes, ``cpus`` in cores; ``env`` maps names to keyed digests.

    ``network`` is ``none``, ``fleet``, the name of a network of the engine, a tuple of the hosts that the server may
    reach, or None for the fleet's ordinary network. ``instance_metadata`` lets it reach the metadata of its cloud.
    ``build`` is the recipe (see recipe.py) of an image that is built
    here. ``placement`` has ``hosts``, how many hosts run it, and ``labels``, those that such a host bears; what it does
    not say, or None, is all and any. ``signature_key`` is the file of the key that has to have signed the
    image, None where none has to. ``conditions`` and ``auth`` are as mcp_alb_route takes them. ``host_config`` and
    ``container_config`` go as they are into HostConfig and the create body of the Engine API, over what the fleet puts
    there itself.
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
    volumes: tuple[str, ...] = ()
    tmpfs: tuple[str, ...] = ()
    user: str | None = None
    workdir: str | None = None
    memory: int = 512 * 1024**2
    cpus: float = 1.0
    pids: int = 256
    network: str | tuple[str, ...] | None = None
    instance_metadata: bool | None = None
    read_only: bool = True
    init: bool = True
    build: Mapping[str, Any] | None = None
    platform: str | None = None
    pull: str = "missing"
    signature_key: str | None = None
    replicas: int = 1
    placement: Mapping[str, Any] | None = None
    priority: int | None = None
    conditions: tuple[Mapping[str, Any], ...] = ()
    auth: str | None = None
    isolation: str | None = None
    idle_timeout: int | None = None
    restart: str | None = None
    stop_timeout: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    host_config: Mapping[str, Any] = field(default_factory=dict)
    container_config: Mapping[str, Any] = field(default_factory=dict)
    generation: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for Ansible, labels and JSON; ``from_dict`` reads it back."""
        return {
            name: list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
            for name, value in ((each.name, getattr(self, each.name)) for each in fields(self))
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Spec:
        """Reads what ``to_dict`` wrote, by this release or another: unknown keys are left out."""
        known = {each.name for each in fields(cls)}
        arguments: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items() if name in known
        }
        return cls(**arguments)

    def with_generation(self) -> Spec:
        """This spec with ``generation`` set to the hash of everything that makes its container."""
        # What is not said is left out, so that a later release can add a field without replacing every container.
        made_of = {
            each.name: value
            for each in fields(self)
            if each.name not in _NOT_IN_THE_CONTAINER and (value := getattr(self, each.name)) not in (None, {})
        }
        if self.transport == "stdio":
            made_of["path"] = self.path  # the bridge inside the container serves under it
        canonical = json.dumps(made_of, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return replace(self, generation=hashlib.sha256(canonical.encode()).hexdigest()[:GENERATION_CHARACTERS])
