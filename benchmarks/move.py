"""What clients lose while a fleet moves from a host to a cluster and back, and how long the way takes.

A real API server, pods and containers on this machine's engine, and the local ALB in front of both, which stands for
AWS's. Clients of the official SDK ask every server all the way. Options: --servers N, and --unmarked: clients do not
keep what the local ALB makes of their sessions' ids, so that it leads their requests anywhere, as AWS's does. Prints a
table for people, and as its last line one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections"), str(PROJECT / "files")]

from tests.kubernetes.move_scene import Stage, move_scene, walk  # noqa: E402
from tests.kubernetes.moving_clients import moving_clients  # noqa: E402
from tests.kubernetes.programs import are_built  # noqa: E402

SERVERS = 20
TARGETS = {"lost": ["<=", 0]}


def figures_of(stages: list[Stage]) -> dict[str, float]:
    """Returns the sums over the whole way."""
    tallies = [stage.tally for stage in stages]
    return {
        "requests": sum(each.requests for each in tallies),
        "sessions": sum(each.sessions for each in tallies),
        "lost": sum(each.lost.total() for each in tallies),
        "sessions_ended": sum(each.ended for each in tallies),
        "slowest_seconds": round(max(each.slowest[0] for each in tallies), 2),
        "seconds": round(sum(stage.seconds for stage in stages)),
    }


def show(stage: Stage) -> None:
    """Prints a stage, and what was lost in it."""
    tally = stage.tally
    seconds, what = tally.slowest
    print(
        f"{stage.name:32} {stage.seconds:5.0f} s {tally.requests:7} {tally.sessions:7} {tally.ended:5}"
        f" {tally.lost.total():5}   {seconds:.1f} s, {what}",
        flush=True,
    )
    for reason, count in tally.lost.most_common():
        print(f"    {count} {reason}", flush=True)


def main() -> int:
    """Measures everything and prints it."""
    parser = argparse.ArgumentParser(description="Move a fleet to a cluster and back under load.")
    parser.add_argument("--servers", type=int, default=SERVERS)
    parser.add_argument("--unmarked", action="store_true")
    options = parser.parse_args()
    if not are_built():
        print("the API server is not built on this machine; make kubernetes builds it", file=sys.stderr)
        return 1
    stages: list[Stage] = []
    with move_scene() as site:
        site.write_fleet(options.servers)
        run = site.install()
        if run.code:
            raise RuntimeError(run.output)
        site.bootstrap()
        print(f"{'':40}requests sessions ended  lost   slowest")
        begun = time.monotonic()
        with moving_clients(site.asked, marks=not options.unmarked) as clients:
            for stage in walk(site, clients):
                show(stage)
                stages.append(stage)
        stages.append(Stage("the end", time.monotonic() - begun - sum(each.seconds for each in stages), clients.take()))
        show(stages[-1])
    figures = {"servers": options.servers, **figures_of(stages)}
    met = figures["lost"] <= 0
    print(json.dumps({"benchmark": "move", "figures": figures, "targets": TARGETS, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
