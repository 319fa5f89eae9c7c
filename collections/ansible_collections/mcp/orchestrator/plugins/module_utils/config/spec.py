# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The normalised desired state of one server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

GENERATION_CHARACTERS = 12

# What only the route or the operator's wish depends on: changing it never makes a new container.
_NOT_IN_THE_CONTAINER = frozenset(
    {"name", "enabled", "path", "mcp_path", "health_path", "health_matcher", "strip_prefix", "generation"}
)


@dataclass(frozen=True)
class Spec:
    """One server as it is wished. ``memory`` is in bytes, ``cpus`` in cores; ``env`` maps names to keyed digests."""

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
    network: str | None = None
    read_only: bool = True
    init: bool = True
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
        made_of = {name: value for name, value in asdict(self).items() if name not in _NOT_IN_THE_CONTAINER}
        if self.transport == "stdio":
            made_of["path"] = self.path  # the bridge inside the container serves under it
        canonical = json.dumps(made_of, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return replace(self, generation=hashlib.sha256(canonical.encode()).hexdigest()[:GENERATION_CHARACTERS])
