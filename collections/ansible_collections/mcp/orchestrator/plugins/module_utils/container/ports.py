# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Host ports: stable for a server, from the fleet's range, never one that is taken."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Iterable, Iterator


class NoFreePort(Exception):
    """Every port of the range is taken."""


def probe_order(server: str, start: int, end: int) -> Iterator[int]:
    """Returns all ports from ``start`` to ``end`` inclusive, first the one that the server's name leads to."""
    size = end - start + 1
    first = int.from_bytes(hashlib.sha256(server.encode()).digest()[:8], "big") % size
    return (start + (first + step) % size for step in range(size))


def free_port(server: str, start: int, end: int, taken: Collection[int]) -> int:
    """Returns the first port in the server's order that is not taken. Raises NoFreePort."""
    for port in probe_order(server, start, end):
        if port not in taken:
            return port
    raise NoFreePort(
        f"all ports from {start} to {end} are taken; widen port_range_start and port_range_end in settings.conf"
    )


class PortAllocator:
    """Takes ports for containers, each once. Its methods may be called from several threads."""

    def __init__(self, start: int, end: int, taken: Iterable[int]) -> None:
        self._start = start
        self._end = end
        self._taken = set(taken)
        self._lock = threading.Lock()

    def take(self, server: str, replica: int) -> int:
        """Returns a free port for a server's replica, the same one as long as nobody else has it. Raises NoFreePort."""
        key = server if replica == 1 else f"{server}.{replica}"
        with self._lock:
            port = free_port(key, self._start, self._end, self._taken)
            self._taken.add(port)
        return port

    def reserve(self, ports: Iterable[int]) -> None:
        """Notes ports that others have."""
        with self._lock:
            self._taken.update(ports)

    def release(self, ports: Iterable[int]) -> None:
        """Notes ports that are free again."""
        with self._lock:
            self._taken.difference_update(ports)
