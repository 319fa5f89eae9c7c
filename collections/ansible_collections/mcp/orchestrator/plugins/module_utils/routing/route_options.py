# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes that somebody gives as a module's options, where no fleet's endpoints say them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.fleet_route import FleetRoute, shared_conditions

_AS_GIVEN = ("name", "path", "strip_prefix", "host_header", "health_path", "health_matcher", "protocol", "priority")


def routes_from_options(options: Iterable[Mapping[str, Any]], routes: Routes) -> tuple[FleetRoute, ...]:
    """Returns the routes of mcp_alb_route's option ``routes``, with what the settings ask of all."""
    return tuple(_route(option, routes) for option in options)


def _route(option: Mapping[str, Any], routes: Routes) -> FleetRoute:
    ports = option["ports"] or ([] if option["port"] is None else [option["port"]])
    return FleetRoute(
        ports=tuple(ports),
        conditions=(*shared_conditions(routes), *option["conditions"]),
        auth=option["auth"] or routes.auth,
        **{key: option[key] for key in _AS_GIVEN},
    )
