# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container


class Verb(StrEnum):
    """What a step does."""

    WRITE_RULES = "write_rules"
    CREATE_NETWORK = "create_network"
    PULL = "pull"
    CREATE = "create"
    RECREATE = "recreate"
    RUN = "run"
    START = "start"
    RESTART = "restart"
    UNPAUSE = "unpause"
    UPDATE = "update"
    STOP = "stop"
    REMOVE = "remove"
    RENAME = "rename"
    REMOVE_IMAGE = "remove_image"
    REMOVE_RULES = "remove_rules"
    REMOVE_NETWORK = "remove_network"


CREATIONS = frozenset({Verb.CREATE, Verb.RECREATE, Verb.RUN})
STARTS = CREATIONS | {Verb.START, Verb.RESTART}


@dataclass(frozen=True)
class Action:
    """One step. ``server`` is None for what belongs to the whole fleet; before and after hold plain, unsecret facts."""

    server: str | None
    action: Verb
    reason: str
    target: str = ""
    container: str | None = None
    port: int | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.server or 'fleet'}: {self.action} — {self.reason}"

    def to_dict(self) -> dict[str, Any]:
        """As the module returns it."""
        return {**asdict(self), "action": self.action.value}


@dataclass(frozen=True)
class Problem:
    """Why one server, or with ``server`` None the whole fleet, is not in the desired state."""

    server: str | None
    message: str


@dataclass(frozen=True)
class Slot:
    """One place of a server: who is to serve in it, who serves until then, and the steps from one to the other.

    ``successor`` is the container that is there already; None means that ``actions`` create it.
    ``draining`` are superseded containers that stay for now.

    ``stopped_by_operator`` says that an operator stopped it, by a request or by hand. ``wait`` says that the successor
    has yet to answer before it counts. ``attempt`` names what is tried, for the memory of failures.
    """

    spec: Spec
    replica: int
    actions: tuple[Action, ...] = ()
    successor: Container | None = None
    incumbent: Container | None = None
    wait: bool = False
    attempt: str = ""
    problem: str | None = None
    stopped_by_operator: bool = False
    draining: tuple[Container, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Steps in order: ``first``, then the slots (those of different servers independent of each other), then ``last``.

    ``forget`` are memories of failures that say nothing any more; letting go of them changes nothing for anybody.
    ``draining`` are superseded containers that stay until their sessions have ended. ``required`` are what servers need
    before their own slots, for each server in the order in which it starts.
    """

    first: tuple[Action, ...] = ()
    slots: tuple[Slot, ...] = ()
    last: tuple[Action, ...] = ()
    problems: tuple[Problem, ...] = ()
    forget: tuple[str, ...] = ()
    draining: tuple[Container, ...] = ()
    required: tuple[Slot, ...] = ()

    @property
    def actions(self) -> tuple[Action, ...]:
        """All steps in the order in which a reader wants them."""
        slots = (*self.required, *self.slots)
        return (*self.first, *(action for slot in slots for action in slot.actions), *self.last)

    @property
    def starting(self) -> int:
        """How many containers start, be it by this plan or, as after a boot, by the engine."""
        return sum(
            slot.wait and (not slot.actions or any(action.action in STARTS for action in slot.actions))
            for slot in self.slots
        )

    def diff(self) -> dict[str, str]:
        """Returns the plan as Ansible's before and after texts."""
        return {
            "before": "".join(_block(action, action.before) for action in self.actions),
            "after": "".join(_block(action, action.after, action.reason) for action in self.actions),
        }


def _block(action: Action, facts: Mapping[str, Any], reason: str = "") -> str:
    title = f"{action.server or 'fleet'} ({action.target})" if action.target else action.server or "fleet"
    lines = [f"{title}:"]
    if reason:
        lines.append(f"  # {action.action} — {reason}")
    lines += [f"  {key}: {_plain(value)}" for key, value in facts.items()] or ["  absent"]
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(str(each) for each in value)
    return str(value)
