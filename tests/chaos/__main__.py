"""python -m tests.chaos: break a site in every way, then in random order, and measure.

Prints what comes of each try, a table for people, what was found wrong, and as its last line one JSON object. Exits 1
where anything was wrong. Each try is added to a file, from which the table is made: a table may be measured in pieces.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

from tests.chaos import record, scene, table  # noqa: E402
from tests.chaos.faults import FAULTS, NOBODY, Fault  # noqa: E402
from tests.chaos.load import Load  # noqa: E402
from tests.chaos.trial import Outcome, Trial, strike_somehow  # noqa: E402
from tests.chaos.world import strangers  # noqa: E402
from tests.e2e.support.site import LISTENER  # noqa: E402

PAGE = PROJECT / "docs" / "reliability.md"
# Where only healing counts, not how long what waits for a timed run lasts.
BRIEF = (15, 30.0)


def options_of(arguments: list[str]) -> argparse.Namespace:
    """Returns the options of the command line."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the seed of what is left to chance")
    parser.add_argument("--only", action="append", default=[], help="only faults whose name has this text")
    parser.add_argument("--tries", type=int, help="no fault is tried more often than this; 0: none but in random order")
    parser.add_argument("--random", type=int, default=50, help="how many faults in random order follow; 0: none")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first of these, as it was numbered")
    parser.add_argument("--count", type=int, help="how many of these, from the first")
    parser.add_argument("--brief", action="store_true", help="timed runs every 15 s, and outages of 30 s")
    parser.add_argument("--into", type=Path, help="add the tries to this file, and make the table of all that it has")
    parser.add_argument("--publish", action="store_true", help=f"write the table into {PAGE.relative_to(PROJECT)}")
    return parser.parse_args(arguments)


def each_in_turn(faults: list[Fault], seed: int, most: int | None) -> Iterator[tuple[Fault, random.Random]]:
    """Each fault as often as it says, and its luck."""
    for fault in faults:
        for number in range(fault.tries if most is None else min(fault.tries, most)):
            yield fault, random.Random(f"{seed} {fault.name} {number}")


def in_random_order(faults: list[Fault], seed: int, number: int) -> list[tuple[int, Fault, random.Random]]:
    """Faults as they come with a seed, each with its number from 1 and its luck, which hangs on no fault before it."""
    chosen = random.Random(seed).choices(faults, k=number)
    return [(each, fault, random.Random(f"{seed} {each}")) for each, fault in enumerate(chosen, 1)]


def tried(trial: Trial, fault: Fault, luck: random.Random) -> Outcome:
    """Tries a fault once, and holds that the world is whole after it."""
    outcome, begun = Outcome(fault), time.monotonic()
    strike_somehow(trial, fault, luck, outcome)
    trial.check(outcome)
    answers, whole = ([round(each, 1) for each in times] for times in (outcome.answers, outcome.seconds))
    text = f"{fault.name}: answers again {answers}, whole {whole}, of {time.monotonic() - begun:.0f} s"
    print(text, *outcome.broken, sep="\n  ", flush=True)
    return outcome


def rows_of(done: list[record.Done]) -> list[dict[str, Any]]:
    """Returns the rows of the table: each fault that was tried, and at last what came in random order once more."""
    rows = []
    for fault in FAULTS:
        if outcomes := [each.outcome for each in done if each.outcome.fault is fault]:
            rows.append(table.row(record.together(fault, outcomes)))
    at_random = [each for each in done if each.seed is not None]
    if at_random:
        seeds = ", ".join(str(seed) for seed in sorted({each.seed for each in at_random if each.seed is not None}))
        fault = Fault(f"of these, in random order with the seeds {seeds}", FAULTS[0].blow, NOBODY, "each as above")
        rows.append(table.row(record.together(fault, [each.outcome for each in at_random])))
    return rows


def conditions(done: list[record.Done]) -> str:
    """Returns under what the figures were taken, as a sentence."""
    loads = [load for each in done for load in each.outcome.loads]
    days = sorted({each.day for each in done})
    intervals = sorted({each.interval for each in done})
    short = (
        f" Where that comes every {BRIEF[0]} s, outages of 2 min last {BRIEF[1]:.0f} s."
        if BRIEF[0] in intervals
        else ""
    )
    return (
        f"Measured {' to '.join(days[:1] + days[1:][-1:])}, {os.cpu_count()} cores with a load of {min(loads):.1f} to "
        f"{max(loads):.1f} ahead of the faults; {len(scene.SERVERS)} servers, of which one has two replicas; a timed "
        f"run every {' or '.join(map(str, intervals))} s. Times to heal count from the fault, or from the end of an "
        f"outage.{short}"
    )


def main(arguments: list[str]) -> int:
    """Break, measure, print; return the exit status."""
    options = options_of(arguments)
    faults = [each for each in FAULTS if not options.only or any(word in each.name for word in options.only)]
    print(f"seed {options.seed}, {len(faults)} faults", flush=True)
    chosen = in_random_order(faults, options.seed, options.random)[options.first - 1 :][: options.count]
    interval, outage = BRIEF if options.brief else (scene.INTERVAL_SECONDS, scene.OUTAGE_SECONDS)
    with tempfile.TemporaryDirectory() as directory:
        into = options.into or Path(directory, "tries")
        with (
            scene.watched_site(interval, outage) as site,
            strangers(site) as beside,
            Load(LISTENER, scene.SERVERS) as load,
        ):
            trial = Trial(site, load, beside)
            for fault, luck in each_in_turn(faults, options.seed, options.tries):
                record.append(into, record.Done(tried(trial, fault, luck), interval))
            for number, fault, luck in chosen:
                print(f"again: --seed {options.seed} --tries 0 --from {number} --count 1", flush=True)
                record.append(into, record.Done(tried(trial, fault, luck), interval, options.seed, number))
        done = list(record.read(into))
    rows = rows_of(done)
    text = f"{conditions(done)}\n\n{table.table(rows)}"
    print(text)
    broken = [f"{each['fault']}: {what}" for each in rows for what in each["broken"]]
    print(*broken, sep="\n")
    if options.publish:
        table.publish(PAGE, text)
    print(json.dumps({"benchmark": "chaos", "seed": options.seed, "rows": rows, "met": not broken}))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
