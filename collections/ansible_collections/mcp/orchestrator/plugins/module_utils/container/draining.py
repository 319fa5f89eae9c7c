# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Superseded containers that may not go yet, because clients still have sessions there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host import Host
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container, World

# How many superseded containers of one replica may finish their sessions at a time; of more, the newest.
MOST = 3
ASKED_AT_ONCE = 16
# Seconds that a run waits for sessions which are about to end, as those of a client that opens one for each call.
GRACE = 3.0
PAUSE = 0.5


@dataclass(frozen=True)
class Draining:
    """A superseded container that stays for its sessions."""

    server: str
    container: str
    sessions: int

    def to_dict(self) -> dict[str, Any]:
        """As the module returns it."""
        return {"server": self.server, "container": self.container, "sessions": self.sessions}


def with_sessions(world: World, host: Host, policy: Policy, ports: Mapping[str, Collection[int]]) -> World:
    """Returns the world, knowing which containers hold sessions that a load balancer still leads to them.

    ``ports`` are those that drain, by server. A bridge that does not answer may hold a session: its load balancer ends
    the drain at the latest.
    """
    asked = [each for each in world.containers if each.runs and each.port in ports.get(each.service, ())]
    if not asked:
        return world
    deadline = host.clock.now() + GRACE
    found = _counted(asked, host, policy)
    while any(found.values()) and host.clock.now() < deadline:
        host.clock.sleep(PAUSE)
        found |= _counted([each for each in asked if found[each.id]], host, policy)
    return replace(
        world, containers=tuple(replace(each, draining=found.get(each.id) or None) for each in world.containers)
    )


def _counted(asked: Sequence[Container], host: Host, policy: Policy) -> dict[str, int]:
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        counts = pool.map(lambda each: host.ask_sessions(policy.reach_address, each.port or 0), asked)
        return {each.id: 1 if count is None else count for each, count in zip(asked, counts, strict=True)}


def kept_for_sessions(superseded: Iterable[Container]) -> list[Container]:
    """Returns those of one replica's superseded containers that stay until their sessions have ended. Pure."""
    busy = [each for each in superseded if each.draining]
    return sorted(busy, key=lambda each: (each.created, each.id), reverse=True)[:MOST]


def draining_of(containers: Iterable[Container]) -> list[Draining]:
    """Returns what is said of containers that stay for their sessions."""
    return [Draining(each.service, each.name, each.draining) for each in containers if each.draining]
