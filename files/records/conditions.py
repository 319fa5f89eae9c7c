"""In which condition each server was, and when: what files/conditions.schema.json describes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

VERSION = 1
FILE = "conditions.json"
_LARGEST = 64 * 1024 * 1024

GAP = ""
"""The condition while nothing was recorded, or the config did not hold the server."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in one condition, in seconds since 1970."""

    begun: int
    ended: int
    condition: str


@dataclass(frozen=True)
class Conditions:
    """``recorded`` are the spans of time, begin and end, in which runs came, the oldest first."""

    recorded: tuple[tuple[int, int], ...] = ()
    _servers: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)

    def spells(self, server: str, since: int, until: int) -> Iterator[Spell]:
        """Yields in which condition a server was from ``since`` to ``until``, whole and in order, gaps among it."""
        at = since
        for begun, ended in self.recorded:
            begun, ended = max(begun, since), min(ended, until)
            if begun >= ended:
                continue
            if at < begun:
                yield Spell(at, begun, GAP)
            yield from self._between(server, begun, ended)
            at = ended
        if at < until:
            yield Spell(at, until, GAP)

    def _between(self, server: str, begun: int, ended: int) -> Iterator[Spell]:
        condition, at = GAP, begun
        for changed, following in self._servers.get(server, ()):
            if changed >= ended:
                break
            if changed > at:
                yield Spell(at, changed, condition)
                at = changed
            condition = following
        yield Spell(at, ended, condition)


def conditions(folder: Path) -> Conditions:
    """Returns what the folder of the history holds of it; nothing where it cannot be read."""
    try:
        with (folder / FILE).open("rb") as file:
            found = json.loads(file.read(_LARGEST))
        if found["version"] != VERSION:
            return Conditions()
        return Conditions(
            tuple((int(begun), int(ended)) for begun, ended in found["recorded"]),
            {
                str(name): tuple((int(at), str(condition)) for at, condition in changes)
                for name, changes in found["servers"].items()
            },
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Conditions()
