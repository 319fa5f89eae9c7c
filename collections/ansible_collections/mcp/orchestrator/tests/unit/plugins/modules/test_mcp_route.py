# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet's routes in one call: through one load balancer, or through a router and the one in front."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.backend import AlbBackend
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.lock import fleet_lock
from ansible_collections.mcp.orchestrator.plugins.modules import mcp_route
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import LISTENER, FakeElbv2
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.routing.fleet import endpoint

HOST = "i-0123456789abcdef0"
FRONT = f"[aws]\nlistener_arn = {LISTENER}\ninstance_id = {HOST}\n[service]\nfleet = route-test\n"
ARGUMENTS: dict[str, Any] = {
    "state": "present",
    "endpoints": [endpoint("time").to_dict(), endpoint("web", port=20981, ports=(20981,)).to_dict()],
    "workloads": [],
    "leaving": {},
    "on_other_hosts": [],
    "protected": [],
    "monitor_port": 8482,
    "local_alb": {"endpoint_url": "http://local", "credentials_file": "/key"},
    "node_router": {
        "endpoint_url": "http://router",
        "credentials_file": "/key",
        "port": 8484,
        "health_path": "/router/health",
    },
    "verify": "full",
    "run_token": None,
}
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def balancers() -> dict[str | None, FakeElbv2]:
    """The load balancers by the address of their API; None is AWS's. Everything answers that has a route to it."""
    made: dict[str | None, FakeElbv2] = {}
    for url in (None, "http://local", "http://router"):
        elbv2 = made[url] = FakeElbv2()
        for port, path in ((20417, "/mcp/time"), (20981, "/mcp/web"), (8482, "/monitor")):
            for host in (HOST, "i-00000000000000001"):
                elbv2.servers[(host, port)] = (f"{path}/health", False, path)
        elbv2.servers[(HOST, 8484)] = ("/router/health", False, "/mcp")
    return made


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, balancers: dict[str | None, FakeElbv2]) -> Run:
    """Runs the module with settings as text, in memory."""
    clock = balancers[None].clock
    monkeypatch.setattr(
        mcp_route, "AlbBackend", partial(AlbBackend, connect=lambda _region, url, _key: balancers[url], clock=clock)
    )
    for elbv2 in balancers.values():
        elbv2.clock = clock
    path = tmp_path / "settings.conf"

    def call(settings: str = FRONT, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
        path.write_text(settings)
        return mcp_route.run({"settings": str(path), **ARGUMENTS, **arguments}, check_mode)

    return call


def names(told: dict[str, Any]) -> list[str]:
    return [route["name"] for route in told["routes"]]


def test_a_fleet_is_routed_and_a_second_run_changes_nothing(run: Run, balancers: dict[str | None, FakeElbv2]) -> None:
    first, second = run(), run()

    assert first["errors"] == []
    assert (first["changed"], second["changed"]) == (True, False)
    assert names(first) == ["time", "web", "_monitor"]
    assert balancers[None].served_by("/mcp/time") == {"/mcp/time"}
    assert balancers["http://local"].calls == balancers["http://router"].calls == []


def test_with_a_router_the_balancer_in_front_knows_it_and_the_monitor(
    run: Run, balancers: dict[str | None, FakeElbv2]
) -> None:
    told = run(f"{FRONT}[routes]\ntopology = node-router\n")

    assert told["errors"] == []
    assert names(told) == ["time", "web", "_router", "_monitor"]
    assert (len(balancers["http://router"].rules), len(balancers[None].rules)) == (2, 2)
    assert {route["mcp_url"].removesuffix(route["path"] + "/mcp") for route in told["routes"][:2]} == {
        told["public_url"]
    }


def test_without_a_balancer_of_aws_the_embedded_one_is_in_front(
    run: Run, balancers: dict[str | None, FakeElbv2]
) -> None:
    told = run("[service]\nfleet = route-test\n")
    assert told["errors"] == []
    assert (len(balancers["http://local"].rules), balancers[None].calls) == (3, [])


def test_absent_takes_every_route_of_the_host_away(run: Run, balancers: dict[str | None, FakeElbv2]) -> None:
    run()
    told = run(state="absent")
    assert (told["changed"], told["routes"], balancers[None].rules) == (True, [], {})


def test_check_mode_tells_and_changes_nothing(run: Run, balancers: dict[str | None, FakeElbv2]) -> None:
    told = run(check_mode=True)
    assert told["changed"] is True
    assert balancers[None].rules == {}


def test_a_run_that_a_newer_one_has_superseded_changes_nothing(
    run: Run, balancers: dict[str | None, FakeElbv2]
) -> None:
    with fleet_lock("route-test") as lock:
        late, newer = lock.issue_token(), lock.issue_token()

    left = run(run_token=late)
    assert (left["superseded_by_newer_run"], balancers[None].calls) == (True, [])

    done = run(run_token=newer)
    assert (done["superseded_by_newer_run"], names(done)) == (False, ["time", "web", "_monitor"])


def test_an_endpoint_that_is_none_is_an_error_that_says_what_to_give(run: Run) -> None:
    with pytest.raises(ModuleError, match=r"endpoints: .*name.*; give what mcp_container returned"):
        run(endpoints=[{"port": 1}])


def test_settings_that_are_wrong_are_an_error_of_the_whole_fleet(run: Run) -> None:
    with pytest.raises(ModuleError, match=r"settings\.conf: \[routes\] health_interval") as raised:
        run("[routes]\nhealth_interval = 1\n")
    assert raised.value.facts["errors"][0]["server"] is None
