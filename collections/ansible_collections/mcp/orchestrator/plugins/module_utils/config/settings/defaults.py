# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[defaults]: what a server gets where its entry is silent."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import ISOLATIONS, RESTARTS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import (
    cores,
    matching,
    memory,
    number,
    one_of,
    optional,
    switch,
)


@dataclass(frozen=True)
class Defaults:
    """What a server gets when its entry is silent: ``memory`` in bytes, ``cpus`` in cores, time-outs in seconds.

    None leaves it to the engine, the bridge, or the fleet's own way. ``network`` is a word of
    ``orchestrator.network`` or the name of a network of the engine.
    """

    memory: int = setting(512 * 1024**2, memory, "Memory of a server.")
    cpus: float = setting(1.0, cores, "Cores of a server.")
    pids: int = setting(256, number(1, 4194304), "Processes and threads of a server.")
    network: str | None = setting(
        None,
        optional(matching(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "the name of a network")),
        "An existing network of the engine, or internet, none or fleet.",
        empty="internet",
    )
    read_only: bool = setting(True, switch, "Whether its container's root is read-only.")
    init: bool = setting(True, switch, "Whether a small init reaps processes in the container.")
    isolation: str | None = setting(
        None, optional(one_of(*ISOLATIONS)), "How sessions share the processes of a stdio server.", empty="per_session"
    )
    idle_timeout: int | None = setting(
        None,
        optional(number(1, 86400)),
        "Seconds without a message after which a session of a stdio server ends.",
        empty="as the bridge decides",
    )
    sleep_after: int | None = setting(
        None,
        optional(number(0, 604800)),
        "Seconds without a client after which a stdio server sleeps: no process of it waits. 0: never.",
        empty="900",
    )
    deep_check_interval: int | None = setting(
        None,
        optional(number(0, 604800)),
        "How often a sleeping server is started to see whether it still can be, in seconds. 0: never.",
        empty="3600",
    )
    replicas: int = setting(1, number(1, 32), "How many containers of it run on each host.")
    restart: str | None = setting(
        None, optional(one_of(*RESTARTS)), "The engine's restart policy.", empty="unless-stopped"
    )
    stop_timeout: int | None = setting(
        None, optional(number(0, 3600)), "Seconds from asking a server to stop to killing it.", empty="the engine's 10"
    )
    pull: str = setting("missing", one_of("always", "missing", "never"), "When its image is pulled.")
    signature_key: str | None = setting(
        None,
        optional(matching(r"/[\x21-\x7e]+", "the absolute path of a public key")),
        "The public key (cosign.pub) by which every image that is pulled must be signed.",
        empty="signatures are not required",
    )
