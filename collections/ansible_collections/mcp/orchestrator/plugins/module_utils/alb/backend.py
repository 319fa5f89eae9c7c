# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Application Load Balancers, AWS's and the local ones that answer as AWS does, as a backend of routing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.draining import still_draining
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError, DesiredRoutesError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import connect
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.apply import MonotonicClock
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.instance import instance_id, private_address
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.listener import find_listener
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.observe import Caller
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.listener_report import listener_report, lost_targets
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule_options import (
    conditions_from_options,
    front_actions_from_options,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.report import hop_result
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.authentication import Jwt, Oidc
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.backend import HopResult
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import Balancer
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.fleet_route import OPEN, FleetRoute
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Hop

# The settings of [routes] that concern every target group alike: those that are desired of a listener under their name.
_SHARED = {each.name for each in fields(DesiredRoutes)} & {each.name for each in fields(Routes)}
HIDDEN = "********"


class AlbBackend:
    """Converges the rules, the target groups and the targets of one listener in one call of ``converge``.

    The client secret is read from the settings and goes into the calls alone: a text in a result that quotes it, as
    AWS's refusals may, has it replaced.
    """

    def __init__(
        self,
        settings: Settings,
        options: Options,
        connect: Callable[[str | None, str | None, str | None], Caller] = connect,
        clock: MonotonicClock | None = None,
    ) -> None:
        self._settings = settings
        self._options = options
        self._connect = connect
        self._clock = clock

    def converge(self, hop: Hop) -> HopResult:
        """Makes the listener's routes those of the hop. Raises nothing but faults of this program."""
        try:
            result = self._converge(hop)
        except AlbError as error:
            result = HopResult(failure=str(error))
        return _without(result, self._settings.oidc.client_secret.reveal())

    def _converge(self, hop: Hop) -> HopResult:
        balancer, control = hop.balancer, hop.balancer.control
        api = self._connect(balancer.region or None, control.endpoint_url, control.credentials_file)
        listener_arn = balancer.listener_arn or find_listener(api, balancer.load_balancer_name, balancer.listener_port)
        desired = desired_routes(hop, self._settings, listener_arn, balancer.target_id or _own_id(balancer))
        result = reconcile(api, desired, self._options, self._clock)
        listener = listener_report(api, desired, result, _turn())
        if not result.actions and not result.errors and lost_targets(desired, listener):
            result = reconcile(api, desired, replace(self._options, is_full=True), self._clock)
            listener = listener_report(api, desired, result, _turn())
        shown = None if self._options.is_check else listener
        return replace(hop_result(desired, result), draining=still_draining(api, desired, result), listener=shown)


def desired_routes(hop: Hop, settings: Settings, listener_arn: str, target_id: str) -> DesiredRoutes:
    """Returns what a hop wants of a listener.

    Raises DesiredRoutesError for a route whose provider the settings do not name.
    """
    return DesiredRoutes(
        owner=Owner(settings.service.fleet, listener_arn, target_id),
        routes=tuple(_route(route, settings) for route in hop.routes),
        protected=hop.protected,
        on_other_hosts=hop.on_other_hosts,
        leaving=hop.leaving,
        target_type=hop.balancer.target_type,
        vpc_id=hop.balancer.vpc_id,
        extra_tags=settings.tags,
        **{
            **{name: getattr(settings.routes, name) for name in _SHARED},
            "session_drain": settings.routes.session_drain if hop.balancer.keeps_sessions else 0,
            "priority_start": hop.balancer.priority_start,
            "priority_end": hop.balancer.priority_end,
        },
    )


def _route(route: FleetRoute, settings: Settings) -> Route:
    return Route(
        name=route.name,
        path=route.path,
        ports=tuple(sorted(set(route.ports))),
        strip_prefix=route.strip_prefix,
        host_header=route.host_header or "",
        health_path=route.health_path,
        health_matcher=route.health_matcher,
        protocol=route.protocol.upper(),
        priority=route.priority,
        extra_conditions=conditions_from_options(route.conditions),
        front_actions=[] if route.auth == OPEN else front_actions_from_options(_provider(route, settings)),
        client_secret=settings.oidc.client_secret.reveal() if route.auth == "oidc" else "",
        keeps_sessions=route.keeps_sessions,
        superseded=tuple(sorted(set(route.superseded) - set(route.ports))),
        only=route.only,
        shares=route.shares,
        gives_way=route.gives_way,
        needs_https=route.needs_https,
        elsewhere=route.elsewhere,
    )


def _provider(route: FleetRoute, settings: Settings) -> dict[str, Any]:
    provider = settings.oidc if route.auth == "oidc" else settings.jwt
    if not provider.issuer:
        problem = (
            f"route '{route.name}': auth is {route.auth}, but settings.conf has no [{route.auth}]; add that section"
        )
        raise DesiredRoutesError([problem])
    if isinstance(provider, Jwt):
        return {"jwt_validation": _jwt(provider, route.address or route.path)}
    return {"authenticate_oidc": _oidc(provider)}


def _oidc(provider: Oidc) -> dict[str, Any]:
    """The provider without the client's secret, which is put into the call that needs it."""
    return {each.name: getattr(provider, each.name) for each in fields(provider) if each.name != "client_secret"}


def _jwt(provider: Jwt, path: str) -> dict[str, Any]:
    audience = provider.audience.replace("{path}", path)
    claim = {"claim_name": "aud", "claim_format": "single-string", "claim_values": [audience]}
    return {
        "issuer": provider.issuer,
        "jwks_endpoint": provider.jwks_endpoint,
        "additional_claims": [claim] if provider.audience else [],
    }


def _turn() -> int:
    return int(time.time() // 60)


def _own_id(balancer: Balancer) -> str:
    return private_address() if balancer.target_type == "ip" else instance_id()


def _without(result: HopResult, secret: str) -> HopResult:
    if not secret:
        return result

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(secret, HIDDEN)
        if isinstance(value, Mapping):
            return {key: clean(inner) for key, inner in value.items()}
        return [clean(inner) for inner in value] if isinstance(value, (list, tuple)) else value

    return replace(result, **{each.name: clean(getattr(result, each.name)) for each in fields(result)})
