# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routes of a fleet as plain data, before any load balancer is asked: what leads where on this host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint

MONITOR = "_monitor"
ROUTER = "_router"
REGISTRY = "_registry"
REGISTRY_PATH = "/v0.1"
SERVERS_PATH = "/mcp"
OPEN = "none"


@dataclass(frozen=True)
class FleetRoute:
    """One path with everything below it, and the ports of this host that serve it.

    ``health_path`` and ``health_matcher`` are how a balancer asks whether a target is healthy, ``protocol`` (http
    or https) how it speaks to one. ``host_header`` is what a target gets as Host, None what the client sends.
    ``conditions`` are all that a request has to meet besides the path, each with ``field``, ``values`` and, for
    http-header, ``header_name``. ``auth`` is who has to prove themselves first: none, oidc or jwt. ``priority`` is
    None where any will do. ``keeps_sessions`` is whether containers that are replaced may have sessions to finish,
    and ``superseded`` are their ports. ``only`` are the path patterns where they are not the path and everything below
    it. ``shares`` names the route whose targets it leads to, empty where it has its own; ``gives_way`` is whether rules
    of others for paths inside its own come first, ``needs_https`` whether it makes no sense on a listener without.
    ``address`` is where below the balancer clients speak MCP, empty where that is the path. ``elsewhere`` is whether
    others alone bring its targets, as a cluster does those of its pods.
    """

    name: str
    path: str
    ports: tuple[int, ...] = ()
    strip_prefix: bool = False
    health_path: str = "/"
    health_matcher: str = "200"
    protocol: str = "http"
    priority: int | None = None
    conditions: tuple[Mapping[str, Any], ...] = ()
    auth: str = OPEN
    keeps_sessions: bool = False
    superseded: tuple[int, ...] = ()
    host_header: str | None = None
    only: tuple[str, ...] = ()
    shares: str = ""
    gives_way: bool = False
    needs_https: bool = False
    address: str = ""
    elsewhere: bool = False


def shared_conditions(routes: Routes) -> tuple[Mapping[str, Any], ...]:
    """Returns what the settings ask of every request."""
    asked = {"host-header": routes.host_header, "source-ip": routes.source_ip}
    return tuple({"field": field, "values": list(values)} for field, values in asked.items() if values)


def server_routes(endpoints: Iterable[Endpoint], routes: Routes) -> tuple[FleetRoute, ...]:
    """Returns one route for each endpoint, in their order; one without a port keeps its route without a target."""
    shared = shared_conditions(routes)
    return tuple(
        FleetRoute(
            name=endpoint.name,
            path=endpoint.path,
            address=f"{endpoint.path}{endpoint.mcp_path}",
            ports=endpoint.ports,
            strip_prefix=endpoint.strip_prefix,
            host_header=endpoint.host_header,
            health_path=endpoint.health_path,
            health_matcher=endpoint.health_matcher,
            priority=endpoint.priority,
            conditions=(*shared, *endpoint.conditions),
            auth=endpoint.auth or routes.auth,
            keeps_sessions=endpoint.keeps_sessions or bool(endpoint.superseded),
            superseded=endpoint.superseded,
            elsewhere=endpoint.workload is not None and not endpoint.ports,
        )
        for endpoint in endpoints
    )


def monitor_route(settings: Settings, port: int) -> FleetRoute:
    """Returns the route to the monitor, which listens on ``port``."""
    dashboard = settings.dashboard
    return FleetRoute(
        name=MONITOR,
        path=dashboard.path,
        ports=(port,),
        health_path=f"{dashboard.path}/health",
        priority=dashboard.priority or None,
        conditions=shared_conditions(settings.routes),
        auth=dashboard.auth,
    )


def registry_routes(settings: Settings) -> tuple[FleetRoute, ...]:
    """Returns the route to the monitor's list of servers where everybody may read that, and not the rest."""
    dashboard = settings.dashboard
    if dashboard.registry != "public" or dashboard.auth == OPEN:
        return ()
    return (
        FleetRoute(
            name=REGISTRY,
            path=f"{dashboard.path}{REGISTRY_PATH}",
            conditions=shared_conditions(settings.routes),
            shares=MONITOR,
        ),
    )


def router_route(routes: Routes, port: int, health_path: str) -> FleetRoute:
    """Returns the one route by which a balancer in front leads to this host's router, and by it to all servers."""
    return FleetRoute(
        name=ROUTER,
        path=SERVERS_PATH,
        ports=(port,),
        health_path=health_path,
        protocol="https" if routes.target_tls else "http",
        conditions=shared_conditions(routes),
        auth=routes.auth,
    )


def is_guarded(endpoint: Endpoint, routes: Routes) -> bool:
    """Returns whether the way to a server lets not everybody pass, and so perhaps not this host."""
    return bool(shared_conditions(routes) or endpoint.conditions) or (endpoint.auth or routes.auth) != OPEN
