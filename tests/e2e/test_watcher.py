"""The watcher without systemd: it heals at once, follows edits and does the timer's work."""

from __future__ import annotations

import base64
import http.client
import os
import random
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from tests.chaos.faults import FAULTS, docker_kill, pause, stop
from tests.chaos.load import Load
from tests.chaos.scene import SERVERS
from tests.chaos.trial import Outcome, Trial, strike_somehow
from tests.chaos.world import strangers
from tests.e2e.support.client import status
from tests.e2e.support.sample import ANOTHER, SAMPLE
from tests.e2e.support.site import FLEET, LISTENER, Site, settings
from tests.e2e.support.waiting import until

# A run of the watcher, on a machine with a lot else to do; how long healing takes, benchmarks/healing.py measures.
PATIENCE = 180.0
pytestmark = pytest.mark.keeps_its_watcher


@pytest.fixture(scope="module")
def watched(site: Site) -> Iterator[Site]:
    """The site with a watcher, once it is idle."""
    (site.etc / "settings.conf").write_text(settings(watcher=True))
    run = site.install()
    try:
        assert run.code == 0, run.output
        yield site
    finally:
        site.write_config(SAMPLE)


def answers(site: Site, server: str) -> Callable[[], bool]:
    """Returns whether a server answers through the balancer."""
    return lambda: status(f"{site.url}/mcp/{server}/health") == 200


def log(site: Site) -> str:
    """Returns the watcher's log."""
    return (site.var / "supervisor" / f"{FLEET}-watcher.log").read_text()


def finished(site: Site) -> float:
    """Returns when the last run wrote its report."""
    return (site.var / "state.json").stat().st_mtime


def ask(site: Site, path: str) -> http.client.HTTPResponse:
    """Asks the monitor for a page, through the balancer and signed in."""
    password = (site.etc / "monitor.password").read_text().strip()
    token = base64.b64encode(f"admin:{password}".encode()).decode()
    asked = urllib.request.Request(f"{site.url}/monitor{path}", headers={"Authorization": f"Basic {token}"})
    return cast(http.client.HTTPResponse, urllib.request.urlopen(asked, timeout=60))


def test_what_a_server_writes_is_on_its_page_and_streams_through_the_balancer(watched: Site) -> None:
    until(answers(watched, "time"), "time answers", PATIENCE)

    def shown() -> bool:
        with ask(watched, "/logs") as page:
            return b"<option>time</option>" in page.read()

    until(shown, "its log is on the page", PATIENCE)
    with ask(watched, "/logs/follow?server=time&past=1") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        lines = [stream.readline() for _ in range(4)]
        assert b"event: found\n" in lines, lines


def reasons(site: Site) -> list[str]:
    """Why the watcher has started runs until now."""
    begins = "INFO: starting a run: "
    return [line.removeprefix(begins) for line in log(site).splitlines() if line.startswith(begins)]


def test_a_removed_container_answers_again_and_the_run_starts_no_other(watched: Site) -> None:
    until(answers(watched, "time"), "time answers", PATIENCE)
    before, runs = finished(watched), len(reasons(watched))
    watched.docker.containers.get(f"{FLEET}-time").remove(force=True)
    until(lambda: finished(watched) > before, "a run has reported", PATIENCE)
    until(answers(watched, "time"), "time answers", PATIENCE)
    time.sleep(3)  # what a run does itself would have started another by now
    told = reasons(watched)[runs:]
    # On a machine that is busy enough a container is slow to answer, before it is removed or after. That is no doing of
    # the run, and a run that is under way for it brings the removed container back as well.
    others = [each for each in told if not each.endswith("time is unhealthy")]
    assert told
    assert others in ([], ["watcher: time was removed"])


def test_what_a_server_requires_comes_back_when_it_is_killed(watched: Site) -> None:
    port = "5432"
    ask_it = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}')"
    database = {
        "image": "mcp-sample/time:1",
        "entrypoint": ["python3", "-m", "http.server", port, "--directory", "/tmp"],
        "health": ["python3", "-c", ask_it],
    }
    watched.write_config({**SAMPLE, "ledger": {**ANOTHER, "orchestrator": {"requires": {"db": database}}}})

    def required() -> list[str | None]:
        told = watched.servers().get("ledger", {"requires": []})["requires"]
        return [each["state"] for each in told]

    until(lambda: required() == ["healthy"], "the state tells of what it requires", PATIENCE)
    until(answers(watched, "ledger"), "ledger answers", PATIENCE)
    found = watched.docker.containers.get(f"{FLEET}-ledger.db")
    found.kill()

    def runs() -> bool:
        found.reload()
        return bool(found.status == "running")

    until(runs, "it runs again", PATIENCE)
    until(lambda: "starting a run: watcher: ledger.db has ended" in log(watched), "the watcher said why", PATIENCE)
    watched.write_config(SAMPLE)
    until(lambda: f"{FLEET}-ledger.db" not in watched.containers(), "it goes with its server", PATIENCE)


def test_an_edit_is_followed_without_a_timer_or_a_path_unit(watched: Site) -> None:
    before = len(log(watched))
    watched.write_config({**SAMPLE, "tokyo": ANOTHER})
    until(answers(watched, "tokyo"), "the new server answers", PATIENCE)
    until(lambda: "tokyo" in watched.servers(), "the run has reported", PATIENCE)
    assert "INFO: starting a run: edit" in log(watched)[before:].splitlines()


def test_a_watcher_that_is_killed_misses_nothing(watched: Site) -> None:
    program = f"{FLEET}-watcher"
    supervisor = [
        str(watched.root / "home/venv/bin/supervisorctl"),
        "-c",
        str(watched.var / "supervisor/supervisord.conf"),
    ]
    subprocess.run([*supervisor, "stop", program], check=True)
    watched.docker.containers.get(f"{FLEET}-time").remove(force=True)
    subprocess.run([*supervisor, "start", program], check=True)
    until(answers(watched, "time"), "time answers", PATIENCE)


def test_faults_in_the_order_of_a_seed_are_mended_and_cost_nobody_else_a_call(watched: Site) -> None:
    seed = int(os.environ.get("SEED") or 1)  # `make chaos` has them all
    chance = random.Random(seed)
    watched.write_config(SERVERS)
    with strangers(watched) as beside, Load(LISTENER, SERVERS) as load:
        trial = Trial(watched, load, beside)
        faults = [each for each in FAULTS if each.blow in (docker_kill, pause, stop)]
        outcomes = [Outcome(fault) for fault in chance.sample(faults, 2)]
        for outcome in outcomes:
            strike_somehow(trial, outcome.fault, chance, outcome)
        trial.check(outcomes[-1])
    assert not [f"seed {seed}: {outcome}" for outcome in outcomes if outcome.broken]
