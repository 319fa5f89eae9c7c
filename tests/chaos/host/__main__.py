"""python -m tests.chaos.host [--only WORD] [--tries N] [--boot] [--publish]: break a whole host, and measure.

Prints a table for people, what was found wrong, and as its last line one JSON object. Exits 1 where anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

from tests.chaos import table  # noqa: E402
from tests.chaos.host.boot import measure  # noqa: E402
from tests.chaos.host.faults import FAULTS, HostFault  # noqa: E402
from tests.chaos.host.scene import INTERVAL_SECONDS, ChaosHost  # noqa: E402
from tests.chaos.host.trial import HostTrial  # noqa: E402
from tests.chaos.trial import Outcome  # noqa: E402

PAGE = PROJECT / "docs" / "reliability.md"


def options_of(arguments: list[str]) -> argparse.Namespace:
    """Returns the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.host")
    parser.add_argument("--only", action="append", default=[], help="only faults whose name has this text")
    parser.add_argument("--tries", type=int, help="no fault is tried more often than this")
    parser.add_argument("--boot", action="store_true", help="only the boot of many servers")
    parser.add_argument("--publish", action="store_true", help=f"write the figures into {PAGE.relative_to(PROJECT)}")
    return parser.parse_args(arguments)


def broken(host: ChaosHost, faults: list[HostFault], most: int | None) -> list[dict[str, Any]]:
    """Tries each fault as often as it says, and returns the rows of the table."""
    trial = HostTrial(host)
    rows = []
    for fault in faults:
        outcome = Outcome(fault)
        for _try in range(min(fault.tries, most or fault.tries)):
            trial.strike(fault, outcome)
        rows.append(table.row(outcome))
        print(json.dumps(rows[-1]), flush=True)
    trial.close()
    return rows


def boot_text(boot: dict[str, float]) -> str:
    """Returns the figures of a boot as a sentence."""
    return (
        f"A reboot with {boot['servers']:.0f} servers, from the start of the engine: {boot['engine']} s until it has "
        f"started all containers; {boot['alone']} s until all of them answer where nothing of the product is started; "
        f"{boot['answer']} s until all answer through the load balancer ({boot['ratio']} times as long); "
        f"{boot['whole']} s until a run has found all well."
    )


def main(arguments: list[str]) -> int:
    """Break, measure, print; return the exit status."""
    options = options_of(arguments)
    faults = [each for each in FAULTS if not options.only or any(word in each.name for word in options.only)]
    with ChaosHost() as host:
        host.prepare()
        rows = [] if options.boot else broken(host, faults, options.tries)
        boot = measure(host) if options.boot or not options.only else None
    conditions = (
        f"Measured {time.strftime('%Y-%m-%d')} on a host with systemd 252 and Docker 20.10, {os.cpu_count()} cores; "
        f"a timed run every {INTERVAL_SECONDS} s."
    )
    text = "\n\n".join([conditions, *([table.table(rows)] if rows else []), *([boot_text(boot)] if boot else [])])
    print(text)
    wrong = [f"{each['fault']}: {what}" for each in rows for what in each["broken"]]
    print(*wrong, sep="\n")
    if options.publish:
        table.publish(PAGE, text, "figures of a host")
    print(json.dumps({"benchmark": "chaos_host", "rows": rows, "boot": boot, "met": not wrong}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
