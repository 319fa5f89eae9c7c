# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one entry asks for, before it becomes a spec."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import Egress
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret

SCRATCH = "/tmp"  # noqa: S108 - inside the container


@dataclass
class ParsedEntry:
    """A spec in the making: None is what nobody said. ``env`` holds the values as they are written.

    ``verbatim`` names those of env in which ``${…}`` is no reference, ``places`` tells where each stands,
    ``volume_places`` where each source of a volume does;
    ``host_config`` and ``container_config`` hold what the Engine API's HostConfig and create body get besides.
    """

    image: str = ""
    recipe: Recipe | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    env: dict[str, Secret] = field(default_factory=dict)
    verbatim: set[str] = field(default_factory=set)
    places: dict[str, str] = field(default_factory=dict)
    stdio: str = ""
    """What says that the server speaks stdio: the flag ``-i``, the key ``type``; empty where nothing does."""
    ports: list[int] = field(default_factory=list)
    publish_all: bool = False
    volumes: list[str] = field(default_factory=list)
    volume_places: dict[str, str] = field(default_factory=dict)
    tmpfs: list[str] = field(default_factory=list)
    user: str | None = None
    workdir: str | None = None
    memory: int | None = None
    cpus: float | None = None
    pids: int | None = None
    egress: Egress | None = None
    read_only: bool | None = None
    init: bool | None = None
    platform: str | None = None
    pull: str | None = None
    stop_timeout: int | None = None
    labels: dict[str, str] = field(default_factory=dict)
    host_config: dict[str, Any] = field(default_factory=dict)
    container_config: dict[str, Any] = field(default_factory=dict)
