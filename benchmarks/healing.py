"""How fast a fleet heals, and follows an edit: from the fault until the server answers through the load balancer again.
And how fast a stop that a program asks for is done and answered.

An installation of its own without systemd, whose watcher starts the runs. MCP_TEST_SITE=N has it beside others. With
the names of parts (removed, killed, edited, stopped) only these are measured. Prints a table for people, and as its
last line one JSON object.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

import docker  # noqa: E402

from tests.e2e.support.api_token import make_token  # noqa: E402
from tests.e2e.support.client import status  # noqa: E402
from tests.e2e.support.sample import ANOTHER, SAMPLE  # noqa: E402
from tests.e2e.support.site import FLEET, Site, settings  # noqa: E402
from tests.e2e.support.waiting import until  # noqa: E402

TRIES = {"removed": 20, "killed": 10, "edited": 7, "stopped": 7}
# Time for the run that has healed the last fault to come to its end, so that each begins with an idle fleet.
IDLE_SECONDS = 120.0
LONGEST = 120.0
# The engine waits twice as long before each further start of a container that has not run so long (its API's
# documentation of RestartPolicy; moby's restartmanager): it is no crash loop that is measured.
LASTING_SECONDS = 10.0
SERVERS = {name: SAMPLE[name] for name in ("time", "orders")}


@contextmanager
def watched_site() -> Iterator[Site]:
    """An installation with a watcher. Raises RuntimeError where it cannot be made."""
    root = Path(tempfile.mkdtemp(prefix="mcp-bench-", dir="/var/tmp"))
    site = Site(root)
    (site.etc / "settings.conf").write_text(settings(watcher=True))
    site.write_config(SERVERS)
    run = site.install()
    try:
        if run.code:
            raise RuntimeError(f"the site could not be installed: {run.output[-2000:]}")
        yield site
    finally:
        site.play("teardown")
        shutil.rmtree(root, ignore_errors=True)


def answers(site: Site, server: str) -> bool:
    """Whether a server answers through the load balancer."""
    return status(f"{site.url}/mcp/{server}/health") == 200


def is_idle(site: Site) -> bool:
    """Whether the last run has reported, and no other was started since."""
    log = (site.var / "supervisor" / f"{FLEET}-watcher.log").stat().st_mtime
    return (site.var / "state.json").stat().st_mtime > log


def healed(site: Site, server: str, fault: Callable[[], object]) -> float:
    """The seconds from a fault until the server answers from a container that was started since.

    No client need have seen it away: the load balancer keeps a request for a moment whose target refuses it.
    """
    until(lambda: answers(site, server), f"{server} answers before the fault", LONGEST)
    before = started(site, server)
    begun = time.monotonic()
    fault()
    until(lambda: started(site, server) not in ("", before) and answers(site, server), "it answers again", LONGEST)
    return time.monotonic() - begun


def started(site: Site, server: str) -> str:
    """When the engine has started a server's container; empty where it does not run."""
    try:
        state = site.docker.api.inspect_container(f"{FLEET}-{server}")["State"]
    except docker.errors.NotFound:
        return ""
    return str(state["StartedAt"]) if state["Running"] else ""


def remove(site: Site, server: str) -> None:
    """Removes a server's container."""
    site.docker.containers.get(f"{FLEET}-{server}").remove(force=True)


def killed(site: Site, _number: int) -> float:
    """The seconds from the end of a container's first process until its server answers again."""
    begun = datetime.fromisoformat(started(site, "orders")[:19] + "+00:00").timestamp()
    until(lambda: time.time() > begun + LASTING_SECONDS + 1, "the container has run for a while", LONGEST)
    return healed(site, "orders", lambda: kill(site, "orders"))


def kill(site: Site, server: str) -> None:
    """Kills the first process of a server's container."""
    os.kill(site.docker.containers.get(f"{FLEET}-{server}").attrs["State"]["Pid"], signal.SIGKILL)


def edited(site: Site, number: int) -> float:
    """The seconds from an edit that adds a server until that answers."""
    begun = time.monotonic()
    site.write_config({**SERVERS, f"new{number}": ANOTHER})
    until(lambda: answers(site, f"new{number}"), "the new server answers", LONGEST)
    return time.monotonic() - begun


def stopped(site: Site) -> float:
    """The seconds from a stop by the API until it is answered, when no container of the server runs any more."""
    token = make_token(site, "operate")
    begun = time.monotonic()
    _ask(site, token, "servers/time/stop")
    seconds = time.monotonic() - begun
    if site.docker.containers.list(filters={"label": ["mcp_service=time", f"mcp_fleet={FLEET}"]}):
        raise RuntimeError("a stop is answered, and a container of the server runs")
    _ask(site, token, "servers/time/start")
    return seconds


def _ask(site: Site, token: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    asked = urllib.request.Request(f"{site.url}/monitor/api/v1/{path}?wait=50", b"", headers, method="POST")
    with urllib.request.urlopen(asked, timeout=60) as answer:
        if json.load(answer)["status"] != "done":
            raise RuntimeError(f"{path} is not done within 50 s")


PARTS: dict[str, Callable[[Site, int], float]] = {
    "removed": lambda site, _number: healed(site, "time", lambda: remove(site, "time")),
    "killed": killed,
    "edited": edited,
    "stopped": lambda site, _number: stopped(site),
}


def measure(parts: Sequence[str]) -> dict[str, float]:
    """The figures of these parts. Raises RuntimeError or AssertionError where something cannot be measured."""
    taken: dict[str, list[float]] = {part: [] for part in parts}
    with watched_site() as site:
        for part in parts:
            for number in range(TRIES[part]):
                until(lambda: is_idle(site), "no run is under way", IDLE_SECONDS)
                taken[part].append(PARTS[part](site, number))
    return {
        f"{name}_{word}_seconds": round(of(seconds), 2)
        for name, seconds in taken.items()
        for word, of in (("median", statistics.median), ("worst", max))
    }


def main(parts: Sequence[str]) -> int:
    """Measure these parts, or all, and print; return the exit code."""
    if unknown := set(parts) - set(PARTS):
        print(f"healing: no such part: {', '.join(sorted(unknown))}; choose of {', '.join(PARTS)}", file=sys.stderr)
        return 2
    try:
        figures = measure(parts or list(PARTS))
    except (RuntimeError, AssertionError, OSError, subprocess.SubprocessError, docker.errors.DockerException) as error:
        print(f"healing: could not measure: {error}", file=sys.stderr)
        return 1
    targets: dict[str, list[Any]] = {
        "removed_median_seconds": ["<=", 5],
        "removed_worst_seconds": ["<=", 8],
        "killed_median_seconds": ["<=", 3],
        "edited_median_seconds": ["<=", 5],
        "stopped_median_seconds": ["<=", 4],
    }
    print("until a server answers through the load balancer")
    for name, value in figures.items():
        print(f"  {name:<26} {value:8.2f} s")
    targets = {name: target for name, target in targets.items() if name in figures}
    met = all(figures[name] <= bound for name, (_, bound) in targets.items())
    print(json.dumps({"benchmark": "healing", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
