"""The nine servers of files/nine.mcp.config.json, brought up for real on this machine: make nine.

From nothing; again, which changes nothing; with one database killed and another removed in between. Each server is
verified by files/nine.verify.d through the load balancer, each dependency is looked for where it must not be seen, and
calls of tools are timed. Prints what it finds; its last line is one JSON object. Exits 1 where anything is wrong.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / part) for part in ("", "files", "collections")]

import anyio  # noqa: E402
from mcp import Client  # noqa: E402

from tests.e2e.support.client import call  # noqa: E402
from tests.e2e.support.waiting import until  # noqa: E402
from tests.nine.here import PAGES  # noqa: E402
from tests.nine.images import build  # noqa: E402
from tests.nine.site import NineSite, nine_site  # noqa: E402

P95_SECONDS = 0.1
WARM, TIMED = 10, 100
WELL = ("ok", "asleep")
# A call of a tool that each client of the server makes most.
CALLS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "filesystem": ("read_text_file", {"path": "/files/README.txt"}),
    "memory": ("search_memory", {"text": "kept"}),
    "fetch": ("fetch", {"url": PAGES}),
    "monitoring": ("query_loki_logs", {"datasourceUid": "loki", "logql": '{job="nine"}'}),
    "github": ("get_issue", {"owner": "nine", "repo": "nine", "issue_number": 1}),
    "postgres": ("execute_sql", {"sql": "SELECT count(*) FROM pg_class"}),
    "n8n": ("n8n_list_workflows", {}),
    "playwright": ("browser_tabs", {"action": "list"}),
    "timescaledb": ("execute_sql", {"sql": "SELECT count(*) FROM measurement"}),
}
# Where dependencies listen, by their names.
PORTS = {
    "db": 5432,
    "pages": 80,
    "github-api": 80,
    "n8n": 5678,
    "netdata": 19999,
    "prometheus": 9090,
    "grafana": 3000,
}


class Story:
    """What was tried, and what of it failed."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.figures: dict[str, Any] = {}

    def step(self, title: str, wrong: Callable[[], str]) -> None:
        """Does one thing, which returns what is wrong or nothing, and says how long it took."""
        begun = time.monotonic()
        try:
            said = wrong()
        except Exception as error:  # the rest is still worth knowing
            said = f"{type(error).__name__}: {error}"
        seconds = time.monotonic() - begun
        print(f"{'FAILED' if said else 'well':<7} {seconds:6.1f} s  {title}", flush=True)
        if said:
            self.failed.append(title)
            print(said, flush=True)


def installed(site: NineSite, *, unchanged: bool = False) -> str:
    """Runs the site playbook; what is wrong."""
    run = site.install()
    conditions = {name: each["condition"] for name, each in site.servers().items()}
    silent = {name: each for name, each in conditions.items() if each not in WELL}
    if run.code or silent or (unchanged and run.changed):
        last = max((site.var / "history").glob("*.json"))
        plan = [[each[key] for key in ("server", "action", "reason")] for each in json.loads(last.read_text())["plan"]]
        return f"{run.output[-4000:]}\nnot well: {silent}\nwhat it did: {plan}"
    return "" if set(conditions) == set(CALLS) else f"there are {sorted(conditions)}"


def verified(site: NineSite) -> str:
    """Verifies all; what is wrong."""
    run = site.verify()
    return run.output if run.code else ""


def confined(site: NineSite) -> str:
    """Whether each container, dependencies too, has what every one of a fleet has; what is wrong."""
    wrong = []
    for name, each in site.of("mcp_service").items():
        host, log = each["HostConfig"], each["HostConfig"]["LogConfig"]
        said = {
            "capabilities": host["CapDrop"] == ["ALL"],
            "no-new-privileges": any("no-new-privileges" in option for option in host["SecurityOpt"]),
            "read-only root": host["ReadonlyRootfs"],
            "memory": host["Memory"] > 0,
            "processes": (host["PidsLimit"] or 0) > 0,
            "log rotation": {"max-size", "max-file"} <= log["Config"].keys(),
            "health check": bool((each["Config"].get("Healthcheck") or {}).get("Test")),
            "not root": each["Config"]["User"] not in ("", "0", "root"),
        }
        wrong += [f"{name}: {what}" for what, kept in said.items() if not kept]
    return "\n".join(wrong)


def apart(site: NineSite) -> str:
    """Whether each server, and each of its dependencies, sees its own dependencies and none of another server's."""
    found = site.of("mcp_service")
    needed = {name: each for name, each in found.items() if "mcp_required_by" in each["Config"]["Labels"]}
    owners = {name: each["Config"]["Labels"].get("mcp_required_by", name) for name, each in found.items()}
    names = {name: [each["Name"].lstrip("/"), name.rpartition(".")[2]] for name, each in needed.items()}
    places = {
        name: [[address, PORTS[name.rpartition(".")[2]]] for address in addresses(needed[name])] for name in needed
    }
    wrong = []
    asked = (list(chain(*names.values())), list(chain(*places.values())))
    with ThreadPoolExecutor() as pool:
        sights = list(pool.map(lambda each: site.sees(each, *asked), found.values()))
    for name, seen in zip(found, sights, strict=True):
        own = [other for other in needed if owners[other] == owners[name]]
        known = {one for other in own for one in names[other]}
        reached = [one for other in own for one in places[other]]
        foreign: list[Any] = [one for one in seen["addresses"] if one not in reached]
        foreign += sorted(set(seen["names"]) - known)
        missing: list[Any] = [one for one in reached if one not in seen["addresses"]]
        missing += [other for other in own if names[other][1] not in seen["names"]]
        if foreign or missing:
            wrong.append(f"{name} sees {foreign} of others, and not {missing} of its own")
    return "\n".join(wrong)


def addresses(container: dict[str, Any]) -> list[str]:
    """The addresses that a container has, one for each of its networks."""
    found = [each["IPAddress"] for each in container["NetworkSettings"]["Networks"].values()]
    return [each for each in found if each]


def timed(site: NineSite) -> dict[str, dict[str, float]]:
    """Milliseconds that a client's calls took through the load balancer, one after the other."""

    async def of(name: str) -> list[float]:
        tool, arguments = CALLS[name]
        taken = []
        async with Client(f"{site.url}/mcp/{name}/mcp") as client:
            for _number in range(WARM + TIMED):
                begun = time.perf_counter()
                result = await client.call_tool(tool, arguments)
                taken.append((time.perf_counter() - begun) * 1000)
                if result.is_error:
                    raise AssertionError(f"{name}: {result.content}")
        return sorted(taken[WARM:])

    found = {}
    for name in CALLS:
        with anyio.from_thread.start_blocking_portal() as portal:
            taken = portal.call(of, name)
        found[name] = {"p50": taken[TIMED // 2], "p95": taken[TIMED * 95 // 100], "max": taken[-1]}
        print(
            "        " + f"{name:<12} p50 {found[name]['p50']:6.1f} ms   p95 {found[name]['p95']:6.1f} ms", flush=True
        )
    return {name: {key: round(value, 1) for key, value in each.items()} for name, each in found.items()}


def fast(site: NineSite, story: Story) -> str:
    """Times the calls; what is wrong."""
    story.figures["milliseconds"] = timed(site)
    slow = {
        name: each["p95"] for name, each in story.figures["milliseconds"].items() if each["p95"] >= P95_SECONDS * 1000
    }
    return f"95 of 100 calls took more than {P95_SECONDS} s: {slow}" if slow else ""


def remembers(site: NineSite) -> str:
    """Puts something into each database, by its server."""
    url = f"{site.url}/mcp"
    call(f"{url}/memory/mcp", "create_entity", {"name": "what is kept", "kind": "test"})
    call(f"{url}/postgres/mcp", "execute_sql", {"sql": "CREATE TABLE kept AS SELECT 'what is kept' AS word"})
    return ""


def has_kept(site: NineSite) -> str:
    """Whether it is still there."""
    url = f"{site.url}/mcp"
    said = [
        call(f"{url}/memory/mcp", "search_memory", {"text": "is kept"}),
        call(f"{url}/postgres/mcp", "execute_sql", {"sql": "SELECT word FROM kept"}),
    ]
    return "" if all("what is kept" in each for each in said) else str(said)


def broken(site: NineSite) -> str:
    """Kills the database of one server, of which the engine knows, and removes that of another; then a run heals."""
    needed = site.of("mcp_required_by")
    os.kill(needed["memory.db"]["State"]["Pid"], signal.SIGKILL)
    site.docker.api.remove_container(needed["postgres.db"]["Id"], force=True)
    run = site.reconcile()
    if run.code:
        return run.output

    def well() -> bool:
        found = site.of("mcp_required_by")
        states = [found[name]["State"]["Health"]["Status"] for name in ("memory.db", "postgres.db") if name in found]
        return states == ["healthy", "healthy"]

    until(well, "both databases are well again", 120)
    return ""


def main() -> int:
    """Does it all; returns the exit code."""
    if build():
        return 1
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(1))  # so that nothing is left then either
    story = Story()
    with nine_site() as site:
        story.step("all nine are up, from nothing", lambda: installed(site))
        story.step("a second run changes nothing", lambda: installed(site, unchanged=True))
        story.step("each is verified through the load balancer", lambda: verified(site))
        story.step("each container is confined, its log rotates, it has a health check", lambda: confined(site))
        story.step("no dependency is visible to another server", lambda: apart(site))
        story.step("each database takes something", lambda: remembers(site))
        story.step("95 of 100 calls of a tool take less than 0.1 s", lambda: fast(site, story))
        story.step("a killed and a removed database are healed by a run", lambda: broken(site))
        story.step("what was in them is there", lambda: has_kept(site))
        story.step("each is verified again", lambda: verified(site))
        story.step("another run changes nothing", lambda: installed(site, unchanged=True))
    print(json.dumps({"failed": story.failed, **story.figures}))
    return 1 if story.failed else 0


if __name__ == "__main__":
    sys.exit(main())
