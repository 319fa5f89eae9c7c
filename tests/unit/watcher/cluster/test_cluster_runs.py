"""When objects in a cluster start a run, beside the containers of a host."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from watcher.cluster.objects import ClusterObject
from watcher.conductor import Conductor, Told
from watcher.trouble import Listing, Trouble

FILES = Path(__file__).resolve().parents[4] / "files"


def thing(kind: str, server: str = "time", **changes: object) -> ClusterObject:
    name = f"mcp-{server}"
    made = ClusterObject(f"{kind.lower()}/{name}", name, kind, f"uid of {kind} {name}", server, mine=1)
    return replace(made, **changes)  # type: ignore[arg-type]


def listing(*things: ClusterObject) -> Listing:
    return {each.id: each for each in things}


DEPLOYMENT, SERVICE, BUDGET = thing("Deployment"), thing("Service"), thing("PodDisruptionBudget")
GOOD = listing(DEPLOYMENT, SERVICE, BUDGET)
REPORT = Told({DEPLOYMENT.id: "time"}, frozenset(), {DEPLOYMENT.id: "mcp-time"})


def settled(report: Told = REPORT, now: Listing = GOOD) -> Conductor:
    conductor = Conductor()
    conductor.begin()
    conductor.end(now, 0.0, report)
    return conductor


def test_a_report_of_a_cluster_that_nobody_has_seen_yet_starts_nothing() -> None:
    conductor = settled(now={})
    assert not conductor.decide(1.0)
    conductor.join(GOOD)
    conductor.look(GOOD)
    assert not conductor.decide(2.0)
    conductor.look(listing(DEPLOYMENT, BUDGET))
    assert conductor.decide(3.0) == {Trouble("time", "had its Service removed")}


def test_a_deployment_that_went_while_nobody_watched_starts_a_run() -> None:
    conductor = Conductor()
    conductor.recall(REPORT, 0.0, 1.0)
    conductor.look({})
    conductor.join(listing(SERVICE))
    assert conductor.decide(1.0) == {Trouble("time", "was removed")}


def test_what_another_hand_removes_within_a_run_is_seen_when_that_is_over() -> None:
    conductor = settled()
    conductor.begin()
    conductor.end(listing(DEPLOYMENT, BUDGET), 1.0, REPORT)
    assert conductor.decide(1.0) == {Trouble("time", "had its Service removed")}


def test_what_a_run_itself_removes_starts_none() -> None:
    conductor = settled()
    conductor.begin()
    conductor.end(listing(DEPLOYMENT, SERVICE), 1.0, REPORT)  # one pod needs no budget
    conductor.begin()
    conductor.end({}, 2.0, Told())
    assert not conductor.decide(2.0)


def test_a_server_that_a_run_found_without_pods_is_looked_at_again_once_it_has_them() -> None:
    late = replace(DEPLOYMENT, lacking=1.0, is_late=True)
    silent = replace(REPORT, unwell=frozenset({"time"}), silent=frozenset({"time"}))
    conductor = settled(silent, listing(late, SERVICE))
    assert not conductor.decide(1.0), "the run knows of it"
    conductor.look(listing(DEPLOYMENT, SERVICE))
    assert conductor.decide(2.0) == {Trouble("time", "is ready again")}
    assert settled(silent).decide(1.0) == {Trouble("time", "is ready again")}, "it came back within the run"


def test_who_is_at_odds_with_us_is_answered_later_and_later() -> None:
    conductor, runs, changed = settled(), [], replace(SERVICE, mine=2)
    for second in range(600):
        at = float(second)
        conductor.look(listing(DEPLOYMENT, changed, BUDGET))
        if troubles := conductor.decide(at):
            runs.append(at)
            conductor.started(troubles, at)
            conductor.begin()
            conductor.end(GOOD, at, REPORT)
    assert 4 < len(runs) < 12
    assert runs[-1] - runs[-2] > 60


def test_a_host_that_has_nothing_in_a_cluster_loads_nothing_of_it() -> None:
    program = """
import sys
sys.argv = ["watcher", "--fleet", "mcp", "--directory", "/nowhere", "--state", "/nowhere", "--unit", "u"]
import watcher.__main__
from watcher.engine.client import Engine
from watcher.options import parse
from watcher.program import tasks_of
tasks_of(parse(None), Engine("/nowhere"))
loaded = [each for each in sys.modules if each.startswith("watcher.cluster") or each == "_ssl"]
sys.exit(f"loaded: {loaded}" if loaded else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=FILES,
        env={**os.environ, "PYTHONPATH": str(FILES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
