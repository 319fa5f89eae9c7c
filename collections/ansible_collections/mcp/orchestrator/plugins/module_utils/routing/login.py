# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How clients are told where to log in: the routes beside those of servers with ``auth = jwt``. Pure.

A balancer that validates tokens answers 401 and names no authorization server; MCP clients want the URL of protected
resource metadata in WWW-Authenticate, or look for it below ``/.well-known`` (MCP specification 2026-07-28,
"Authorization Server Discovery"; RFC 9728, sections 3 and 5). So a rule of a server takes requests with a token only;
one rule for all leads those without to the monitor, which answers them, and another leads it the questions for the
metadata. Both share the monitor's target group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import FREE_VALUES
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.fleet_route import (
    MONITOR,
    SERVERS_PATH,
    FleetRoute,
    shared_conditions,
)

CHALLENGE = "_login"
METADATA = "_login_metadata"
NAMES = frozenset({CHALLENGE, METADATA})
METADATA_PATH = "/.well-known/oauth-protected-resource"
# Values of http-header conditions are compared without regard to case (API reference, HttpHeaderConditionConfig).
WITH_TOKEN: Mapping[str, Any] = {"field": "http-header", "header_name": "Authorization", "values": ["Bearer *"]}


def with_login(servers: Sequence[FleetRoute], settings: Settings) -> tuple[FleetRoute, ...]:
    """Returns the routes to servers, or to the router before them, and what tells their clients where to log in.

    A rule that has no room for one more value stays as it is: its clients get the balancer's own 401, and find the
    metadata at its well-known place.
    """
    if not is_told(settings) or not any(route.auth == "jwt" for route in servers):
        return tuple(servers)
    narrowed = tuple(_narrowed(route) for route in servers)
    is_asked = any(WITH_TOKEN in route.conditions for route in narrowed)
    return (*narrowed, *([_challenge(settings)] if is_asked else []), _metadata(settings))


def is_told(settings: Settings) -> bool:
    """Returns whether the settings name an issuer that clients can log in at."""
    return settings.jwt.issuer.startswith("https://")


def left_to_others(servers: Sequence[FleetRoute], settings: Settings, others: Iterable[str]) -> frozenset[str]:
    """Returns the login's routes where they stay as they are: no server here needs them, and one of ``others`` may."""
    is_needed = any(route.auth == "jwt" for route in servers)
    return NAMES if is_told(settings) and not is_needed and any(others) else frozenset()


def _narrowed(route: FleetRoute) -> FleetRoute:
    values = sum(len(condition["values"]) for condition in route.conditions)
    if route.auth != "jwt" or values >= FREE_VALUES:
        return route
    return replace(route, conditions=(*route.conditions, WITH_TOKEN))


def _challenge(settings: Settings) -> FleetRoute:
    return FleetRoute(
        name=CHALLENGE,
        path=SERVERS_PATH,
        conditions=shared_conditions(settings.routes),
        shares=MONITOR,
        gives_way=True,
        needs_https=True,
    )


def _metadata(settings: Settings) -> FleetRoute:
    return FleetRoute(
        name=METADATA,
        path=METADATA_PATH,
        only=(METADATA_PATH, f"{METADATA_PATH}{SERVERS_PATH}/*"),
        conditions=shared_conditions(settings.routes),
        shares=MONITOR,
        gives_way=True,
        needs_https=True,
    )
