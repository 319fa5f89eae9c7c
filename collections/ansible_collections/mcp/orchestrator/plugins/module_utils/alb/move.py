# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of priorities, grouped and timed so that no request is led astray by a moment's order.

What has to move together moves in one atomic call: before any rule turns to other paths or groups, unless that would
put a rule in front that does not lead where it should yet; then as soon as it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.action import Action, Phase
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.pattern import any_overlap


@dataclass(frozen=True)
class Place:
    """Where a rule is and where it belongs. ``patterns`` are all that it matches, now and later.

    ``turns`` is the rank of the last turn after which the rule leads where it should, None where it does already;
    ``needs`` are the servers that must not have failed for the move to make sense; ``is_partial`` says that the rule
    looks at more than paths.
    """

    label: str
    arn: str
    before: int
    after: int
    patterns: tuple[str, ...]
    turns: int | None = None
    needs: frozenset[str] = frozenset()
    is_partial: bool = False

    @property
    def moves(self) -> bool:
        """Whether the rule changes its place."""
        return self.before != self.after

    def meets(self, other: Place) -> bool:
        """Say whether both rules match some path."""
        return any_overlap(list(self.patterns), list(other.patterns))

    def covers(self, other: Place) -> bool:
        """Say whether this rule matches every path that the other does."""
        return not self.is_partial and all(
            any(mine == theirs or (mine.endswith("/*") and theirs.startswith(mine[:-1])) for mine in self.patterns)
            for theirs in other.patterns
        )


def priority_actions(places: Sequence[Place]) -> list[Action]:
    """Plan the changes of priorities."""
    occupied = {place.before for place in places}
    free = [place for place in places if _is_free(place) and place.after not in occupied]
    timed: dict[int | None, list[tuple[Place, frozenset[str]]]] = {}
    if free:
        timed[None] = [(place, place.needs) for place in free]
    settled = [replace(place, before=place.after) if place in free else place for place in places]
    for group in _groups([place for place in settled if place.moves]):
        needs = frozenset(name for place in group for name in place.needs)
        waits = [rank for place in group for rank in _awaited_turns(place, settled)]
        timed.setdefault(max(waits, default=None), []).extend((place, needs) for place in group)
    return [_action(rank, moves) for rank, moves in timed.items()]


def _is_free(place: Place) -> bool:
    """Say whether a rule may come forward whatever else moves, because it leads right already."""
    return place.after < place.before and place.turns is None


def _groups(moving: Iterable[Place]) -> list[list[Place]]:
    """Put together what has to move at once: rules of common paths, and rules that follow each other in a place."""
    groups: list[list[Place]] = []
    for place in moving:
        joined = [place]
        apart = []
        for group in groups:
            if any(place.meets(other) or place.after == other.before or place.before == other.after for other in group):
                joined += group
            else:
                apart.append(group)
        groups = [*apart, joined]
    return groups


def _awaited_turns(place: Place, places: Sequence[Place]) -> list[int]:
    """List the turns before which a move would put a rule in front that leads elsewhere."""
    found = []
    for other in places:
        overtakes = place.before > other.before and place.after < other.after
        falls_behind = place.before < other.before and place.after > other.after
        winner, loser = (place, other) if overtakes else (other, place)
        if not (overtakes or falls_behind) or winner.turns is None or not place.meets(other):
            continue
        # What a third rule takes before the winner, and leads right, the winner cannot lead astray.
        if not any(third.after < winner.after and third.turns is None and third.covers(loser) for third in places):
            found.append(winner.turns)
    return found


def _action(turn: int | None, moves: list[tuple[Place, frozenset[str]]]) -> Action:
    arguments = {
        "RulePriorities": [
            {"RuleArn": place.arn, "Priority": place.after, "Needs": sorted(needs)} for place, needs in moves
        ]
    }
    before = {place.label: place.before for place, needs in moves}
    after = {place.label: place.after for place, needs in moves}
    reason = "all at once, so that no path is without its rule"
    phase, rank = (Phase.MOVE, 0) if turn is None else (Phase.TURN, after_turn(turn))
    return Action(phase, "", "set_priorities", "set_rule_priorities", arguments, reason, before, after, rank=rank)


def at_turn(turn: int) -> int:
    """The rank of the steps in which rules turn."""
    return 2 * turn


def after_turn(turn: int) -> int:
    """The rank of the moves that follow a turn."""
    return 2 * turn + 1
