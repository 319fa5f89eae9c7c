# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes that somebody gives who has only a load balancer."""

from __future__ import annotations

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.fleet_route import FleetRoute
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.route_options import routes_from_options

HOST = {"field": "host-header", "values": ["mcp.example.com"]}
SOURCE = {"field": "source-ip", "values": ["10.0.0.0/8"], "header_name": None}


def option(name: str, **said: Any) -> dict[str, Any]:
    usual = {"path": f"/mcp/{name}", "ports": [], "port": 1, "strip_prefix": False, "priority": None, "auth": None}
    health = {"health_path": "/", "health_matcher": "200", "protocol": "http", "host_header": None}
    return {"name": name, **usual, **health, "conditions": [], **said}


def test_what_every_request_has_to_meet_is_added_to_what_a_route_asks() -> None:
    shared = Routes(host_header=("mcp.example.com",))
    time, web = routes_from_options([option("time", conditions=[SOURCE]), option("web")], shared)
    assert (time.conditions, web.conditions) == ((HOST, SOURCE), (HOST,))


def test_a_route_asks_for_what_all_ask_unless_it_says_otherwise() -> None:
    found = routes_from_options([option("time"), option("open", auth="none")], Routes(auth="jwt"))
    assert [route.auth for route in found] == ["jwt", "none"]


def test_ports_are_in_the_place_of_the_port_and_none_leaves_the_route_without_a_target() -> None:
    found = routes_from_options([option("a"), option("b", ports=[2, 3]), option("c", port=None)], Routes())
    assert [route.ports for route in found] == [(1,), (2, 3), ()]


def test_everything_else_is_taken_as_it_is_given() -> None:
    health = {"health_path": "/h", "health_matcher": "200-499", "protocol": "https"}
    said = {"strip_prefix": True, "host_header": "localhost:8931", "priority": 7, **health}
    (route,) = routes_from_options([option("web", **said)], Routes())
    assert route == FleetRoute("web", "/mcp/web", (1,), True, "/h", "200-499", "https", 7, host_header="localhost:8931")
