# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

# Stands for the ARN of a target group that may not exist yet; what follows is the group's name.
GROUP_REFERENCE = "target-group:"
# Stands for the ARN of a rule that does not exist yet; what follows is the route's name.
RULE_REFERENCE = "rule:"


class Phase(IntEnum):
    """The order of a run. Every phase ends before the next begins; within one, servers do not wait for each other,
    unless their steps have different ranks.

    The EARLY phases are used only at a quota, where something must go before something else can come.
    """

    FORGET_LAST_APPLIED = 0
    EARLY_DRAIN = 1
    EARLY_WAIT_DRAINED = 2
    EARLY_DELETE_RULES = 3
    EARLY_DELETE_GROUPS = 4
    BUILD = 5
    WAIT_HEALTHY = 6
    MOVE = 7
    SWITCH = 8
    DRAIN = 9
    WAIT_DRAINED = 10
    DETACH = 11
    DELETE_GROUPS = 12
    RECORD = 13
    RECORD_LAST_APPLIED = 14


WAIT_HEALTHY = "wait_healthy"
WAIT_DRAINED = "wait_drained"
WAITS = frozenset({WAIT_HEALTHY, WAIT_DRAINED})
# Kept by the run for itself: they say nothing about the routes.
BOOKKEEPING = frozenset({"record_last_applied", "forget_last_applied"})


@dataclass(frozen=True)
class ApiCall:
    """One call of the API: the operation's name in snake case, and what it is called with."""

    operation: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Action:
    """One step of a plan.

    ``server`` is the route it belongs to, None for the whole fleet. ``operation`` is the API call's name in snake
    case, or a wait, and ``arguments`` what it is called with; references in them are resolved when it is applied.
    The step is skipped when its server, or one of ``needs``, failed before. ``patience`` is after how many seconds a
    wait is over all the same, None where it then has failed. ``needs_by_rule`` belongs to
    set_rule_priorities: by a rule's ARN the servers that must not have failed for that rule to be moved. ``undo`` is
    done when a wait fails. ``before`` and ``after`` are plain data for people.
    """

    phase: Phase
    server: str | None
    name: str
    operation: str
    arguments: Mapping[str, Any]
    reason: str
    before: Any = None
    after: Any = None
    needs: frozenset[str] = frozenset()
    needs_by_rule: Mapping[str, frozenset[str]] = field(default_factory=dict)
    undo: tuple[ApiCall, ...] = ()
    patience: float | None = None
    rank: int = 0

    @property
    def order(self) -> tuple[Phase, int]:
        """When the step is done: all of one order before the next."""
        return (self.phase, self.rank)

    @property
    def is_change(self) -> bool:
        """Whether the step changes something that a user would call a route."""
        return self.name not in BOOKKEEPING and self.operation not in WAITS

    def to_dict(self) -> dict[str, Any]:
        """Returns the step as the module shows it: server, action, reason, and before and after where there are any.

        References and ARNs stay, secrets are not in it.
        """
        rendered = {"server": self.server, "action": self.name, "reason": self.reason}
        return {**rendered, **{k: v for k, v in (("before", self.before), ("after", self.after)) if v is not None}}


@dataclass(frozen=True)
class RouteProblem:
    """Why a server's route cannot be brought to its desired state."""

    server: str
    message: str


@dataclass(frozen=True)
class Plan:
    """The ordered steps, what is impossible, and what the user should know.

    ``shadows`` are the notes about rules of others that match a route's path, by route; ``notes`` has them as well.
    ``handing_over`` names the servers that others are to serve and that only what served them before does as yet;
    ``former_groups`` has the ARNs of the target groups through which that is done, by route, where it is not the new
    one. ``priorities`` and ``rule_arns`` are those of the routes by server: what each rule will have, and the rules
    that exist already. ``served_from_cluster`` names the servers that hosts are to run and that none is known to serve.
    """

    actions: tuple[Action, ...] = ()
    problems: tuple[RouteProblem, ...] = ()
    notes: tuple[str, ...] = ()
    shadows: Mapping[str, Sequence[str]] = field(default_factory=dict)
    handing_over: tuple[str, ...] = ()
    served_from_cluster: tuple[str, ...] = ()
    former_groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    priorities: Mapping[str, int] = field(default_factory=dict)
    rule_arns: Mapping[str, str] = field(default_factory=dict)
