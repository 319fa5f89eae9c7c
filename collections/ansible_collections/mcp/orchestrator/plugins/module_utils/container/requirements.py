# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing up what a server requires, one after the other, each until its condition is met."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.requirement import REQUIRES
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import Slot
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.conditions import Conditions
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.creation import FAILURES, Made, StartError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host import Host
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.requirement_state import (
    RequirementState,
    met,
    state_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container


class RequirementFailure(Exception):
    """Why a server cannot have what it requires; ``requirement`` is the full name of the one that failed."""

    def __init__(self, spec: Spec, message: str) -> None:
        super().__init__(f"{REQUIRES}.{spec.alias}: {message}")
        self.server = spec.required_by
        self.requirement = spec.name


def foreseen(slots: Sequence[Slot]) -> list[RequirementFailure]:
    """Returns the failures that a plan knows of."""
    return [RequirementFailure(slot.spec, slot.problem) for slot in slots if slot.problem]


class Requirements:
    """What the servers of one plan require. Its methods may be called from several threads.

    ``bring_up`` carries out the actions of a slot and gives the container that it leads to, ``failed`` remembers that
    a slot failed, ``last_words`` gives what a container wrote last, as the end of a sentence.
    """

    def __init__(
        self,
        host: Host,
        policy: Policy,
        slots: Sequence[Slot],
        *,
        bring_up: Callable[[Slot], Made | None],
        failed: Callable[[Slot], None],
        last_words: Callable[[str], str],
    ) -> None:
        self._engine = host.engine
        self._policy = policy
        self._conditions = Conditions(host.engine, host.clock, policy.fleet)
        self._slots = slots
        self._bring_up = bring_up
        self._failed = failed
        self._last_words = last_words

    def of(
        self, server: Spec, network_problems: Mapping[str, str]
    ) -> tuple[list[RequirementState], RequirementFailure | None]:
        """Brings up what a server requires; those behind one that fails wait. Gives the states, and why one failed."""
        states: list[RequirementState] = []
        failure: RequirementFailure | None = None
        for slot in self._slots:
            if slot.spec.required_by != server.name:
                continue
            made = _made(slot.successor)
            state = "waiting"
            if failure is None:
                state = met(slot.spec)
                try:
                    problem = slot.problem or network_problems.get(self._policy.network_of(slot.spec))
                    if problem:
                        raise RequirementFailure(slot.spec, problem)
                    made = self._meet(slot, server)
                except RequirementFailure as found:
                    failure, state = found, "failed"
                except FAILURES as error:
                    if isinstance(error, StartError):
                        self._failed(slot)
                    failure, state = RequirementFailure(slot.spec, str(error)), "failed"
            states.append(state_of(slot.spec, state, *((made.id, made.name) if made is not None else ())))
        return states, failure

    def _meet(self, slot: Slot, server: Spec) -> Made | None:
        """Carries out a slot and waits for its condition; gives the container that stays. A step leaves none, whatever
        came of it. Raises RequirementFailure and what a creation raises."""
        spec = slot.spec
        self._conditions.make_data(server)
        made = self._bring_up(slot)
        if not slot.wait or made is None:
            return made
        problem = self._conditions.failure(spec, made.id, made.since)
        if problem is not None:
            problem += self._last_words(made.id)
            if slot.actions:
                self._failed(slot)
        elif spec.is_step:
            self._conditions.remember(spec, server)
        if spec.is_step:
            self._engine.remove(made.id)
        if problem is not None:
            raise RequirementFailure(spec, problem)
        return None if spec.is_step else made


def _made(container: Container | None) -> Made | None:
    return None if container is None else Made(container.id, container.name, None, container.started)
