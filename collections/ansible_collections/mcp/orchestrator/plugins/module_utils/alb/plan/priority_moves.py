# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of priorities, grouped and timed so that no request is led astray by a moment's order.

What has to move together moves in one atomic call: before any rule switches to other paths or groups, unless that would
put a rule in front that does not lead where it should yet; then as soon as it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.pattern import any_overlap
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import Action, Phase

BEFORE_ALL_SWITCHES = -1


@dataclass(frozen=True)
class RulePosition:
    """Where a rule is and where it belongs: ``before`` and ``after`` are priorities.

    ``patterns`` are all paths that it matches, now and later. ``switch`` is the number of the last switch after which
    the rule leads where it should, None where it does already. ``needs`` are the servers that must not have failed for
    the move to make sense; ``is_partial`` says that the rule looks at more than paths, and ``is_ours`` that it is not
    somebody else's.
    """

    label: str
    arn: str
    before: int
    after: int
    patterns: tuple[str, ...]
    switch: int | None = None
    needs: frozenset[str] = frozenset()
    is_partial: bool = False
    is_ours: bool = True

    @property
    def is_moving(self) -> bool:
        """Whether the rule's priority changes."""
        return self.before != self.after

    def meets(self, other: RulePosition) -> bool:
        """Returns whether both rules match some path."""
        return any_overlap(list(self.patterns), list(other.patterns))

    def covers(self, other: RulePosition) -> bool:
        """Returns whether this rule matches every path that the other does."""
        return not self.is_partial and all(
            any(mine == theirs or (mine.endswith("/*") and theirs.startswith(mine[:-1])) for mine in self.patterns)
            for theirs in other.patterns
        )


def priority_actions(positions: Sequence[RulePosition]) -> list[Action]:
    """Returns the steps that change priorities: one call for all that move at the same time."""
    groups = _groups([position for position in positions if position.is_moving])
    after_which = dict.fromkeys(range(len(groups)), BEFORE_ALL_SWITCHES)
    while True:
        later = _postponed(groups, after_which, positions)
        if later == after_which:
            break
        after_which = later
    moves: dict[int, list[tuple[RulePosition, frozenset[str]]]] = {}
    for index, group in enumerate(groups):
        needs = frozenset(name for position in group for name in position.needs)
        moves.setdefault(after_which[index], []).extend((position, needs) for position in group)
    return [_action(switch, moved) for switch, moved in moves.items()]


def _groups(moving: Sequence[RulePosition]) -> list[list[RulePosition]]:
    """Puts together what has to move at once."""
    groups: list[list[RulePosition]] = []
    for position in moving:
        joined = [position]
        apart = []
        for group in groups:
            if any(_belong_together(position, other) for other in group):
                joined += group
            else:
                apart.append(group)
        groups = [*apart, joined]
    return groups


def _belong_together(one: RulePosition, other: RulePosition) -> bool:
    """Returns whether one takes the other's priority, or would pass it for a moment if it moved alone."""
    if one.after == other.before or one.before == other.after:
        return True
    keeps_order = (one.before < other.before) == (one.after < other.after)
    passes = any(_passes_alone(*pair) for pair in ((one, other), (other, one)))
    return keeps_order and passes and one.meets(other)


def _postponed(
    groups: list[list[RulePosition]], after_which: Mapping[int, int], positions: Sequence[RulePosition]
) -> dict[int, int]:
    """Returns after which switch each group moves, later where it would put a rule in front that leads elsewhere."""
    later = dict(after_which)
    group_of = {position.arn: index for index, group in enumerate(groups) for position in group}
    for switch in sorted(set(after_which.values())):
        has_moved = {arn for arn, index in group_of.items() if after_which[index] <= switch}
        now = {each.arn: each.after if each.arn in has_moved else each.before for each in positions}
        moved = [position for position in positions if now[position.arn] != position.before]
        for position in moved:
            for other in positions:
                awaited = _awaited_by(position, other, now, positions)
                if awaited is None or awaited <= switch:
                    continue
                involved = [one for one in (position, other) if now[one.arn] != one.before]
                causes = [one for one in involved if _passes_alone(one, other if one is position else position)]
                for cause in causes or involved:
                    index = group_of[cause.arn]
                    later[index] = max(later[index], awaited)
    return later


def _awaited_by(
    position: RulePosition, other: RulePosition, now: Mapping[str, int], positions: Sequence[RulePosition]
) -> int | None:
    """Returns the switch that has to come before two rules change their order, None where they do not change it."""
    was_first, is_first = position.before < other.before, now[position.arn] < now[other.arn]
    if other is position or was_first == is_first or not position.meets(other):
        return None
    return (
        _awaited_switch(position, other, now, positions)
        if is_first
        else _awaited_switch(other, position, now, positions)
    )


def _passes_alone(one: RulePosition, other: RulePosition) -> bool:
    """Returns whether a rule's own move, without the other's, changes which of the two comes first."""
    return (one.before < other.before) != (one.after < other.before)


def _awaited_switch(
    winner: RulePosition, loser: RulePosition, now: Mapping[str, int], positions: Sequence[RulePosition]
) -> int:
    """Returns the switch after which a rule may be put in front of another."""
    awaited = BEFORE_ALL_SWITCHES
    if not winner.is_ours:  # what somebody else's rule must not take has to have its own by then
        heirs = (third for third in positions if third is not loser and third.meets(loser))
        awaited = max((heir.switch for heir in heirs if heir.switch is not None), default=awaited)
    # What a third rule takes before the winner, and leads right, the winner cannot lead astray.
    is_covered = any(
        now[third.arn] < now[winner.arn] and third.switch is None and third.covers(loser) for third in positions
    )
    return awaited if winner.switch is None or is_covered else max(awaited, winner.switch)


def _action(switch: int, moves: list[tuple[RulePosition, frozenset[str]]]) -> Action:
    is_first = switch == BEFORE_ALL_SWITCHES
    return Action(
        phase=Phase.MOVE if is_first else Phase.SWITCH,
        rank=0 if is_first else rank_after_switch(switch),
        server=None,
        name="set_priorities",
        operation="set_rule_priorities",
        arguments={"RulePriorities": [{"RuleArn": each.arn, "Priority": each.after} for each, _needs in moves]},
        reason="all at once, so that no path is without its rule",
        before={position.label: position.before for position, _needs in moves},
        after={position.label: position.after for position, _needs in moves},
        needs_by_rule={position.arn: needs for position, needs in moves},
    )


def rank_of_switch(switch: int) -> int:
    """Returns the rank of the steps in which rules switch to other paths or target groups."""
    return 2 * switch


def rank_after_switch(switch: int) -> int:
    """Returns the rank of the moves that follow a switch."""
    return 2 * switch + 1
