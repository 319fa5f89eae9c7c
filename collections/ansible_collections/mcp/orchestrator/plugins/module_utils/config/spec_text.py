# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of one server in words, the same wherever people read them: config report, plan, state file, page."""

from __future__ import annotations

_UNITS = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))


def size_text(count: int) -> str:
    """Returns a number of bytes in the largest unit that divides it: 512 MiB, 1000 bytes."""
    for unit, factor in _UNITS:
        if count and count % factor == 0:
            return f"{count // factor} {unit}"
    return f"{count} bytes"


def limits_text(memory: int, cpus: float, pids: int) -> str:
    """Returns the limits of a container; ``memory`` is in bytes, ``cpus`` in cores."""
    return f"{size_text(memory)} of memory, {'1 core' if cpus == 1 else f'{cpus:g} cores'}, {pids} processes"


def transport_text(transport: str, port: int | None) -> str:
    """Returns what the server itself speaks; ``port`` is where it listens in its container, None if the image says."""
    if transport == "stdio":
        return "stdio, through the bridge"
    return (
        f"{transport}, on {f'port {port}' if port is not None else 'the port that the image exposes'} of its container"
    )
