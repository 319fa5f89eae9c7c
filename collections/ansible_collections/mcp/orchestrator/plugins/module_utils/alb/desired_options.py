# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the module's options to the desired state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import DesiredRoutesError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule_options import (
    conditions_from_options,
    front_actions_from_options,
)

# Which option says where a route's ``auth`` is asked for.
PROVIDERS = {"oidc": "authenticate_oidc", "jwt": "jwt_validation"}
SHARED = (
    "target_type",
    "health_interval",
    "health_timeout",
    "healthy_threshold",
    "unhealthy_threshold",
    "deregistration_delay",
    "slow_start",
    "stickiness",
    "priority_start",
    "priority_end",
)


def desired_from_options(options: Mapping[str, Any]) -> DesiredRoutes:
    """Read the desired state out of the module's options (see mcp_alb_route). Raises DesiredRoutesError."""
    return DesiredRoutes(
        owner=Owner(options["fleet"], options["listener_arn"], options["target_id"]),
        routes=tuple(_route(entry, options) for entry in options["routes"]),
        protected=frozenset(options.get("keep") or ()),
        on_other_hosts=frozenset(options.get("elsewhere") or ()),
        vpc_id=options["vpc_id"] or "",
        extra_tags={str(key): str(value) for key, value in options["tags"].items()},
        **{name: options[name] for name in SHARED},
    )


def _route(entry: Mapping[str, Any], shared: Mapping[str, Any]) -> Route:
    ports = entry["ports"] or ([entry["port"]] if entry["port"] is not None else [])
    auth = entry.get("auth") or shared.get("auth") or "none"
    provider = shared.get(PROVIDERS[auth]) if auth != "none" else None
    if auth != "none" and not provider:
        raise DesiredRoutesError(
            [f"route '{entry['name']}': auth is {auth}, but {PROVIDERS[auth]} says nothing; give it"]
        )
    return Route(
        name=entry["name"],
        path=entry["path"],
        ports=tuple(sorted(set(ports))),
        strip_prefix=entry["strip_prefix"],
        health_path=entry["health_path"],
        health_matcher=entry["health_matcher"],
        protocol=(entry.get("protocol") or "http").upper(),
        priority=entry["priority"],
        extra_conditions=conditions_from_options(
            [*(shared.get("conditions") or []), *(entry.get("conditions") or [])],
        ),
        front_actions=front_actions_from_options({PROVIDERS[auth]: provider} if provider else {}),
        client_secret=(provider or {}).get("client_secret") or "",
    )
