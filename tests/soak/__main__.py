"""python -m tests.soak [--days N] [--seed N] [--from HOUR]: weeks of edits, restarts and rotations, and no waiting.

Every third hour brings one thing, as hours.py has them, while clients call all the time; after it all must be as the
config says, and every server must answer. Prints what the site has and takes after each day, and as its last line one
JSON object. Exits 1 where anything was wrong, was left behind, or grew without a bound.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

from tests.chaos import scene  # noqa: E402
from tests.chaos.load import Load, call  # noqa: E402
from tests.chaos.world import differences, ours, strangers  # noqa: E402
from tests.e2e.support.sample import ANOTHER  # noqa: E402
from tests.e2e.support.site import LISTENER  # noqa: E402
from tests.e2e.support.waiting import until  # noqa: E402
from tests.soak.hours import EARLY, HITS, HOURS, SECRET, STEADY, Life  # noqa: E402
from tests.soak.measure import PROGRAMS, images, taken  # noqa: E402

HOURS_A_DAY, STEP_HOURS = 24, 3
# Long: others may use the machine, and only what is wrong for good takes so long.
SETTLED_SECONDS = 600.0
LOOK_SECONDS = 0.25
# Those of the clients, and between two of their calls.
CALLED, PAUSE_SECONDS = ("time", "orders", STEADY), 0.5
# Small logs, so that they rotate. Runs of the interval come all the same, of the true clock; they need not be many.
INTERVAL_SECONDS = 600
SETTINGS = "prune_images = yes\n[logging]\nserver_log_size = 1m\n"
ROUTES = "health_interval = 5\nhealth_timeout = 4\n"
# What may be more at the end than after two thirds, and what a program may take more than after one.
MORE_DISK_MIB, MORE_MEMORY_MIB, MORE_FILES_OPEN = 3.0, 6.0, 10


def first_config(site: scene.FaultySite) -> dict[str, Any]:
    """The servers that stay: one of them with a secret behind a reference."""
    time_server = scene.SERVERS["time"]
    args = [*time_server["args"][:-1], "-e", "TOKEN", time_server["args"][-1]]
    env = {**time_server.get("env", {}), "TOKEN": f"${{file:{site.etc / SECRET}}}"}
    steady = {**ANOTHER, "orchestrator": {"isolation": "pooled"}}
    return {**scene.SERVERS, "time": {**time_server, "args": args, "env": env}, STEADY: steady}


class Weeks:
    """One site through its hours."""

    def __init__(self, site: scene.FaultySite, seed: int, days: int) -> None:
        self._site, self._seed = site, seed
        self._life = Life(site, random.Random(seed), first_config(site))
        self._hours = days * HOURS_A_DAY
        self.broken: list[str] = []
        self.days: list[dict[str, float]] = []
        self.seen: Counter[str] = Counter()
        self.calls: dict[str, Counter[str]] = {"of servers hit": Counter(), "of others": Counter()}

    def begin(self) -> None:
        """Makes the config that of the first hour, and what is there from the first request on."""
        (self._site.etc / SECRET).write_text("first")
        self.end()
        self._life.ask("restart", "orders")
        self.end()

    def live(self, first: int, until_then: float) -> None:
        """Lets the hours from ``first`` on pass; no day begins after ``until_then``, of the monotonic clock."""
        self.days.append(taken(self._site))
        steady = self._steady()
        with Load(LISTENER, CALLED, pause=PAUSE_SECONDS) as load:
            for number in range(first, self._hours + 1, STEP_HOURS):
                self.hour(number, load)
                if number % HOURS_A_DAY == 0:
                    self._rest()
                    self.days.append(taken(self._site))
                    print(f"day {number // HOURS_A_DAY}: {json.dumps(self.days[-1])}", flush=True)
                    if time.monotonic() > until_then:
                        break
        if self._steady() != steady:
            self.broken.append(f"the server that nobody touches was at first {steady}, and is {self._steady()}")

    def _steady(self) -> list[tuple[str, str]]:
        """The containers of the server that nobody touches, and since when they run."""
        found = scene.containers_of(self._site, STEADY)
        return [(each.id, each.attrs["State"]["StartedAt"]) for each in found]

    def hour(self, number: int, load: Load) -> None:
        """One hour: something happens, the fleet follows, and all answer. What happens the seed and the number tell."""
        self._life.number, self._life.luck = number, random.Random(f"{self._seed} {number}")
        kinds = EARLY if number <= self._hours / 3 else HOURS
        (kind,) = self._life.luck.choices(list(kinds), list(kinds.values()))
        self.seen[kind.__name__] += 1
        begun, before = time.monotonic(), self._site.config()
        at = time.time()
        what: list[str] = []
        try:
            kind(self._life)
            self._settle(at if self._site.config() != before else 0.0)
            if wrong := {name: met for name in self._site.running() if (met := call(LISTENER, name)) != "ok"}:
                what.append(str(wrong))
        except (AssertionError, IndexError, OSError):
            what.append(traceback.format_exc(limit=-2))
        what += self._called(load, HITS.get(kind, frozenset()))
        self.broken += [f"hour {number}, {kind.__name__}: {each}" for each in what]
        print(f"hour {number}: {kind.__name__}, {time.monotonic() - begun:.1f} s", *what, flush=True)

    def _called(self, load: Load, hit: frozenset[str]) -> list[str]:
        """Counts what became of the clients' calls; returns the losses of servers that nothing has hit."""
        losses = []
        for server, tally in load.take().items():
            counts = self.calls["of servers hit" if server in hit else "of others"]
            counts.update(answered=tally.ok, refused=tally.refused, lost=tally.lost)
            if server not in hit and tally.refused + tally.lost:
                losses.append(f"calls of {server}: {tally.refused} refused, {tally.lost} lost {dict(tally.why)}")
        return losses

    def _settle(self, edited: float) -> None:
        """Waits until a run has followed an edit, and all is well."""

        def well() -> bool:
            time.sleep(LOOK_SECONDS)  # a look costs the processor that a run needs
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
    parser.add_argument(
        "--from", dest="first", type=int, default=STEP_HOURS, help="the hour to begin with, at a new site"
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no further day after so many")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the seed of what happens")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}, {options.days} days", flush=True)
    begun = time.monotonic()
    with scene.watched_site(INTERVAL_SECONDS, more=SETTINGS, routes=ROUTES) as site, strangers(site) as beside:
        weeks = Weeks(site, options.seed, options.days)
        weeks.begin()
        before, theirs = ours(site), beside.seen()
        weeks.live(options.first, begun + options.minutes * 60)
        weeks.end()
        weeks.broken += [f"an image is left: {tag}" for tag in images(site)]
        weeks.broken += differences(before, ours(site))
        weeks.broken += [f"somebody else's {each}" for each in differences(theirs, beside.seen())]
        weeks.judge()
    print(*weeks.broken, sep="\n")
    seconds = round(time.monotonic() - begun)
    told = {"seed": options.seed, "seconds": seconds, "hours": weeks.seen, "calls": weeks.calls, "days": weeks.days}
    print(json.dumps({"benchmark": "soak", **told, "met": not weeks.broken}))
    return 1 if weeks.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
