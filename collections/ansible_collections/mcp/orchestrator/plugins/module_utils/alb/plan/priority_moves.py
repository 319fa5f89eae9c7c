# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of priorities, grouped and timed so that no request is led astray by a moment's order.

What has to move together moves in one atomic call: before any rule turns to other paths or groups, unless that would
put a rule in front that does not lead where it should yet; then as soon as it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.pattern import any_overlap
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import Action, Phase

BEFORE_ALL_TURNS = -1


@dataclass(frozen=True)
class RulePosition:
    """Where a rule is and where it belongs. ``patterns`` are all that it matches, now and later.

    ``turns`` is the rank of the last turn after which the rule leads where it should, None where it does already;
    ``needs`` are the servers that must not have failed for the move to make sense; ``is_partial`` says that the rule
    looks at more than paths, and ``is_ours`` that it is not somebody else's.
    """

    label: str
    arn: str
    before: int
    after: int
    patterns: tuple[str, ...]
    turns: int | None = None
    needs: frozenset[str] = frozenset()
    is_partial: bool = False
    is_ours: bool = True

    @property
    def moves(self) -> bool:
        """Whether the rule changes its place."""
        return self.before != self.after

    def meets(self, other: RulePosition) -> bool:
        """Say whether both rules match some path."""
        return any_overlap(list(self.patterns), list(other.patterns))

    def covers(self, other: RulePosition) -> bool:
        """Say whether this rule matches every path that the other does."""
        return not self.is_partial and all(
            any(mine == theirs or (mine.endswith("/*") and theirs.startswith(mine[:-1])) for mine in self.patterns)
            for theirs in other.patterns
        )


def priority_actions(places: Sequence[RulePosition]) -> list[Action]:
    """Plan the changes of priorities."""
    units = _units([place for place in places if place.moves])
    when = dict.fromkeys(range(len(units)), BEFORE_ALL_TURNS)
    while True:
        later = _postponed(units, when, places)
        if later == when:
            break
        when = later
    timed: dict[int, list[tuple[RulePosition, frozenset[str]]]] = {}
    for index, unit in enumerate(units):
        needs = frozenset(name for place in unit for name in place.needs)
        timed.setdefault(when[index], []).extend((place, needs) for place in unit)
    return [_action(turn, moves) for turn, moves in timed.items()]


def _units(moving: Sequence[RulePosition]) -> list[list[RulePosition]]:
    """Put together what has to move at once."""
    units: list[list[RulePosition]] = []
    for place in moving:
        joined = [place]
        apart = []
        for unit in units:
            if any(_belong_together(place, other) for other in unit):
                joined += unit
            else:
                apart.append(unit)
        units = [*apart, joined]
    return units


def _belong_together(one: RulePosition, other: RulePosition) -> bool:
    """Say whether one takes the other's place, or would pass it for a moment if it moved alone."""
    if one.after == other.before or one.before == other.after:
        return True
    keeps_order = (one.before < other.before) == (one.after < other.after)
    return keeps_order and any(_passes_alone(*pair) for pair in ((one, other), (other, one))) and one.meets(other)


def _postponed(
    units: list[list[RulePosition]], when: Mapping[int, int], places: Sequence[RulePosition]
) -> dict[int, int]:
    """Let every unit wait until it puts no rule in front that leads elsewhere at that time."""
    later = dict(when)
    unit_of = {place.arn: index for index, unit in enumerate(units) for place in unit}
    for time in sorted(set(when.values())):
        now = {
            place.arn: place.after if place.arn in unit_of and when[unit_of[place.arn]] <= time else place.before
            for place in places
        }
        moved = [place for place in places if now[place.arn] != place.before]
        for place in moved:
            for other in places:
                was_first, is_first = place.before < other.before, now[place.arn] < now[other.arn]
                if other is place or was_first == is_first or not place.meets(other):
                    continue
                winner, loser = (place, other) if is_first else (other, place)
                turn = _awaited_turn(winner, loser, now, places)
                if turn > time:
                    involved = [one for one in (place, other) if now[one.arn] != one.before]
                    causes = [one for one in involved if _passes_alone(one, other if one is place else place)]
                    later.update({unit_of[one.arn]: max(later[unit_of[one.arn]], turn) for one in causes or involved})
    return later


def _passes_alone(one: RulePosition, other: RulePosition) -> bool:
    """Say whether a rule's own move, without the other's, changes which of the two comes first."""
    return (one.before < other.before) != (one.after < other.before)


def _awaited_turn(
    winner: RulePosition, loser: RulePosition, now: Mapping[str, int], places: Sequence[RulePosition]
) -> int:
    """Tell after which turn a rule may be put in front of another."""
    awaited = BEFORE_ALL_TURNS
    if not winner.is_ours:  # what somebody else's rule must not take has to have its own by then
        heirs = (third for third in places if third is not loser and third.meets(loser))
        awaited = max((heir.turns for heir in heirs if heir.turns is not None), default=awaited)
    # What a third rule takes before the winner, and leads right, the winner cannot lead astray.
    is_covered = any(
        now[third.arn] < now[winner.arn] and third.turns is None and third.covers(loser) for third in places
    )
    return awaited if winner.turns is None or is_covered else max(awaited, winner.turns)


def _action(turn: int, moves: list[tuple[RulePosition, frozenset[str]]]) -> Action:
    arguments = {
        "RulePriorities": [
            {"RuleArn": place.arn, "Priority": place.after, "Needs": sorted(needs)} for place, needs in moves
        ]
    }
    before = {place.label: place.before for place, needs in moves}
    after = {place.label: place.after for place, needs in moves}
    reason = "all at once, so that no path is without its rule"
    phase, rank = (Phase.MOVE, 0) if turn == BEFORE_ALL_TURNS else (Phase.TURN, after_turn(turn))
    return Action(phase, "", "set_priorities", "set_rule_priorities", arguments, reason, before, after, rank=rank)


def at_turn(turn: int) -> int:
    """The rank of the steps in which rules turn."""
    return 2 * turn


def after_turn(turn: int) -> int:
    """The rank of the moves that follow a turn."""
    return 2 * turn + 1
