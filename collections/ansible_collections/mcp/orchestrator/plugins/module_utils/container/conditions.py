# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting until what a server requires is as the next one needs it, and remembering the steps that have run."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels, mount, step_mark
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.clock import Clock
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import container_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import (
    Engine,
    EngineError,
    EngineUnreachable,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import (
    FIRST_PAUSE,
    HOPELESS_RESTARTS,
    LONGEST_PAUSE,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container, Mark

COMMAND_SECONDS = 10.0
"""How long the command may take that tells whether a requirement is well."""


class Conditions:
    """Waits for the conditions of requirements, and remembers the steps that have run."""

    def __init__(self, engine: Engine, clock: Clock, fleet: str) -> None:
        self._engine = engine
        self._clock = clock
        self._fleet = fleet

    def make_data(self, server: Spec) -> None:
        """Makes the volumes that the requirements of a server name, unless they are there. Raises EngineError.

        All of them before the first step, because a step remembers them all.
        """
        for name in sorted(mount.names_of(server.requirements)):
            if self._engine.volume(name) is None:
                marks = {
                    labels.FLEET: self._fleet,
                    labels.SERVICE: server.name,
                    labels.DATA: uuid.uuid4().hex,
                }
                self._engine.create_volume(name, marks)

    def remember(self, step: Spec, server: Spec) -> None:
        """Notes that a step has run, as it is and on the data that is there. Raises EngineError.

        The labels of a volume cannot be changed, so that it is created again.
        """
        found = [self._engine.volume(name) for name in sorted(mount.names_of(server.requirements))]
        data = step_mark.data_of(server, step_mark.data_in(each for each in found if each is not None))
        volume = step_mark.volume_name(self._fleet, step.name)
        self._engine.remove_volume(volume)
        mark = Mark(step.generation, data or "")
        self._engine.create_volume(volume, step_mark.labels_of(self._fleet, step.name, mark))

    def failure(self, spec: Spec, identity: str, since: float) -> str | None:
        """Returns None once the condition of ``spec`` is met, else why it is not. Raises EngineError."""
        if spec.is_step:
            return self._until_completed(spec, identity, since)
        return None if spec.health is None else self._until_healthy(spec, spec.health, identity, since)

    def _until_healthy(self, spec: Spec, command: tuple[str, ...], identity: str, since: float) -> str | None:
        deadline, pause = since + (spec.start_timeout or 0), FIRST_PAUSE
        while True:
            said = self._unwell(command, identity)
            if said is None:
                return None
            found = self._look(identity)
            if found is None:
                return "its container was removed by somebody else"
            if found.restarts >= HOPELESS_RESTARTS or found.status in ("exited", "dead"):
                return f"its process keeps ending: exit code {found.exit_code}, {found.restarts} restarts"
            left = deadline - self._clock.now()
            if left <= 0:
                return f"it is not well within {spec.start_timeout} s: {command[0]} {said}"
            self._clock.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _unwell(self, command: tuple[str, ...], identity: str) -> str | None:
        """What the command says of a container that is not well."""
        try:
            code = self._engine.execute(identity, command, COMMAND_SECONDS)
        except EngineUnreachable:
            raise
        except EngineError as error:
            return str(error)
        if code is None:
            return f"does not end within {COMMAND_SECONDS:g} s"
        return f"ends with {code}" if code else None

    def _until_completed(self, spec: Spec, identity: str, since: float) -> str | None:
        deadline, pause = since + (spec.start_timeout or 0), FIRST_PAUSE
        while True:
            found = self._look(identity)
            if found is None:
                return "its container was removed by somebody else"
            if found.status in ("exited", "dead"):
                return None if found.exit_code == 0 else f"it ended with exit code {found.exit_code}"
            left = deadline - self._clock.now()
            if left <= 0:
                return f"it did not end within {spec.start_timeout} s"
            self._clock.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _look(self, identity: str) -> Container | None:
        raw: Mapping[str, Any] | None = self._engine.container(identity)
        return None if raw is None else container_of(raw)
