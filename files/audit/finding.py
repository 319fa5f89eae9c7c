"""What an advisory says of one version of a package."""

from __future__ import annotations

from dataclasses import dataclass

# From the least: as npm ranks them. PyPI's advisories have no rank; such a one counts whatever is asked for.
LEVELS = ("info", "low", "moderate", "high", "critical")
UNRANKED = "unranked"


@dataclass(frozen=True, order=True)
class Package:
    """One version of a package of one registry, ``pypi`` or ``npm``."""

    registry: str
    name: str
    version: str


@dataclass(frozen=True, order=True)
class Finding:
    """An advisory that a package falls under; ``fixed`` are versions without it, empty where none is known."""

    package: Package
    advisory: str
    severity: str
    fixed: str

    def counts(self, level: str) -> bool:
        """Whether it is at or above a level, or of no rank at all."""
        return self.severity not in LEVELS or LEVELS.index(self.severity) >= LEVELS.index(level)


class Unanswered(Exception):
    """A source of advisories could not be asked; the sentence says which and why."""
