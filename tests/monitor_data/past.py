"""What happened to the fleet: troubles, new containers, other tools, and times in which nobody looked."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.monitor_data.fleet import Fleet

INTERVAL = 300
HOUR, DAY = 3600, 86400


@dataclass(frozen=True)
class Spell:
    """A time in which a server was in ``condition``: failing, quarantined, degraded, asleep, unknown
    or stopped."""

    server: str
    condition: str
    begun: int
    ended: int


@dataclass(frozen=True)
class Past:
    """Times are seconds since 1970. ``dark`` are the times in which no run came; ``rolls`` and ``tool_changes`` are
    moments by server."""

    begun: int
    ended: int
    spells: tuple[Spell, ...]
    dark: tuple[tuple[int, int], ...]
    rolls: dict[str, list[int]] = field(default_factory=dict)
    tool_changes: dict[str, list[int]] = field(default_factory=dict)

    def is_dark(self, time: int) -> bool:
        """Whether no run came at this time."""
        return any(begun <= time < ended for begun, ended in self.dark)

    def condition(self, server: str, time: int) -> str:
        """Returns what a server was like at this time; the spell that began last counts."""
        found = [each for each in self.spells if each.server == server and each.begun <= time < each.ended]
        return max(found, key=lambda each: each.begun).condition if found else "ok"

    def conditions(self, time: int) -> dict[str, str]:
        """Returns the servers that were not ok at this time."""
        running = [each for each in self.spells if each.begun <= time < each.ended]
        return {each.server: each.condition for each in sorted(running, key=lambda each: each.begun)}

    def runs(self) -> list[tuple[int, str]]:
        """Returns when runs ended and what had started them, in order."""
        timer = [(time, "timer") for time in range(self.begun + INTERVAL, self.ended, INTERVAL)]
        found = [
            (each.begun + 3, f"watcher: mcp-{each.server} has ended")
            for each in self.spells
            if each.condition == "failing" and self.begun < each.begun
        ]
        rolled = [(time, "edit") for times in self.rolls.values() for time in times]
        every = sorted(dict((*timer, *found, *rolled)).items())
        return [(time, trigger) for time, trigger in every if not self.is_dark(time)] + [(self.ended, "timer")]


def past_of(fleet: Fleet, begun: int, ended: int, seed: int) -> Past:
    """Returns a past of that length: about one spell of trouble a server and month, and two at its end."""
    chance = random.Random(seed)
    length = ended - begun
    spells: list[Spell] = []
    for name in fleet.names:
        for _ in range(_count(chance, 1.2 * length / (30 * DAY))):
            at = chance.randint(begun, ended - 1)
            lasts = int(min(chance.lognormvariate(6.5, 1.2), 6 * HOUR))
            kind = "degraded" if chance.random() < 0.2 else "failing"
            spells.append(Spell(name, kind, at, min(at + lasts, ended - HOUR // 2)))
        if name in fleet.bridged and chance.random() < 0.3:
            spells.append(Spell(name, "asleep", ended - chance.randint(HOUR, 10 * HOUR), ended + 1))
    for place, kind in enumerate(("failing", "degraded", "unknown", "stopped", "quarantined")):
        if len(fleet.names) > 6:
            name = fleet.names[3 + place * max(len(fleet.names) // 8, 1) % (len(fleet.names) - 3)]
            spells.append(Spell(name, kind, ended - (place + 1) * 40 * 60, ended + 1))
    dark = [(ended - 5 * HOUR, ended - 4 * HOUR), (ended - 12 * DAY, ended - 12 * DAY + 9 * HOUR)]
    return Past(
        begun,
        ended,
        tuple(each for each in spells if each.begun < each.ended),
        tuple(each for each in dark if each[0] > begun),
        rolls=_moments(fleet, chance, begun, ended, 0.4),
        tool_changes=_moments(fleet, chance, begun, ended, 0.2),
    )


def _moments(fleet: Fleet, chance: random.Random, begun: int, ended: int, mean: float) -> dict[str, list[int]]:
    expected = mean * (ended - begun) / (30 * DAY)
    found = {
        name: sorted(chance.randint(begun, ended - 1) for _ in range(_count(chance, expected))) for name in fleet.names
    }
    return {name: times for name, times in found.items() if times}


def _count(chance: random.Random, mean: float) -> int:
    """A number whose mean is ``mean``."""
    return int(mean) + (chance.random() < mean % 1)
