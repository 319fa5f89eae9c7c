"""One fault and what comes of it: how long it lasts, what clients saw, and whether the world is whole after it."""

from __future__ import annotations

import os
import random
import threading
import time
from dataclasses import dataclass, field

import docker

from tests.chaos.faults import Fault
from tests.chaos.load import Load, Tally
from tests.chaos.scene import SERVERS, report, run_under_way, wrong
from tests.chaos.world import ROOM_BYTES, Strangers, differences, ours, room
from tests.e2e.support.client import status
from tests.e2e.support.site import Site
from tests.e2e.support.waiting import until

# Whatever breaks, the timer's runs have had time to mend it.
LONGEST_SECONDS = 240.0
# So long all must have been well for a fault to be over; what it started may still break something.
QUIET_SECONDS = 3.0
LOOK_SECONDS = 0.1


@dataclass
class Outcome:
    """What the tries of one fault came to. Times in seconds from the blow.

    ``answers`` until all servers answer, ``seconds`` until all is as the config says, after ``last_wrong``; ``broken``
    says what is not as it must be.
    """

    fault: Fault
    seconds: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    hit: list[Tally] = field(default_factory=list)
    others: list[Tally] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    last_wrong: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


class Watch:
    """Asks the servers of the config all the time. ``last_silent`` is when one did not answer last."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.last_silent = 0.0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            if not self._all_answer():
                self.last_silent = time.monotonic()

    def _all_answer(self) -> bool:
        try:
            return all(status(f"{self._site.url}/mcp/{name}/health") == 200 for name in self._site.running())
        except ValueError:  # half a config: nobody can say who is to answer
            return True
        except OSError:
            return False


class Trial:
    """Tries faults at one site under one load, beside the same strangers."""

    def __init__(self, site: Site, load: Load, beside: Strangers) -> None:
        self._site, self._load, self._beside = site, load, beside
        self._settle()
        self._ours, self._room, self._seen = ours(site), room(site), beside.seen()

    def strike(self, fault: Fault, chance: random.Random, outcome: Outcome) -> None:
        """Tries a fault once, and takes down what comes of it."""
        self._load.take()
        outcome.loads.append(os.getloadavg()[0])
        with Watch(self._site) as watch:
            try:
                begun = self._blow(fault, chance)
                outcome.seconds.append(self._healed(begun, outcome))
                outcome.answers.append(max(0.0, watch.last_silent - begun))
            except AssertionError as error:
                outcome.broken.append(f"not healed: {error}")
        for server, tally in self._load.take().items():
            (outcome.hit if server in fault.hits else outcome.others).append(tally)
            if server in fault.hits and fault.most_lost is not None and tally.lost > fault.most_lost:
                outcome.broken.append(f"{server} lost {tally.lost}, more than {fault.most_lost}: {tally.why}")
            if server not in fault.hits and (tally.lost or tally.refused):
                outcome.broken.append(
                    f"{server} was not hit, and lost {tally.lost}, refused {tally.refused}: {tally.why}"
                )

    def _blow(self, fault: Fault, chance: random.Random) -> float:
        begun = time.monotonic()
        end = fault.blow(self._site, chance)
        if end:
            begun = time.monotonic()
            end()
        return begun

    def _healed(self, begun: float, outcome: Outcome) -> float:
        """The seconds from a blow until all is well and stays so; 0 where nothing ever was wrong."""
        well_since: float | None = None
        last = ""
        while True:
            now = time.monotonic()
            what = wrong(self._site)
            if what:
                well_since, last = None, what
            elif well_since is None:
                well_since = now
            if well_since is not None and now - well_since >= QUIET_SECONDS and not run_under_way(self._site):
                outcome.last_wrong.append(last)
                return well_since - begun if last else 0.0
            if now - begun > LONGEST_SECONDS:
                raise AssertionError(f"after {LONGEST_SECONDS:.0f} s: {last}")
            time.sleep(LOOK_SECONDS)

    def check(self, outcome: Outcome) -> None:
        """Puts the config back, and holds that the world is as it was and one of two runs by hand changes nothing."""
        if self._site.config() != SERVERS:
            self._site.write_config(SERVERS)
        edited = (self._site.etc / "mcp.config.json").stat().st_mtime
        try:
            until(lambda: self._reported_at() > edited, "a run has followed the edit", LONGEST_SECONDS)
            self._settle()
        except AssertionError as error:
            outcome.broken.append(f"not whole: {error}")
            return
        # The first of two may still clear away what the run that healed has replaced, or tell of what it has found.
        run = self._site.reconcile()
        if (run.code, run.changed) != (0, 0):
            run = self._site.reconcile()
        if (run.code, run.changed) != (0, 0):
            outcome.broken.append(f"a run after it: exit {run.code}, changed {run.changed}: {run.output[-1500:]}")
        until(lambda: not run_under_way(self._site), "no run is under way", LONGEST_SECONDS)
        outcome.broken += differences(self._ours, ours(self._site))
        outcome.broken += [f"somebody else's {each}" for each in differences(self._seen, self._beside.seen())]
        if (grown := room(self._site) - self._room) > ROOM_BYTES:
            outcome.broken.append(f"the site's files have grown by {grown} bytes")

    def _settle(self) -> None:
        """Waits until a run has reported the fleet that the config says, and nothing is under way."""
        until(lambda: not wrong(self._site) and not run_under_way(self._site), "all is well", LONGEST_SECONDS)
        until(lambda: self._reported() == set(self._site.config()), "a run has reported", LONGEST_SECONDS)

    def _reported_at(self) -> float:
        return (self._site.var / "state.json").stat().st_mtime

    def _reported(self) -> set[str]:
        return {str(server["name"]) for server in report(self._site).get("servers", [])}


def strike_somehow(trial: Trial, fault: Fault, chance: random.Random, outcome: Outcome) -> None:
    """As Trial.strike, where a blow before it may have left nothing to strike, or in no such state."""
    try:
        trial.strike(fault, chance, outcome)
    except (docker.errors.APIError, IndexError, KeyError) as error:
        outcome.broken.append(f"the blow missed: {type(error).__name__}: {error}")
