# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routes that lead to the endpoints of a fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
name: server_routes
short_description: Make the routes that lead to a fleet's endpoints
version_added: 0.1.0
author: MCP Orchestrator contributors (@mcp-orchestrator)
description:
  - Of every endpoint that M(mcp.orchestrator.mcp_container) returns, takes what M(mcp.orchestrator.mcp_alb_route) asks
    of a route, and adds what the server's spec says of its route alone.
positional: servers
options:
  _input:
    description: The endpoints, as M(mcp.orchestrator.mcp_container) returns them.
    type: list
    elements: dict
    required: true
  servers:
    description: The servers' specs, as M(mcp.orchestrator.mcp_config_info) returns them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Converge the routes
  mcp.orchestrator.mcp_alb_route:
    routes: "{{ converged.endpoints | mcp.orchestrator.server_routes(config.servers) }}"
    fleet: mcp
    listener_port: 443
    load_balancer_name: prod
"""

RETURN = r"""
_value:
  description: One route for each endpoint, in their order, without the options that nobody has set.
  type: list
  elements: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

OF_THE_ENDPOINT = ("name", "path", "port", "ports", "strip_prefix", "health_path", "health_matcher")
OF_THE_SPEC = ("priority", "conditions", "auth")


def server_routes(endpoints: Iterable[Mapping[str, Any]], servers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The routes as options of mcp_alb_route; raises KeyError for an endpoint that has no spec."""
    specs = {server["name"]: server for server in servers}
    routes = []
    for endpoint in endpoints:
        spec = specs[endpoint["name"]]
        route = {key: endpoint.get(key) for key in OF_THE_ENDPOINT} | {key: spec.get(key) for key in OF_THE_SPEC}
        routes.append({key: value for key, value in route.items() if value is not None})
    return routes


class FilterModule:
    """What Ansible asks for the filters of this file."""

    def filters(self) -> dict[str, Any]:
        """The filters by their names."""
        return {"server_routes": server_routes}
