"""A server that sleeps: everybody who says how servers are agrees on it, and a run does not wake it."""

from __future__ import annotations

import base64
import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.e2e.support.sample import SAMPLE
from tests.e2e.support.site import FLEET, Site
from tests.e2e.support.waiting import until
from tests.e2e.test_bridge_balanced import Balanced
from tests.unit.bridge.client import Client

# The server of the sample, which ends at once when somebody has broken it.
SCRIPT = (
    "import os, sys; os.path.exists('/tmp/broken') and sys.exit(7);"
    " os.execvp('mcp-server-time', ['mcp-server-time', '--local-timezone=Etc/UTC'])"
)
NAMES = ("awake", "sleeper", "broken")


def entry(**orchestrator: Any) -> dict[str, Any]:
    args = ["run", "--rm", "-i", "--entrypoint", "python3", "mcp-sample/time:1", "-c", SCRIPT]
    return {"command": "docker", "args": args, "orchestrator": orchestrator}


@pytest.fixture(scope="module")
def fleet(site: Site) -> Iterator[Site]:
    """Three servers: one that never sleeps, one that does at once, and one that is broken once it has been made."""
    site.write_config({"awake": entry(sleep_after=0), "sleeper": entry(sleep_after=1), "broken": entry(sleep_after=0)})
    run = site.reconcile()
    assert run.code == 0, run.output
    container = site.docker.containers.get(f"{FLEET}-broken")
    assert container.exec_run(["python3", "-c", "open('/tmp/broken', 'w')"]).exit_code == 0
    for pid in children(site, "broken"):
        os.kill(pid, signal.SIGKILL)
    until(lambda: health(site, "broken")[1]["state"] == "failing", "the server is failing")
    until(lambda: health(site, "sleeper")[1]["state"] == "asleep", "the server sleeps")
    until(lambda: target(site, "broken") == "unhealthy", "the balancer has noticed")
    yield site
    site.write_config(SAMPLE)
    run = site.reconcile()
    assert run.code == 0, run.output


def children(site: Site, name: str) -> list[int]:
    """The processes of a server, without its bridge and what starts that."""
    listed = site.docker.containers.get(f"{FLEET}-{name}").top()
    pid, command = listed["Titles"].index("PID"), listed["Titles"].index("CMD")
    return [int(row[pid]) for row in listed["Processes"] if "mcp-server-time" in row[command].split(" -- ")[0]]


def health(site: Site, name: str) -> tuple[int, dict[str, Any]]:
    endpoint = f"http://127.0.0.1:{port(site, name)}/health"
    try:
        with urlopen(endpoint) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def answers(site: Site, name: str) -> bool:
    """Whether a server's bridge does; where none listens the engine's proxy closes the connection."""
    with suppress(OSError):
        return health(site, name)[0] == 200
    return False


def port(site: Site, name: str) -> int:
    (published,) = site.docker.containers.get(f"{FLEET}-{name}").attrs["NetworkSettings"]["Ports"].values()
    return int(published[0]["HostPort"])


def target(site: Site, name: str) -> str:
    """How the server's target is at the load balancer."""
    api = site.elbv2()
    actions = api.describe_rules(RuleArns=[site.rules()[f"/mcp/{name}"]])["Rules"][0]["Actions"]
    described = api.describe_target_health(TargetGroupArn=actions[-1]["TargetGroupArn"])["TargetHealthDescriptions"]
    return str(described[0]["TargetHealth"]["State"])


def healthcheck(site: Site, name: str) -> int:
    """What the engine finds when it looks, which `docker ps` shows after its interval."""
    container = site.docker.containers.get(f"{FLEET}-{name}")
    return int(container.exec_run(container.attrs["Config"]["Healthcheck"]["Test"][1:]).exit_code)


def page(site: Site) -> str:
    login = base64.b64encode(b"admin:" + (site.etc / "monitor.password").read_bytes().strip()).decode()
    with urlopen(Request(f"{site.url}/monitor", headers={"Authorization": f"Basic {login}"})) as answer:
        return str(answer.read().decode())


def test_all_who_say_how_a_server_is_agree(fleet: Site) -> None:
    found = {}
    for name in NAMES:
        status, told = health(fleet, name)
        found[name] = healthcheck(fleet, name), status, told["state"], target(fleet, name)
    assert found == {
        "awake": (0, 200, "ok", "healthy"),
        "sleeper": (0, 200, "asleep", "healthy"),
        "broken": (1, 503, "failing", "unhealthy"),
    }


def test_a_run_says_the_same_and_wakes_nobody(fleet: Site) -> None:
    run = fleet.reconcile()  # it gives the broken one a new container, once the engine has noticed
    slept = health(fleet, "sleeper")[1]["reason"]
    assert slept.startswith("asleep, last answered")
    assert slept in page(fleet), run.output
    awake, sleeper = fleet.servers()["awake"], fleet.servers()["sleeper"]
    assert (awake["condition"], awake["text"]["condition"], awake["health"]["status"]) == ("ok", "answers", "ok")
    assert (sleeper["condition"], sleeper["text"]["condition"]) == ("asleep", slept)
    assert sleeper["health"]["status"] == "asleep"
    assert sleeper["health"]["tools"] == awake["health"]["tools"]
    assert children(fleet, "sleeper") == []


def test_a_call_through_the_balancer_wakes_a_server_also_after_a_restart_in_its_sleep(fleet: Site) -> None:
    container = fleet.docker.containers.get(f"{FLEET}-sleeper")
    for restart in (False, True):
        until(lambda: health(fleet, "sleeper")[1]["state"] == "asleep", "the server sleeps")
        if restart:
            container.restart()
            until(lambda: answers(fleet, "sleeper"), "the bridge listens again")
        client = Client(Balanced(int(fleet.url.rsplit(":", 1)[1]), "/mcp/sleeper"))
        client.open()
        assert "datetime" in client.call("get_current_time", timezone="Etc/UTC")
        client.delete()
