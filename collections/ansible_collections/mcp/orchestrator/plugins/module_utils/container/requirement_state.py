# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How what a server requires is, for the report. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import Slot


@dataclass(frozen=True)
class RequirementState:
    """A requirement for the report. ``state`` is running, healthy, completed, failed, waiting (for one before it) or
    planned; ``container`` is None without one, as of a step that has come to its end."""

    name: str
    image: str
    condition: str
    state: str
    container: str | None = None
    container_name: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As the module returns it."""
        return dict(vars(self))


def state_of(spec: Spec, state: str, identity: str | None = None, name: str | None = None) -> RequirementState:
    """Returns the state of what ``spec`` requires, in the container ``identity``."""
    return RequirementState(spec.alias, spec.image, spec.condition or "", state, identity, name)


def met(spec: Spec) -> str:
    """Returns in which state a requirement is whose condition is met."""
    if spec.is_step:
        return "completed"
    return "healthy" if spec.health is not None else "running"


def predicted(slot: Slot) -> RequirementState:
    """Returns the state that a plan would lead to."""
    found = slot.successor
    identity, name = (found.id, found.name) if found is not None else (None, None)
    if slot.problem:
        return state_of(slot.spec, "failed", identity, name)
    return state_of(slot.spec, "planned" if slot.actions else met(slot.spec), identity, name)
