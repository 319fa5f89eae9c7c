"""python -m tests.soak [--days N] [--seed N]: weeks of edits, restarts and rotations, without the waiting between them.

Each hour brings one thing, as hours.py has them; after it all must be as the config says, and every server must answer.
Prints what the site has and takes after each day, and as its last line one JSON object. Exits 1 where anything was
wrong, was left behind, or grew without a bound.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import traceback
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

from tests.chaos import scene  # noqa: E402
from tests.chaos.load import call  # noqa: E402
from tests.chaos.world import differences, ours, strangers  # noqa: E402
from tests.e2e.support.site import LISTENER  # noqa: E402
from tests.e2e.support.waiting import until  # noqa: E402
from tests.soak.hours import EARLY, HOURS, SECRET, Life  # noqa: E402
from tests.soak.measure import PROGRAMS, images, taken  # noqa: E402

HOURS_A_DAY = 24
SETTLED_SECONDS = 240.0
CALLS = 3
# Small logs, so that they rotate. Runs of the interval come all the same, of the true clock.
SETTINGS = "prune_images = yes\n[logging]\nserver_log_size = 1m\n"
# What may be more at the end than after two thirds, and what a program may take more than after one.
MORE_DISK_MIB, MORE_MEMORY_MIB, MORE_FILES_OPEN = 3.0, 6.0, 10


def first_config(site: scene.FaultySite) -> dict[str, Any]:
    """The servers that stay: one of them with a secret behind a reference."""
    time_server = scene.SERVERS["time"]
    args = [*time_server["args"][:-1], "-e", "TOKEN", time_server["args"][-1]]
    env = {**time_server.get("env", {}), "TOKEN": f"${{file:{site.etc / SECRET}}}"}
    return {**scene.SERVERS, "time": {**time_server, "args": args, "env": env}}


class Weeks:
    """One site through its hours."""

    def __init__(self, site: scene.FaultySite, seed: int, days: int) -> None:
        self._site = site
        self._life = Life(site, random.Random(seed), first_config(site))
        self._hours = days * HOURS_A_DAY
        self.broken: list[str] = []
        self.days: list[dict[str, float]] = []
        self.seen: dict[str, int] = {}

    def begin(self) -> None:
        """Makes the config that of the first hour, and what is there from the first request on."""
        (self._site.etc / SECRET).write_text("first")
        self.end()
        self._life.ask("restart", "orders")
        self.end()

    def live(self, until_then: float) -> None:
        """Lets the hours pass; no day begins after ``until_then``, of the monotonic clock."""
        self.days.append(taken(self._site))
        for number in range(1, self._hours + 1):
            self.hour(number)
            if number % HOURS_A_DAY == 0:
                self._rest()
                self.days.append(taken(self._site))
                print(f"day {number // HOURS_A_DAY}: {json.dumps(self.days[-1])}", flush=True)
                if time.monotonic() > until_then:
                    break

    def hour(self, number: int) -> None:
        """One hour: something happens, the fleet follows, and all answer."""
        self._life.number = number
        kinds = EARLY if number <= self._hours / 3 else HOURS
        (kind,) = self._life.luck.choices(list(kinds), list(kinds.values()))
        self.seen[kind.__name__] = self.seen.get(kind.__name__, 0) + 1
        begun, before = time.monotonic(), self._site.config()
        at = time.time()
        try:
            kind(self._life)
            self._settle(at if self._site.config() != before else 0.0)
            wrong = {name: met for name in self._site.running() for _ in range(CALLS) if (met := self._call(name))}
            if wrong:
                self.broken.append(f"hour {number}, {kind.__name__}: {wrong}")
        except (AssertionError, IndexError, OSError):
            self.broken.append(f"hour {number}, {kind.__name__}: {traceback.format_exc(limit=-2)}")
        what = [each for each in self.broken if each.startswith(f"hour {number},")]
        print(f"hour {number}: {kind.__name__}, {time.monotonic() - begun:.1f} s", *what, flush=True)

    def _call(self, name: str) -> str:
        met = call(LISTENER, name)
        return "" if met == "ok" else met

    def _settle(self, edited: float) -> None:
        """Waits until a run has followed an edit, and all is well and stays so."""

        def well() -> bool:
            reported = (self._site.var / "state.json").stat().st_mtime
            return reported > edited and not scene.run_under_way(self._site) and not scene.wrong(self._site)

        until(well, "all is well", SETTLED_SECONDS)

    def _rest(self) -> None:
        """The end of a day: a run by hand has nothing left to do."""
        run = self._site.reconcile()
        if run.code == 0 and run.changed:
            run = self._site.reconcile()
        if (run.code, run.changed) != (0, 0):
            self.broken.append(f"a run at a day's end: exit {run.code}, changed {run.changed}: {run.output[-1500:]}")
        until(lambda: not scene.run_under_way(self._site), "no run is under way", SETTLED_SECONDS)

    def end(self) -> None:
        """The config is as it was in the beginning; nothing else may be left."""
        at = time.time()
        self._life.servers = {}
        self._life.edit(**first_config(self._site))
        self._settle(at)
        self._rest()

    def judge(self) -> None:
        """Holds what was measured against its bounds."""
        third, two_thirds, last = (self.days[len(self.days) * part // 3 - (part == 3)] for part in (1, 2, 3))
        if last["disk"] > two_thirds["disk"] + MORE_DISK_MIB:
            self.broken.append(f"the disk has grown from {two_thirds['disk']} to {last['disk']} MiB in the last third")
        for program in PROGRAMS:
            for kind, more in (("memory", MORE_MEMORY_MIB), ("open", MORE_FILES_OPEN)):
                if last[f"{kind} {program}"] > third[f"{kind} {program}"] + more:
                    begun, ended = third[f"{kind} {program}"], last[f"{kind} {program}"]
                    self.broken.append(f"{kind} of {program} has grown from {begun} to {ended} in the last two thirds")
        if last["rules"] > self.days[0]["rules"]:
            self.broken.append(f"the packet filter had {self.days[0]['rules']} rules of ours and has {last['rules']}")


def main(arguments: list[str]) -> int:
    """Live, print; return the exit status."""
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no further day after so many")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the seed of what happens")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}, {options.days} days", flush=True)
    begun = time.monotonic()
    with scene.watched_site(more=SETTINGS) as site, strangers(site) as beside:
        weeks = Weeks(site, options.seed, options.days)
        weeks.begin()
        before, theirs = ours(site), beside.seen()
        weeks.live(begun + options.minutes * 60)
        weeks.end()
        weeks.broken += [f"an image is left: {tag}" for tag in images(site)]
        weeks.broken += differences(before, ours(site))
        weeks.broken += [f"somebody else's {each}" for each in differences(theirs, beside.seen())]
        weeks.judge()
    print(*weeks.broken, sep="\n")
    seconds = round(time.monotonic() - begun)
    told = {"seed": options.seed, "seconds": seconds, "hours": weeks.seen, "days": weeks.days}
    print(json.dumps({"benchmark": "soak", **told, "met": not weeks.broken}))
    return 1 if weeks.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
