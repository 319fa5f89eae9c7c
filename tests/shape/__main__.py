"""python -m tests.shape [--list]: check the whole repository; with --list, print the lines that allow what is there."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from tests.shape import allowance
from tests.shape.docstrings import check_docstrings
from tests.shape.imports import check_circles, check_layers
from tests.shape.size import check_files, check_functions
from tests.shape.source import Offence, Source, read_sources
from tests.shape.words import check_words

CHECKS = (check_circles, check_layers, check_files, check_functions, check_docstrings, check_words)
PROJECT = Path(__file__).parents[2]
ALLOWED = Path(__file__).with_name("allowed.txt")


def offences_of(sources: list[Source]) -> list[Offence]:
    """Returns what all checks find, in the order of the files."""
    return sorted(offence for check in CHECKS for offence in check(sources))


def main(arguments: list[str]) -> int:
    """Returns the exit status: 0 where nothing new is wrong and every allowance is used."""
    gc.disable()  # half a million nodes that all stay: collecting them takes a third of the time
    offences = offences_of(read_sources(PROJECT))
    if arguments == ["--list"]:
        print(*sorted(allowance.key(offence) for offence in offences), sep="\n")
        return 0
    allowed = allowance.parse(ALLOWED.read_text(encoding="utf-8"))
    new, stale = allowance.judge(offences, allowed)
    for offence in new:
        print(offence)
    for line in stale:
        print(f"{ALLOWED.relative_to(PROJECT)}: nothing needs this line any more, remove it: {line}")
    if new or stale:
        print(f"{len(new)} new offences, {len(stale)} lines to remove from {ALLOWED.name}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
