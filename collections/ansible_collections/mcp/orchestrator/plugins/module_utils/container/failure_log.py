# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures written where the next run finds them: on volumes of the engine."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.clock import Clock
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import Engine
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import Failure, volume_name


class FailureLog:
    """The failures of one fleet. ``known`` are those that were seen when the run began, by server.

    ``after`` are those that there are now.
    """

    def __init__(self, engine: Engine, clock: Clock, fleet: str, known: Mapping[str, Failure]) -> None:
        self._engine = engine
        self._clock = clock
        self._fleet = fleet
        self._known = known
        self.after = dict(known)

    def write(self, server: str, attempt: str) -> None:
        """Adds a failure of ``attempt``. Raises EngineError.

        The labels of a volume cannot be changed, so that it is created again.
        """
        failure = self._known.get(server, Failure(server, "")).again(attempt, self._clock.now())
        volume = volume_name(self._fleet, server)
        self._engine.remove_volume(volume)
        self._engine.create_volume(volume, failure.labels(self._fleet))
        self.after[server] = failure

    def remove(self, volume: str) -> None:
        """Removes the failures that a volume keeps. Raises EngineError."""
        self._engine.remove_volume(volume)
