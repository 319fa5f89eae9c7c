"""python -m tests.chaos [--seed N] [--only WORD] [--tries N] [--random N] [--publish]: break a site, and measure.

Prints a table for people, what was found wrong, and as its last line one JSON object. Exits 1 where anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

from tests.chaos import table  # noqa: E402
from tests.chaos.faults import FAULTS, NOBODY, Fault  # noqa: E402
from tests.chaos.load import Load  # noqa: E402
from tests.chaos.scene import INTERVAL_SECONDS, SERVERS, watched_site  # noqa: E402
from tests.chaos.trial import Outcome, Trial, strike_somehow  # noqa: E402
from tests.chaos.world import strangers  # noqa: E402
from tests.e2e.support.site import LISTENER  # noqa: E402

PAGE = PROJECT / "docs" / "reliability.md"


def options_of(arguments: list[str]) -> argparse.Namespace:
    """Returns the options of the command line."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the seed of what is left to chance")
    parser.add_argument("--only", action="append", default=[], help="only faults whose name has this text")
    parser.add_argument("--tries", type=int, help="no fault is tried more often than this")
    parser.add_argument("--random", type=int, default=50, help="how many faults in random order follow; 0: none")
    parser.add_argument("--publish", action="store_true", help=f"write the table into {PAGE.relative_to(PROJECT)}")
    return parser.parse_args(arguments)


def each_in_turn(trial: Trial, faults: list[Fault], chance: random.Random, most: int | None) -> list[Outcome]:
    """Tries each fault as often as it says, and looks at the world after each."""
    outcomes = []
    for fault in faults:
        outcome = Outcome(fault)
        for _try in range(min(fault.tries, most or fault.tries)):
            strike_somehow(trial, fault, chance, outcome)
            trial.check(outcome)
        outcomes.append(outcome)
        print(json.dumps(table.row(outcome)), flush=True)
    return outcomes


def in_random_order(trial: Trial, faults: list[Fault], chance: random.Random, number: int) -> Outcome:
    """Tries faults as they come; the world is whole after each."""
    whole = Outcome(Fault(f"{number} of these in random order", faults[0].blow, NOBODY, "each as above"))
    for fault in chance.choices(faults, k=number):
        outcome = Outcome(fault)
        strike_somehow(trial, fault, chance, outcome)
        trial.check(outcome)
        print(f"{fault.name}: {outcome.broken or outcome.seconds}", flush=True)
        for kept in ("seconds", "answers", "hit", "others", "loads"):
            getattr(whole, kept).extend(getattr(outcome, kept))
        whole.broken += [f"{fault.name}: {each}" for each in outcome.broken]
    return whole


def conditions(seed: int, rows: list[dict[str, Any]]) -> str:
    """Returns under what the figures were taken, as a sentence."""
    loads = [each["load"] for each in rows if each["load"] is not None]
    return (
        f"Measured {time.strftime('%Y-%m-%d')}, seed {seed}, {os.cpu_count()} cores with a load of {min(loads)} to "
        f"{max(loads)} ahead of the faults; {len(SERVERS)} servers, of which one has two replicas; a timed run every "
        f"{INTERVAL_SECONDS} s. Times to heal count from the fault, or from the end of an outage."
    )


def main(arguments: list[str]) -> int:
    """Break, measure, print; return the exit status."""
    options = options_of(arguments)
    faults = [each for each in FAULTS if not options.only or any(word in each.name for word in options.only)]
    print(f"seed {options.seed}, {len(faults)} faults", flush=True)
    chance = random.Random(options.seed)
    with watched_site() as site, strangers(site) as beside, Load(LISTENER, SERVERS) as load:
        trial = Trial(site, load, beside)
        outcomes = each_in_turn(trial, faults, chance, options.tries)
        if options.random:
            outcomes.append(in_random_order(trial, faults, chance, options.random))
    rows = [table.row(each) for each in outcomes]
    text = f"{conditions(options.seed, rows)}\n\n{table.table(rows)}"
    print(text)
    broken = [f"{each['fault']}: {what}" for each in rows for what in each["broken"]]
    print(*broken, sep="\n")
    if options.publish:
        table.publish(PAGE, text)
    print(json.dumps({"benchmark": "chaos", "seed": options.seed, "rows": rows, "met": not broken}))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
