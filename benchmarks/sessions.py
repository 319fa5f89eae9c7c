"""What clients that hold sessions notice while their servers change: 10 servers, 60 sessions, six clients.

The official SDKs for Python (1.x and 2.x) and TypeScript (1.x and 2.x), FastMCP, and a LiteLLM Proxy for a client of
its own hold one session each with each of 10 servers, half of them pooled and half per_session, and call all the time.
Meanwhile every server is rolled twice, one container of each half and one of a server with two is killed, and in a
second scene one host of two is drained. Counts the failed calls; those that are under way in a container that is killed
apart. Prints a table for people, and as its last line one JSON object. Its site is number 5, or MCP_TEST_SITE.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import docker

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]
os.environ.setdefault("MCP_TEST_SITE", "5")

from benchmarks.sessions_parts.callers import KINDS, Call, Tally, calling  # noqa: E402
from benchmarks.sessions_parts.two_hosts import drained  # noqa: E402
from tests.e2e.support.litellm import running  # noqa: E402
from tests.e2e.support.ports import free_port  # noqa: E402
from tests.e2e.support.sample import SAMPLE  # noqa: E402
from tests.e2e.support.site import FLEET, USERS, Run, Site  # noqa: E402

SERVERS = 10
ROLLS = 2
NOW: tuple[str, dict[str, Any]] = ("get_current_time", {"timezone": "Europe/Berlin"})
# One call a second that lasts, so that a change always meets calls that are under way.
SLOW: tuple[str, dict[str, Any]] = ("trigger-long-running-operation", {"duration": 1, "steps": 2})
TOOLS = {"time": NOW, "everything": SLOW}
# All servers start at once on what may be a small machine, beside 50 clients.
PATIENCE = 300
ISOLATIONS = ("pooled", "per_session")
TWICE = 4  # the pooled server that has two containers
KILLED = {"pooled": 0, "two replicas": TWICE, "per_session": 1}
NAMES = [f"{ISOLATIONS[number % 2].replace('_', '-')}-{number}" for number in range(SERVERS)]


def sample(number: int) -> str:
    """The sample server that server ``number`` runs."""
    return "time" if number % 5 in (1, 2) else "everything"


def isolation(number: int) -> str:
    """The isolation of server ``number``."""
    return ISOLATIONS[number % 2]


def config(generation: int) -> dict[str, Any]:
    """The servers, whose env tells their generation."""
    servers = {}
    for number, name in enumerate(NAMES):
        entry = SAMPLE[sample(number)]
        args = [*entry["args"][:-1], "-e", "GENERATION", entry["args"][-1]]
        env = {**entry.get("env", {}), "GENERATION": str(generation)}
        more = {"isolation": isolation(number), **({"replicas": 2} if number == TWICE else {})}
        servers[name] = {**entry, "args": args, "env": env, "orchestrator": more}
    return servers


@contextmanager
def installed() -> Iterator[Site]:
    """A site with the servers, gone afterwards. Raises RuntimeError when it does not converge."""
    root = Path(tempfile.mkdtemp(prefix="mcp-bench-", dir="/var/tmp"))
    site = Site(root)
    try:
        # Open calls may end in the container that is replaced, for as long as by default; tests have less patience.
        settings = site.etc / "settings.conf"
        settings.write_text(settings.read_text().replace("deregistration_delay = 1", "deregistration_delay = 30"))
        variables = {**USERS, "fleet_health_timeout": PATIENCE}
        (root / "inventory.yml").write_text(json.dumps({"mcp_hosts": {"vars": variables}}))
        site.write_config(config(0))
        told(site.install(), 0)
        yield site
    finally:
        site.play("teardown")
        shutil.rmtree(root, ignore_errors=True)


def told(run: Run, generation: int) -> None:
    """Prints what a run complains of: on a small machine a server may be too slow for a question at the end of a run.

    Raises RuntimeError where a server has no container of ``generation``.
    """
    if run.code == 0:
        return
    print(f"sessions: a run failed: {run.output[-1500:]}", file=sys.stderr)
    api = docker.APIClient(version="auto")
    now = {
        each["Labels"]["mcp_service"]
        for each in api.containers(filters={"label": f"mcp_fleet={FLEET}"})
        if f"GENERATION={generation}" in api.inspect_container(each["Id"])["Config"]["Env"]
    }
    if missing := set(NAMES) - now:
        raise RuntimeError(f"no new container of {sorted(missing)}: {run.output[-3000:]}")


def roll(site: Site, generation: int) -> None:
    """Replaces the container of every server. Raises RuntimeError."""
    site.write_config(config(generation))
    told(site.reconcile(), generation)


def kill(site: Site, server: str) -> None:
    """Kills the first process of the server's oldest container, where its sessions are."""
    ours = {"label": [f"mcp_fleet={FLEET}", f"mcp_service={server}"]}
    oldest = min(site.docker.api.containers(filters=ours), key=lambda each: int(each["Created"]))
    os.kill(site.docker.api.inspect_container(oldest["Id"])["State"]["Pid"], signal.SIGKILL)


@contextmanager
def through_litellm(calls: Sequence[Call], folder: Path) -> Iterator[list[Call]]:
    """The same calls by way of a LiteLLM Proxy, whose names have no hyphens. Raises AssertionError."""
    names, port = [name.replace("-", "_") for name in NAMES], free_port()
    servers = {name: {"url": url, "transport": "http"} for name, (url, *_) in zip(names, calls, strict=True)}
    with running(servers, port, folder):
        yield [
            (f"http://127.0.0.1:{port}/mcp/#{name}", f"{name}-{tool}", arguments)
            for name, (_, tool, arguments) in zip(names, calls, strict=True)
        ]


def measure(site: Site) -> dict[str, Tally]:
    """Phase -> what became of its calls. Raises RuntimeError, AssertionError."""
    calls: list[Call] = [(f"{site.url}/mcp/{name}/mcp", *TOOLS[sample(number)]) for number, name in enumerate(NAMES)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcp-bench-")))
        through = stack.enter_context(through_litellm(calls, folder))
        callers = stack.enter_context(calling({**dict.fromkeys(KINDS, calls), "litellm": through}))
        for generation in range(1, ROLLS + 1):
            callers.phase(f"roll {generation}")
            roll(site, generation)
            callers.go_on(seconds=300)
        for each, number in KILLED.items():
            callers.phase(f"kill {each}")
            with callers.killing():
                kill(site, NAMES[number])
            callers.go_on(10)
    return callers.tallies


def failed(tally: Tally, of: str) -> int:
    """The failed calls at servers of the isolation ``of``."""
    return sum(count for (_, server, _), count in tally.faults.items() if isolation(server) == of)


def report(tallies: dict[str, Tally]) -> dict[str, float]:
    """Prints the table and what the faults were; the figures."""
    print(f"{SERVERS} servers, {SERVERS * (len(KINDS) + 1)} sessions of {', '.join(KINDS)}, litellm")
    print(f"  {'':<18}{'calls':>8}{'longest, s':>12}{'pooled lost':>13}{'per_session lost':>18}{'cut':>6}")
    for phase, tally in tallies.items():
        lost = [failed(tally, each) for each in ISOLATIONS]
        print(f"  {phase:<18}{tally.calls:>8}{tally.longest:>12.2f}{lost[0]:>13}{lost[1]:>18}{tally.cut.total():>6}")
    for phase, tally in tallies.items():
        said: Counter[tuple[str, str, str]] = Counter()
        for (kind, server, fault), count in (tally.faults + tally.cut).items():
            said[kind, NAMES[server], fault[:200]] += count
        for (kind, name, fault), count in sorted(said.items()):
            print(f"  {phase}: {count} x {kind} at {name}: {fault}")
    changes = [tally for phase, tally in tallies.items() if not phase.startswith("kill")]
    return {
        "calls": sum(tally.calls for tally in tallies.values()),
        "pooled_lost_by_changes": sum(failed(tally, "pooled") for tally in changes),
        "per_session_lost_by_changes": sum(failed(tally, "per_session") for tally in changes),
        "two_replicas_lost_by_kill": failed(tallies["kill two replicas"], "pooled"),
        "pooled_lost_by_kill": failed(tallies["kill pooled"], "pooled"),
        "per_session_lost_by_kill": failed(tallies["kill per_session"], "per_session"),
        "cut_by_kills": sum(tally.cut.total() for tally in tallies.values()),
    }


def main() -> int:
    """Measure and print; return the exit code."""
    try:
        with installed() as site:
            tallies = measure(site)
        with tempfile.TemporaryDirectory(prefix="mcp-bench-", dir="/var/tmp") as folder:
            servers = [(name, isolation(number)) for number, name in enumerate(NAMES)]
            tallies["drain of a host"] = drained(Path(folder), servers)
    except (RuntimeError, AssertionError, OSError, subprocess.CalledProcessError) as error:
        print(f"sessions: could not measure: {error}", file=sys.stderr)
        return 1
    figures = report(tallies)
    targets = {name: ["<=", 0] for name in list(figures)[1:4]}
    met = all(figures[name] <= 0 for name in targets)
    print(json.dumps({"benchmark": "sessions", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
