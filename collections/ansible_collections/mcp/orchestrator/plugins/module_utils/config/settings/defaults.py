# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[defaults]: what a server gets where its entry is silent."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import cores, switch
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import ISOLATIONS, RESTARTS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import (
    matching,
    memory,
    number,
    one_of,
)


@dataclass(frozen=True)
class Defaults:
    """What a server gets when its entry is silent: ``memory`` in bytes, ``cpus`` in cores, time-outs in seconds.

    None leaves it to the engine, the bridge, or the fleet's own way. ``network`` is a word of
    ``orchestrator.network`` or the name of a network of the engine.
    """

    memory: int = setting(512 * 1024**2, memory)
    cpus: float = setting(1.0, cores)
    pids: int = setting(256, number(1, 4194304))
    network: str | None = setting(None, matching(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "the name of a network"))
    read_only: bool = setting(True, switch)
    init: bool = setting(True, switch)
    isolation: str | None = setting(None, one_of(*ISOLATIONS))
    idle_timeout: int | None = setting(None, number(1, 86400))
    replicas: int = setting(1, number(1, 32))
    restart: str | None = setting(None, one_of(*RESTARTS))
    stop_timeout: int | None = setting(None, number(0, 3600))
    pull: str = setting("missing", one_of("always", "missing", "never"))
    signature_key: str | None = setting(None, matching(r"/[\x21-\x7e]+", "the absolute path of a public key"))
