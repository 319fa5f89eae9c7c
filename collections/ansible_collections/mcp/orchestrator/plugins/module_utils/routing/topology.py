# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hops of a request on its way to a server: which load balancers there are, in which order, and what each routes.

``direct`` is one hop: the balancer that clients call knows every server. ``node-router`` is two: the balancer in front
knows one router on each host, and the router knows the servers of its host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import (
    Balancer,
    ControlPlane,
    aws_balancer,
    local_balancer,
    node_router,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.exposure import LOCAL, balancer_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.fleet_route import (
    OPEN,
    FleetRoute,
    monitor_route,
    registry_routes,
    router_route,
    server_routes,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.login import left_to_others, with_login

_SETTLED = ("running", "stopped")


@dataclass(frozen=True)
class Installation:
    """What is where on this host, as the inventory says and no setting does: ports, and the API of each local ALB."""

    monitor_port: int
    local_alb: ControlPlane
    router: ControlPlane
    router_port: int
    router_health_path: str


@dataclass(frozen=True)
class Hop:
    """One balancer, and all that the fleet wants of it.

    ``on_other_hosts`` names the servers that other hosts of the fleet run behind the same balancer; ``protected`` those
    whose routes stay as they are, because what is desired of them is not known. ``leaving`` has those that leave a
    cluster for hosts, with the addresses of the pods that they have there.
    """

    balancer: Balancer
    routes: tuple[FleetRoute, ...] = ()
    on_other_hosts: frozenset[str] = frozenset()
    protected: frozenset[str] = frozenset()
    leaving: Mapping[str, frozenset[str]] = field(default_factory=dict)


def front_balancer(settings: Settings, installation: Installation) -> Balancer:
    """Returns the balancer that clients call."""
    if balancer_of(settings) == LOCAL:
        return local_balancer(settings, installation.local_alb)
    return aws_balancer(settings)


def hops_to(
    settings: Settings,
    endpoints: Sequence[Endpoint],
    installation: Installation,
    on_other_hosts: Iterable[str] = (),
    protected: Iterable[str] = (),
    leaving: Mapping[str, Iterable[str]] | None = None,
) -> tuple[Hop, ...]:
    """Returns the hops in the order in which they have to converge, the one next to the servers first.

    A balancer must not lead to a router before the router leads to the servers. The last hop is the one that clients
    call, and the monitor is always behind that alone.
    """
    stays = frozenset(protected)
    pods = {name: frozenset(addresses) for name, addresses in (leaving or {}).items()}
    front = front_balancer(settings, installation)
    monitor = (*registry_routes(settings), monitor_route(settings, installation.monitor_port))
    if settings.routes.topology == "node-router":
        router = router_route(settings.routes, installation.router_port, installation.router_health_path)
        behind = Hop(node_router(installation.router), _behind_router(endpoints), protected=stays)
        return behind, Hop(front, (*with_login([router], settings), *monitor), protected=stays, leaving=pods)
    is_local = balancer_of(settings) == LOCAL
    # Hosts share a balancer of AWS; an embedded one leads to its own host only.
    shared = frozenset() if is_local else frozenset(on_other_hosts) - {each.name for each in endpoints}
    if is_local:
        # The way to pods is an Ingress where there is no balancer of AWS. What led to a server here goes when they do.
        stays |= {each.name for each in endpoints if _is_in_cluster(each) and each.state not in _SETTLED}
        endpoints = [each for each in endpoints if not _is_in_cluster(each)]
    servers = server_routes(endpoints, settings.routes)
    stays |= left_to_others(servers, settings, shared | stays)
    return (Hop(front, (*with_login(servers, settings), *monitor), shared, stays, pods),)


def _is_in_cluster(endpoint: Endpoint) -> bool:
    """Whether pods alone serve a server."""
    return endpoint.workload is not None and not endpoint.ports


def hops_away(settings: Settings, installation: Installation) -> tuple[Hop, ...]:
    """Returns the hop that is left without a route when this host takes its fleet down.

    A router goes with its own state, so that only the balancer in front has something to forget.
    """
    return (Hop(front_balancer(settings, installation)),)


def _behind_router(endpoints: Iterable[Endpoint]) -> tuple[FleetRoute, ...]:
    """Who comes, and from where, is the balancer's in front to judge; what a server alone asks for is the router's."""
    return tuple(replace(route, auth=OPEN) for route in server_routes(endpoints, Routes()))
