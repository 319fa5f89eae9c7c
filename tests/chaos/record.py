"""The tries that were made, one a line of a file: what is measured piece by piece becomes one table."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.load import Tally
from tests.chaos.trial import Outcome

TALLIES = ("hit", "others")
KEPT = ("seconds", "answers", *TALLIES, "loads", "last_wrong", "broken")


@dataclass(frozen=True)
class Done:
    """One try: its outcome, the seconds between two timed runs, and ``seed`` and ``number`` of one in random order."""

    outcome: Outcome
    interval: int
    seed: int | None = None
    number: int | None = None
    day: str = field(default_factory=lambda: time.strftime("%Y-%m-%d"))


def append(path: Path, done: Done) -> None:
    """Adds a try to a file."""
    kept = {name: getattr(done.outcome, name) for name in KEPT}
    line = {
        "fault": done.outcome.fault.name,
        **{name: getattr(done, name) for name in ("day", "interval", "seed", "number")},
        **{name: [asdict(each) for each in value] if name in TALLIES else value for name, value in kept.items()},
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(line)}\n")


def read(path: Path, faults: Iterable[Fault] = FAULTS) -> Iterator[Done]:
    """Returns the tries of a file. Raises ValueError for one of a fault that is not known."""
    known = {each.name: each for each in faults}
    for text in path.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        if line["fault"] not in known:
            raise ValueError(f"{path}: {line['fault']!r} is no fault of tests/chaos/faults.py; remove its line")
        kept = {name: [Tally(**each) for each in line[name]] if name in TALLIES else line[name] for name in KEPT}
        outcome = Outcome(known[line["fault"]], **kept)
        yield Done(outcome, line["interval"], line["seed"], line["number"], line["day"])


def together(fault: Fault, outcomes: Iterable[Outcome]) -> Outcome:
    """Returns tries as those of one fault."""
    whole = Outcome(fault)
    for each in outcomes:
        for name in KEPT[:-1]:
            getattr(whole, name).extend(getattr(each, name))
        whole.broken += [what if each.fault is fault else f"{each.fault.name}: {what}" for what in each.broken]
    return whole
