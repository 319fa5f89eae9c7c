# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses at which a fleet's servers are asked whether they answer."""

from __future__ import annotations

DOCUMENTATION = r"""
name: probe_endpoints
short_description: Make the addresses at which a fleet's servers are probed
version_added: 0.1.0
author: MCP Orchestrator contributors (@mcp-orchestrator)
description:
  - Of every route to a server, makes the address that a client calls, as M(mcp.orchestrator.mcp_probe_info) takes it.
  - Where a load balancer does not let everybody pass, this host is none of those who may. Such a server is asked at its
    own address on the host.
positional: endpoints, servers
options:
  _input:
    description: The routes, as M(mcp.orchestrator.mcp_alb_route) returns them.
    type: list
    elements: dict
    required: true
  endpoints:
    description: The endpoints, as M(mcp.orchestrator.mcp_container) returns them.
    type: list
    elements: dict
    required: true
  servers:
    description: The servers' specs, as M(mcp.orchestrator.mcp_config_info) returns them.
    type: list
    elements: dict
    required: true
  guarded:
    description: Whether the load balancer holds conditions or wants an authorization for every route.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Ask every server through its route
  mcp.orchestrator.mcp_probe_info:
    endpoints: "{{ routed.routes | mcp.orchestrator.probe_endpoints(converged.endpoints, config.servers) }}"
"""

RETURN = r"""
_value:
  description: One for each server that has a route and an endpoint, with its RV(ignore:name) and RV(ignore:url).
  type: list
  elements: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any


def probe_endpoints(
    routes: Iterable[Mapping[str, Any]],
    endpoints: Iterable[Mapping[str, Any]],
    servers: Iterable[Mapping[str, Any]],
    guarded: bool = False,
) -> list[dict[str, str]]:
    """Name and URL of each server that can be asked, in the order of the routes."""
    reached = {endpoint["name"]: endpoint for endpoint in endpoints}
    alone = {
        server["name"] for server in servers if server.get("conditions") or (server.get("auth") or "none") != "none"
    }
    asked = []
    for route in routes:
        name, url = route["name"], route.get("url")
        if name not in reached or not url:
            continue
        own = reached[name].get("url") if guarded or name in alone else None
        asked.append({"name": name, "url": own or url + reached[name]["mcp_path"]})
    return asked


class FilterModule:
    """What Ansible asks for the filters of this file."""

    def filters(self) -> dict[str, Any]:
        """The filters by their names."""
        return {"probe_endpoints": probe_endpoints}
