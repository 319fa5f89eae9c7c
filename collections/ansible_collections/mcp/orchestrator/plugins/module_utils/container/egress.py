# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a server may go from its container: anywhere, to the others of its fleet, to some hosts, or nowhere.

``internet`` servers are in the fleet's ordinary network, which leads everywhere but to the host and to the metadata of
its cloud. The others are in networks which the engine gives no way out: no address translation, and rules of ours that
turn away what leaves them. A server of a list of hosts is let out by its container's MAC address, which without
capabilities it cannot change, to the addresses that those names had when they were last looked up; names stand in its
``/etc/hosts``, and no other name is answered, so that a look-up carries nothing out either. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config import addresses
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import Ruleset

# Nothing answers there: the engine's own name server then knows the containers of the network and no other name.
NO_NAME_SERVER = "127.0.0.1"
# Addresses that a name had before stay allowed, since names of big services take turns between several.
ADDRESSES_KEPT = 16


def mac_address(fleet: str, server: str, port: int) -> str:
    """Returns the locally administered MAC address of the container that publishes ``port``."""
    digest = hashlib.sha256(f"{fleet}/{server}/{port}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x0A, *digest[:5]))


def literal(host: str) -> str | None:
    """Returns ``host`` as rules name it, when it is an IPv4 address or a range of them."""
    network = addresses.ipv4_network(host)
    return None if network is None else str(network)


def admits(host: str, address: str, own: Collection[str]) -> bool:
    """Returns whether ``host`` may lead to ``address``: a literal address always, a name only to the internet."""
    return literal(host) is not None or addresses.is_admissible(address, own)


def hosts_file(found_for: Mapping[str, Sequence[str]]) -> str:
    """Returns the ``/etc/hosts`` of a server that may reach these names."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    lines += [
        f"{address.removesuffix('/32')} {host}"
        for host, found in sorted(found_for.items())
        if literal(host) is None
        for address in found
    ]
    return "\n".join(lines) + "\n"


def allowed_before(present: Ruleset, fleet: str, own: Collection[str] = ()) -> dict[tuple[str, str], tuple[str, ...]]:
    """Returns the addresses that rules let through, by server and host; of a name only those that it may lead to."""
    return {
        (each.server, host): tuple(one for one in found if admits(host, one, own))
        for each in rules.allowed_in(present, fleet)
        for host, found in each.addresses.items()
    }


def still_allowed(answer: Sequence[str], before: Sequence[str]) -> tuple[str, ...]:
    """Returns the addresses to let through for a name that now has those of ``answer``."""
    if set(answer) <= set(before):
        return tuple(before)
    return tuple(dict.fromkeys((*answer, *before)))[:ADDRESSES_KEPT]
