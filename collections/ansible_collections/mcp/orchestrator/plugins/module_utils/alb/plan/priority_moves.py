# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of priorities, timed so that no request is led astray by a moment's order.

A rule moves before any rule switches to other paths or groups, unless that would put one in front that does not lead
where it should yet; then as soon as it does. It never moves before another whose place it takes, or which it would pass
for a moment. What moves at the same time moves in one atomic call.
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
    moving = [position for position in positions if position.is_moving]
    followed = {one.arn: [other for other in moving if _has_to_follow(one, other)] for one in moving}
    after_which = dict.fromkeys(followed, BEFORE_ALL_SWITCHES)
    while True:
        later = _postponed(after_which, positions)
        later = {
            arn: max(switch, *(later[other.arn] for other in followed[arn]), BEFORE_ALL_SWITCHES)
            for arn, switch in later.items()
        }
        if later == after_which:
            break
        after_which = later
    moves: dict[int, list[tuple[RulePosition, frozenset[str]]]] = {}
    for position in moving:
        moves.setdefault(after_which[position.arn], []).append((position, _needs(position, followed)))
    return [_action(switch, moved) for switch, moved in moves.items()]


def _has_to_follow(one: RulePosition, other: RulePosition) -> bool:
    """Returns whether one takes the other's place, or would pass it for a moment if it moved before it."""
    if one is other:
        return False
    keeps_order = (one.before < other.before) == (one.after < other.after)
    return one.after == other.before or (keeps_order and _passes_alone(one, other) and one.meets(other))


def _needs(position: RulePosition, followed: Mapping[str, Sequence[RulePosition]]) -> frozenset[str]:
    """Returns the servers that must not have failed: those of the rule, and of all that has to move before it."""
    found = {position.arn: position}
    waiting = [position]
    while waiting:
        more = [other for other in followed[waiting.pop().arn] if other.arn not in found]
        found |= {other.arn: other for other in more}
        waiting += more
    return frozenset(name for each in found.values() for name in each.needs)


def _postponed(after_which: Mapping[str, int], positions: Sequence[RulePosition]) -> dict[str, int]:
    """Returns after which switch each rule moves, later where it would put a rule in front that leads elsewhere."""
    later = dict(after_which)
    for switch in sorted(set(after_which.values())):
        has_moved = {arn for arn, awaited in after_which.items() if awaited <= switch}
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
                    later[cause.arn] = max(later[cause.arn], awaited)
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
