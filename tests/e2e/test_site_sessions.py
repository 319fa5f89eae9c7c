"""A server whose clients hold sessions while its entry changes: they finish in the old container, which then goes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.sessions_parts.callers import Call, calling
from tests.e2e.support.sample import SAMPLE
from tests.e2e.support.sessions import clients
from tests.e2e.support.site import FLEET, Site
from tests.e2e.support.waiting import until
from tests.e2e.test_bridge_balanced import Balanced
from tests.unit.bridge.client import Client

NOW = ("get_current_time", {"timezone": "Europe/Berlin"})
HELD = 3


@pytest.fixture
def site_with_sample(site: Site) -> Iterator[Site]:
    yield site
    site.write_config(SAMPLE)
    run = site.reconcile()
    assert run.code == 0, run.output


def containers_of(site: Site, server: str) -> list[str]:
    """The ids of the server's containers."""
    ours = {"label": [f"mcp_fleet={FLEET}", f"mcp_service={server}"]}
    return sorted(found["Id"] for found in site.docker.api.containers(filters=ours))


def test_sessions_finish_in_the_container_that_is_replaced_and_a_later_run_takes_it_away(
    site_with_sample: Site,
) -> None:
    site = site_with_sample
    with clients(f"{site.url}/mcp/time/mcp", NOW, HELD) as asking:
        (old,) = containers_of(site, "time")
        site.write_config({**SAMPLE, "time": {**SAMPLE["time"], "env": {"TZ": "Asia/Tokyo"}}})

        run = site.reconcile()

        assert run.code == 0, run.output
        asking.go_on()
        assert asking.faults == {}
        assert old in containers_of(site, "time")
        assert len(containers_of(site, "time")) == 2
        draining = site.servers()["time"]["draining"]
        # The client that comes and goes may have opened one in the old container just before that took no more.
        assert draining["containers"] == 1
        assert draining["sessions"] in (HELD, HELD + 1)
        again = site.reconcile()
        assert (again.code, again.changed) == (0, 0), again.output
        server = site.servers()["time"]
        assert server["draining"] == {"containers": 1, "sessions": HELD}
        assert server["text"]["condition"] == f"answers, draining: {HELD} sessions"
        asking.go_on()
        assert asking.faults == {}
        assert old in containers_of(site, "time")

    last = site.reconcile()
    assert last.code == 0, last.output
    assert asking.faults == {}
    assert len(containers_of(site, "time")) == 1
    assert old not in containers_of(site, "time")
    assert f"{FLEET}-time" in site.containers()
    assert site.servers()["time"]["draining"] is None


def test_sessions_of_a_pooled_server_go_on_in_its_next_container_and_after_a_restart(site_with_sample: Site) -> None:
    site = site_with_sample
    pooled = {**SAMPLE["time"], "orchestrator": {"isolation": "pooled"}}
    site.write_config({**SAMPLE, "time": pooled})
    assert site.reconcile().code == 0
    (old,) = containers_of(site, "time")
    held = Client(Balanced(int(site.url.rsplit(":", 1)[1]), "/mcp/time"))
    held.open()
    with clients(f"{site.url}/mcp/time/mcp", NOW, HELD) as asking:
        site.write_config({**SAMPLE, "time": {**pooled, "env": {"TZ": "Asia/Tokyo"}}})
        run = site.reconcile("-vvvv", "--diff")
        assert run.code == 0, run.output
        asking.go_on()
    assert asking.faults == {}
    (new,) = containers_of(site, "time")
    assert new != old
    container = site.docker.containers.get(new)
    container.restart()
    until(lambda: held.bridge.request("GET", "/mcp/time/health").status == 200, "the restarted container answers", 60)
    assert "datetime" in held.call(NOW[0], **NOW[1])

    # The key is on its way to the container only, and another one replaces nothing.
    file = site.etc / "session.key"
    key = file.read_text().strip()
    (given,) = [each for each in container.attrs["Config"]["Env"] if each.startswith("MCP_BRIDGE_SESSION_KEYS=")]
    file.write_text(f"{'1f' * 32}\n{key}\n")
    again = site.reconcile("-vvvv", "--diff")
    assert (again.code, again.changed) == (0, 0), again.output
    for secret in (key, given.partition("=")[2]):
        assert secret not in run.output + again.output + (site.var / "state.json").read_text()
        assert secret not in str([container.labels, container.attrs["Path"], container.attrs["Args"]])


def test_no_client_notices_that_servers_roll_and_sessions_outlive_a_container_of_two(site_with_sample: Site) -> None:
    site = site_with_sample

    def servers(generation: str) -> dict[str, Any]:
        time, everything = SAMPLE["time"], SAMPLE["everything"]
        args = [*everything["args"][:-1], "-e", "GENERATION", everything["args"][-1]]
        return {
            **SAMPLE,
            "time": {**time, "env": {"TZ": generation}, "orchestrator": {"isolation": "pooled", "replicas": 2}},
            "everything": {**everything, "args": args, "env": {"GENERATION": generation}},
        }

    site.write_config(servers("Asia/Tokyo"))
    assert site.reconcile().code == 0
    calls: list[Call] = [
        (f"{site.url}/mcp/time/mcp", *NOW),
        (f"{site.url}/mcp/everything/mcp", "echo", {"message": "again"}),
    ]
    with calling(dict.fromkeys(("python-2", "typescript-1", "typescript-2"), calls)) as callers:
        callers.phase("roll")
        site.write_config(servers("Asia/Seoul"))
        run = site.reconcile()
        assert run.code == 0, run.output
        callers.go_on()
        callers.phase("kill")
        killed, _ = containers_of(site, "time")
        pid = site.docker.api.inspect_container(killed)["State"]["Pid"]
        with callers.killing():
            os.kill(pid, signal.SIGKILL)
        callers.go_on(20)
    lost = {phase: dict(tally.faults) for phase, tally in callers.tallies.items()}
    assert (lost["start"], lost["roll"]) == ({}, {})
    # Calls may still go to the killed container until the health check has seen it, but no session is lost by it.
    assert not [fault for _, _, fault in lost["kill"] if "session" in fault.lower()]
