# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way through the hops, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.backend import HopResult
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.reconcile import through
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.report import SUPERSEDED, fleet_report
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Hop, hops_to
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.routing.fleet import (
    HEADER,
    INSTALLATION,
    endpoint,
    settings,
)

FRONT = "https://alb.example.com"
TIME, WEB = endpoint("time"), endpoint("web", strip_prefix=True, port=20981, ports=(20981,))
NODE_ROUTER = Routes(topology="node-router")


class Recorder:
    """A backend that finds every balancer as it is told to."""

    def __init__(self, *results: HopResult) -> None:
        self.results = list(results)
        self.seen: list[Hop] = []

    def converge(self, hop: Hop) -> HopResult:
        self.seen.append(hop)
        return self.results[len(self.seen) - 1]


def run(routes: Routes, *results: HopResult, endpoints: Any = (TIME, WEB)) -> dict[str, Any]:
    """The module's result when the hops' results are these."""
    hops = hops_to(settings(routes), endpoints, INSTALLATION)
    return fleet_report(hops, through(hops, Recorder(*results)), endpoints, routes)


def test_every_route_is_told_with_the_addresses_that_clients_call() -> None:
    known = {"time": {"rule_arn": "arn:rule", "target_group_arn": "arn:group", "priority": 1000}}

    told = run(Routes(), HopResult(base_url=FRONT, routes=known))

    assert told["routes"][0] == {
        "name": "time",
        "path": "/mcp/time",
        "rule_arn": "arn:rule",
        "target_group_arn": "arn:group",
        "priority": 1000,
        "url": f"{FRONT}/mcp/time",
        "mcp_url": f"{FRONT}/mcp/time/mcp",
    }
    assert told["routes"][2] == {"name": "_monitor", "path": "/monitor", "url": f"{FRONT}/monitor", "mcp_url": None}
    assert told["public_url"] == FRONT
    assert "failed" not in told


def test_servers_are_asked_where_their_clients_call_them() -> None:
    assert run(Routes(), HopResult(base_url=FRONT))["probes"] == [
        {"name": "time", "url": f"{FRONT}/mcp/time/mcp"},
        {"name": "web", "url": f"{FRONT}/mcp/web/mcp"},
    ]


def test_a_server_whose_way_lets_not_everybody_pass_is_asked_at_its_own_address() -> None:
    guarded = endpoint("time", conditions=(HEADER,))
    told = run(Routes(), HopResult(base_url=FRONT), endpoints=(guarded, WEB))
    assert [each["url"] for each in told["probes"]] == ["http://127.0.0.1:20417/mcp/time/mcp", f"{FRONT}/mcp/web/mcp"]


def test_where_the_whole_balancer_is_guarded_every_server_is_asked_at_its_own_address() -> None:
    told = run(Routes(auth="oidc"), HopResult(base_url=FRONT))
    assert [each["url"] for each in told["probes"]] == [
        "http://127.0.0.1:20417/mcp/time/mcp",
        "http://127.0.0.1:20981/mcp",
    ]


def test_a_guarded_server_without_an_address_of_its_own_is_asked_through_its_route() -> None:
    gone = endpoint("time", port=None, ports=(), auth="jwt")
    told = run(Routes(), HopResult(base_url=FRONT), endpoints=(gone,))
    assert told["probes"] == [{"name": "time", "url": f"{FRONT}/mcp/time/mcp"}]


def test_the_bridges_of_servers_that_speak_stdio_are_asked_too() -> None:
    own = endpoint("time", ports=(20417, 20418), bridged=True)
    told = run(Routes(), HopResult(base_url=FRONT), endpoints=(own, WEB))
    assert [each.get("bridges") for each in told["probes"]] == [
        ["http://127.0.0.1:20417/health", "http://127.0.0.1:20418/health"],
        None,
    ]


def test_behind_a_router_servers_have_the_address_of_the_balancer_in_front() -> None:
    router = {"time": {"rule_arn": "arn:behind"}}

    told = run(NODE_ROUTER, HopResult(base_url="http://127.0.0.1:8484", routes=router), HopResult(base_url=FRONT))

    assert [route["name"] for route in told["routes"]] == ["time", "web", "_router", "_monitor"]
    assert told["routes"][0]["rule_arn"] == "arn:behind"
    assert told["routes"][0]["mcp_url"] == f"{FRONT}/mcp/time/mcp"
    assert [each["url"] for each in told["probes"]] == [f"{FRONT}/mcp/time/mcp", f"{FRONT}/mcp/web/mcp"]


def test_what_both_hops_did_is_told_in_their_order() -> None:
    first = HopResult(
        changed=True,
        actions=[{"server": "time", "action": "create_rule"}],
        diff={"before": "a\n", "after": "b\n"},
        errors=[{"server": "web", "message": "is ill"}],
    )
    second = HopResult(
        base_url=FRONT, actions=[{"server": "_router", "action": "create_rule"}], diff={"before": "c\n", "after": "d\n"}
    )

    told = run(NODE_ROUTER, first, second)

    assert told["changed"] is True
    assert [action["server"] for action in told["actions"]] == ["time", "_router"]
    assert told["diff"] == {"before": "a\nc\n", "after": "b\nd\n"}
    assert (told["failed"], told["msg"]) == (True, "web: is ill")


def test_the_balancer_in_front_keeps_what_it_has_while_the_router_cannot_serve() -> None:
    hops = hops_to(settings(NODE_ROUTER), [TIME], INSTALLATION)
    backend = Recorder(HopResult(failure="the router does not answer"))

    results = through(hops, backend)

    assert backend.seen == [hops[0]]
    told = fleet_report(hops, results, [TIME], NODE_ROUTER)
    assert told["errors"] == [{"server": None, "message": "the router does not answer"}]
    assert (told["failed"], told["msg"]) == (True, "all routes: the router does not answer")
    assert (told["routes"], told["probes"], told["public_url"]) == ([], [], None)


def test_without_the_balancer_in_front_the_router_s_routes_are_told_without_an_address() -> None:
    told = run(NODE_ROUTER, HopResult(base_url="http://127.0.0.1:8484"), HopResult(failure="no answer"))

    assert [(route["name"], route["url"], route["mcp_url"]) for route in told["routes"]] == [
        ("time", None, None),
        ("web", None, None),
    ]
    assert told["probes"] == []


def test_an_error_of_several_servers_is_said_once() -> None:
    errors = [{"server": name, "message": "no answer"} for name in ("time", "web")]
    assert run(Routes(), HopResult(errors=errors))["msg"] == "time, web: no answer"


@pytest.mark.parametrize("failing", [True, False])
def test_a_run_that_a_newer_one_has_superseded_tells_the_same_keys(failing: bool) -> None:
    told = run(Routes(), HopResult(failure="no answer" if failing else None))
    assert told.keys() - {"failed", "msg", "probes"} == SUPERSEDED.keys()


def test_what_drains_for_its_sessions_behind_any_hop_is_told_by_server() -> None:
    behind, front = HopResult(draining={"web": (20001,), "time": (20003,)}), HopResult(draining={"time": (20002,)})
    assert run(NODE_ROUTER, behind, front)["draining"] == {"time": [20002, 20003], "web": [20001]}


def test_which_rules_of_others_match_a_path_is_told_by_route_and_among_the_notes() -> None:
    told = run(Routes(), HopResult(warnings=["theirs is first", "idle"], shadows={"time": ["theirs is first"]}))
    assert (told["notes"], told["shadows"]) == (["theirs is first", "idle"], {"time": ["theirs is first"]})
