# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses of the host on which the module runs."""

from __future__ import annotations

import ipaddress
import socket

# a.root-servers.net: a global address, so that no route for private or documentation networks leads elsewhere.
_SOMEWHERE = ("198.41.0.4", 53)


class ThisHost:
    """Asks the kernel; sends nothing."""

    def default_source(self) -> str | None:
        """The source address of the route to the world. ``connect`` on a UDP socket only chooses it: udp(7)."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(_SOMEWHERE)
            except OSError:
                return None
            address = ipaddress.IPv4Address(probe.getsockname()[0])
        return None if address.is_loopback or address.is_link_local or address.is_unspecified else str(address)

    def has(self, address: str) -> bool:
        """Whether a socket can be bound to ``address``."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, 0))
            except OSError:
                return False
        return True
