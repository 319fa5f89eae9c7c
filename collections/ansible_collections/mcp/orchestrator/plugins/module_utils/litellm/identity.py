# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ids by which LiteLLM's keys, teams and users are granted servers.

Without one in the config LiteLLM makes one of the name, the address, the transport and more, and forgets the grants
when any of them changes (https://docs.litellm.ai/docs/mcp, server_id). So each entry has one, and keeps it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping


def made_id(fleet: str, service: str, taken: Collection[str]) -> str:
    """Returns an id for a server that has none: the same each time, on every host, unless another has it already."""
    number = 0
    while True:
        text = f"mcp-orchestrator:{fleet}:{service}" + (f":{number}" if number else "")
        found = uuid.uuid5(uuid.NAMESPACE_URL, text).hex
        if found not in taken:
            return found
        number += 1


def renamed(
    gone: Iterable[str], new: Iterable[str], before: Mapping[str, str], now: Mapping[str, str]
) -> dict[str, str]:
    """Returns by its new name the former name of each server that was renamed.

    ``before`` and ``now`` are digests of the entries by name. A renamed server is one whose entry went under one name
    and came under another; where several are alike nobody knows which is which.
    """
    came: dict[str, list[str]] = {}
    for service in new:
        if service in now:
            came.setdefault(now[service], []).append(service)
    went: dict[str, list[str]] = {}
    for service in gone:
        if service in before:
            went.setdefault(before[service], []).append(service)
    return {
        services[0]: went[digest][0]
        for digest, services in came.items()
        if len(services) == 1 and len(went.get(digest, ())) == 1
    }


def server_ids(
    fleet: str,
    services: Iterable[str],
    world: Mapping[str, str],
    former: Mapping[str, str],
    taken: Collection[str] = (),
) -> dict[str, str]:
    """Returns the id of each server.

    ``world`` has those that LiteLLM knows, by server; ``former`` are the former names of renamed servers, ``taken`` ids
    that are none of the fleet's.
    """
    ids: dict[str, str] = {}
    waiting = []
    for service in sorted(services):
        known = world.get(service) or world.get(former.get(service, ""))
        if known and known not in ids.values():
            ids[service] = known
        else:
            waiting.append(service)
    for service in waiting:
        ids[service] = made_id(fleet, service, {*ids.values(), *world.values(), *taken})
    return ids
