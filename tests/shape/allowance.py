"""Offences that are excused, one a line in allowed.txt: `RULE PATH NAME  # REASON`.

A line without a reason fails, and so does one whose offence is gone.
"""

from __future__ import annotations

from collections import Counter

from tests.shape.source import Offence


def parse(text: str) -> Counter[str]:
    """Reads the list; a line that stands twice allows two offences. Empty lines and comments allow nothing."""
    lines = (line.partition("  #")[0].strip() for line in text.splitlines() if not line.startswith("#"))
    return Counter(line for line in lines if line)


def unreasoned(text: str) -> list[str]:
    """Returns the lines that excuse something and do not say why."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [line for line in lines if not line.partition("  # ")[2].strip()]


def key(offence: Offence) -> str:
    """Returns the line that allows this offence."""
    return f"{offence.rule} {offence.path} {offence.name}"


def judge(offences: list[Offence], allowed: Counter[str]) -> tuple[list[Offence], list[str]]:
    """Returns the offences that nothing allows, and the lines that allow nothing any more."""
    left = Counter(allowed)
    new = []
    for offence in offences:
        if left[key(offence)] > 0:
            left[key(offence)] -= 1
        else:
            new.append(offence)
    return new, sorted(left.elements())
