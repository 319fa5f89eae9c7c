"""python -m tests.shape [--list]: check the repository; with --list, print the lines that excuse what it finds."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from tests.shape import allowance
from tests.shape.docstrings import check_docstrings
from tests.shape.imports import check_circles, check_layers
from tests.shape.patience import check_patience
from tests.shape.size import check_files, check_functions
from tests.shape.source import Offence, Source, read_sources
from tests.shape.words import check_words

CHECKS = (check_circles, check_layers, check_files, check_functions, check_docstrings, check_words, check_patience)
PROJECT = Path(__file__).parents[2]
ALLOWED = Path(__file__).with_name("allowed.txt")


def offences_of(sources: list[Source]) -> list[Offence]:
    """Returns what all checks find, in the order of the files."""
    return sorted(offence for check in CHECKS for offence in check(sources))


def main(arguments: list[str]) -> int:
    """Returns the exit status: 0 where nothing is wrong but what is excused with a reason."""
    gc.disable()  # half a million nodes that all stay: collecting them takes a third of the time
    offences = offences_of(read_sources(PROJECT))
    if arguments == ["--list"]:
        print(*sorted(allowance.key(offence) for offence in offences), sep="\n")
        return 0
    text = ALLOWED.read_text(encoding="utf-8")
    new, stale = allowance.judge(offences, allowance.parse(text))
    unreasoned = allowance.unreasoned(text)
    for offence in new:
        print(offence)
    for line in stale:
        print(f"{ALLOWED.relative_to(PROJECT)}: nothing needs this line any more, remove it: {line}")
    for line in unreasoned:
        print(f"{ALLOWED.relative_to(PROJECT)}: this line gives no reason: {line}")
    return 1 if new or stale or unreasoned else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
