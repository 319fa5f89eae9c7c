"""How a server was over a time: its bar, and the share of the time in which it answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from records.conditions import GAP, Conditions, Spell, conditions

DAY = 86400
MONTH = 30 * DAY
DAY_CELLS, MONTH_CELLS = 48, 120
# As module_utils/state/condition.py has it.
SEVERITIES = {
    "failing": "critical",
    "quarantined": "critical",
    "invalid": "critical",
    "degraded": "warning",
    "unknown": "warning",
    "starting": "warning",
    "ok": "ok",
    "asleep": "ok",
    "stopped": "none",
    "on_other_hosts": "none",
    "in_cluster": "none",
    "disabled": "none",
    GAP: "gap",
}
_WORST_FIRST = ("critical", "warning", "ok", "none", "gap")
_RANK = {severity: rank for rank, severity in enumerate(_WORST_FIRST)}
_ANSWERS = ("ok", "asleep", "degraded")
# Of one that nobody asked, or that wants a login, nobody knows.
_COUNTED = ("failing", "quarantined", "invalid", *_ANSWERS)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Cells of a bar in a row that look the same: ``severity`` is critical, warning, ok, none or gap."""

    severity: str
    begun: int
    cells: int


@dataclass(frozen=True, slots=True)
class Uptime:
    """``share`` is the part of the time in which it answered, of that in which runs came and found out; None without
    any. ``cells`` is how many the bar has."""

    bar: tuple[Stretch, ...]
    cells: int
    share: float | None

    @property
    def text(self) -> str:
        """The share for people. What was not all well is never 100 %."""
        if self.share is None:
            return "not known"
        return "100 %" if self.share == 1 else f"{min(self.share * 100, 99.99):.2f} %"


def uptime_of(spells: Sequence[Spell], since: int, until: int, cells: int) -> Uptime:
    """Returns the uptime of a server from ``since`` to ``until``, in seconds since 1970; a cell is as its worst."""
    worst = [_RANK["gap"]] * cells
    step = (until - since) / cells
    answered = counted = 0
    for spell in spells:
        rank = _RANK[SEVERITIES.get(spell.condition, "warning")]
        first, last = int((spell.begun - since) / step), min(int((spell.ended - since - 1) / step), cells - 1)
        for cell in range(first, last + 1):
            worst[cell] = min(worst[cell], rank)
        if spell.condition in _COUNTED:
            counted += spell.ended - spell.begun
            answered += spell.ended - spell.begun if spell.condition in _ANSWERS else 0
    return Uptime(tuple(_stretches(worst)), cells, answered / counted if counted else None)


def _stretches(worst: Sequence[int]) -> Iterable[Stretch]:
    begun = 0
    for cell in range(1, len(worst) + 1):
        if cell == len(worst) or worst[cell] != worst[begun]:
            yield Stretch(_WORST_FIRST[worst[begun]], begun, cell - begun)
            begun = cell


class Uptimes:
    """The uptimes of all servers, from ``conditions.json`` in the folder of the history."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._identity: tuple[int, int] | None = None
        self._until = 0
        self._conditions = Conditions()
        self._known: dict[tuple[str, int, int], tuple[Uptime, Uptime]] = {}

    @property
    def identity(self) -> object:
        """Another one as soon as the file is another."""
        self._look()
        return self._identity

    def of(self, server: str, until: int) -> tuple[Uptime, Uptime]:
        """Returns the uptime of the day and of the month that ended at ``until``; those of one such time are kept."""
        self._look()
        if until != self._until:
            self._known.clear()
            self._until = until
        key = (server, until, id(self._conditions))
        found = self._known.get(key)
        if found is None:
            spells = list(self._conditions.spells(server, until - MONTH, until))
            lately = list(self._conditions.spells(server, until - DAY, until))
            day = uptime_of(lately, until - DAY, until, DAY_CELLS)
            found = self._known[key] = day, uptime_of(spells, until - MONTH, until, MONTH_CELLS)
        return found

    def spells(self, server: str, since: int, until: int) -> list[Spell]:
        """Returns in which condition a server was, gaps among it."""
        self._look()
        return list(self._conditions.spells(server, since, until))

    def _look(self) -> None:
        try:
            found = (self._folder / "conditions.json").stat()
            identity = (found.st_ino, found.st_mtime_ns)
        except OSError:
            identity = None
        if identity != self._identity:
            self._conditions = conditions(self._folder)
            self._identity = identity
            self._known.clear()
