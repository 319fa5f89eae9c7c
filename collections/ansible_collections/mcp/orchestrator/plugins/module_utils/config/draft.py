# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one entry asks for, before it becomes a spec."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secret import Secret

MEMORY = 512 * 1024**2
CPUS = 1.0
PIDS = 256


@dataclass
class Draft:
    """A spec in the making; ``env`` holds the values themselves, None is what nobody said."""

    image: str = ""
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    env: dict[str, Secret] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    tmpfs: list[str] = field(default_factory=list)
    user: str | None = None
    workdir: str | None = None
    memory: int = MEMORY
    cpus: float = CPUS
    pids: int = PIDS
    network: str | None = None
    read_only: bool = True
    init: bool = True
