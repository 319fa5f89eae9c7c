# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many sessions the limits of a server may hold, before anybody has measured one."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.isolation import keeps_sessions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import Recipe
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

_MIB = 1024 * 1024
_LEFT_FREE = 1 / 16  # memory_left of files/bridge/limits.py
_OF_THE_BRIDGE = 16 * _MIB
_SESSIONS = 100


class _Process(NamedTuple):
    """What one process of a server takes: bytes, and processes and threads."""

    memory: int
    tasks: int
    name: str


# Measured in a container: mcp-server-time and server-everything, idle after their handshake.
_PYTHON = _Process(46 * _MIB, 3, "a small Python server")
_NODE = _Process(22 * _MIB, 11, "a small Node.js server")
_UNKNOWN = _Process(64 * _MIB, 16, "a server of a kind that is not known")


def session_estimate(spec: Spec) -> str | None:
    """Returns how many sessions the limits of ``spec`` hold, for people; None where sessions share processes."""
    if not keeps_sessions(spec):
        return None
    process = _process(spec)
    by_memory = (spec.memory * (1 - _LEFT_FREE) - _OF_THE_BRIDGE) // process.memory
    by_tasks = (spec.pids * (1 - _LEFT_FREE) - 1) // process.tasks
    most = int(spec.bridge.get("max_sessions", _SESSIONS))
    # One process is kept to watch the server's health.
    fit = max(0, min(int(by_memory) - 1, int(by_tasks) - 1, most))
    return (
        f"about {fit} at once: an estimate, by {process.memory // _MIB} MiB and {process.tasks} processes and threads"
        f" for each, as {process.name} takes; once it runs, /health says what was measured"
    )


def _process(spec: Spec) -> _Process:
    runtime = Recipe.from_dict(spec.build).runtime if spec.build is not None else ""
    return {"python": _PYTHON, "node": _NODE}.get(runtime, _UNKNOWN)
