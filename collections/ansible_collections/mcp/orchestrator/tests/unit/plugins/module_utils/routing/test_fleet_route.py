# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which routes a fleet has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.dashboard import Dashboard
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.fleet_route import (
    FleetRoute,
    is_guarded,
    monitor_route,
    router_route,
    server_routes,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.routing.fleet import HEADER, HOST, endpoint

TIME = FleetRoute("time", "/mcp/time", (20417,), health_path="/mcp/time/health", address="/mcp/time/mcp")


def test_a_route_leads_where_the_server_answers() -> None:
    assert server_routes([endpoint("time")], Routes()) == (TIME,)


def test_every_replica_is_a_target() -> None:
    (route,) = server_routes([endpoint("time", ports=(20417, 20418))], Routes())
    assert route.ports == (20417, 20418)


def test_a_server_without_a_container_keeps_its_route_and_has_no_target() -> None:
    assert server_routes([endpoint("time", port=None, ports=())], Routes()) == (replace(TIME, ports=()),)


def test_what_the_entry_asks_of_its_route_is_added_to_what_all_ask() -> None:
    shared = Routes(auth="oidc", host_header=("mcp.example.com",))
    special, usual = server_routes(
        [endpoint("time", priority=7, conditions=(HEADER,), auth="jwt"), endpoint("web")], shared
    )
    assert (special.priority, special.conditions, special.auth) == (7, (HOST, HEADER), "jwt")
    assert (usual.priority, usual.conditions, usual.auth) == (None, (HOST,), "oidc")


def test_the_monitor_is_routed_by_its_path_and_asks_as_the_dashboard_says() -> None:
    settings = Settings(
        dashboard=Dashboard(path="/status", priority=150, auth="oidc"),
        routes=Routes(auth="jwt", source_ip=("10.0.0.0/8",)),
    )
    assert monitor_route(settings, 8482) == FleetRoute(
        name="_monitor",
        path="/status",
        ports=(8482,),
        health_path="/status/health",
        priority=150,
        conditions=({"field": "source-ip", "values": ["10.0.0.0/8"]},),
        auth="oidc",
    )


@pytest.mark.parametrize(("target_tls", "protocol"), [(False, "http"), (True, "https")])
def test_the_router_has_one_route_for_all_servers(target_tls: bool, protocol: str) -> None:
    route = router_route(Routes(target_tls=target_tls, auth="oidc"), 8484, "/router/health")
    assert route == FleetRoute("_router", "/mcp", (8484,), health_path="/router/health", protocol=protocol, auth="oidc")


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        (Routes(auth="jwt"), {}),
        (Routes(host_header=("mcp.example.com",)), {}),
        (Routes(), {"auth": "oidc"}),
        (Routes(), {"conditions": (HEADER,)}),
    ],
)
def test_a_way_that_lets_not_everybody_pass_is_guarded(routes: Routes, said: dict[str, Any]) -> None:
    assert is_guarded(endpoint("time", **said), routes)


@pytest.mark.parametrize(("routes", "auth"), [(Routes(), None), (Routes(), "none"), (Routes(auth="oidc"), "none")])
def test_a_way_that_lets_everybody_pass_is_not_guarded(routes: Routes, auth: str | None) -> None:
    assert not is_guarded(endpoint("time", auth=auth), routes)


def test_a_route_sets_the_host_that_its_server_wants() -> None:
    routes = server_routes([endpoint("a", host_header="localhost:8931"), endpoint("b")], Routes())
    assert [route.host_header for route in routes] == ["localhost:8931", None]


def test_an_endpoint_comes_back_from_what_the_module_returned() -> None:
    whole = endpoint("time", conditions=(HEADER,), auth="jwt", ports=(1, 2), exceptions=("a writable root",))
    assert Endpoint.from_dict(whole.to_dict()) == whole


def test_what_has_sessions_left_drains_for_them_whatever_its_entry_says_now() -> None:
    told = [
        (route.keeps_sessions, route.superseded)
        for route in server_routes(
            [endpoint("a"), endpoint("b", keeps_sessions=True), endpoint("c", superseded=(20001,))], Routes()
        )
    ]
    assert told == [(False, ()), (True, ()), (True, (20001,))]
