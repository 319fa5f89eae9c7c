# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an entry's ``orchestrator`` key says of the server's route, judged together with the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.extension import KEY, Extension, placement
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, key_path, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.authentication import missing_keys
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import FREE_VALUES
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import host_name, network

_HEADERS = "http_header"
_NO_CHALLENGE = (
    "with [routes] they leave its rule no room for the condition by which clients without a token are told where to log"
    " in; clients find that at /.well-known/oauth-protected-resource alone"
)
_READERS: Mapping[str, Callable[[str], str]] = {"host_header": host_name, "source_ip": network}


def read_conditions(given: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Reads the conditions of an entry whose shape is right, as mcp_alb_route takes them."""
    plain = [
        {"field": name.replace("_", "-"), "values": list(given[name])} for name in sorted(given) if name != _HEADERS
    ]
    headers = [
        {"field": "http-header", "header_name": name, "values": list(values)}
        for name, values in sorted(given.get(_HEADERS, {}).items())
    ]
    return tuple(condition for condition in [*plain, *headers] if condition["values"])


def check_route(extension: Extension, settings: Settings, findings: Findings) -> None:
    """Notes what AWS, or the topology, would not take."""
    path = f"{KEY}.conditions"
    for name, read in _READERS.items():
        for position, text in enumerate(extension.conditions.get(name, [])):
            try:
                read(text)
            except ValueError as error:
                findings.error(f"{key_path(path, name)}[{position}]", f"'{printable(text)}' {error}")
    routes = settings.routes
    shared = len(routes.host_header) + len(routes.source_ip)
    own = sum(len(condition["values"]) for condition in read_conditions(extension.conditions))
    if own and own + shared > FREE_VALUES:
        has = f"has {own} values and [routes] {shared}" if shared else f"has {own} values"
        findings.error(path, f"{has}; a rule takes {FREE_VALUES} beside its path, leave some out")
    if own + shared == FREE_VALUES and (extension.auth or routes.auth) == "jwt":
        findings.explain(path, _NO_CHALLENGE)
    _check_auth(extension, settings, findings)
    if routes.topology == "node-router":
        _check_behind_router(extension, settings, findings)


def _check_auth(extension: Extension, settings: Settings, findings: Findings) -> None:
    if extension.auth in ("oidc", "jwt") and missing_keys(extension.auth, getattr(settings, extension.auth)):
        message = f"'{extension.auth}' needs the section [{extension.auth}] in settings.conf"
        findings.error(f"{KEY}.auth", message)


def _check_behind_router(extension: Extension, settings: Settings, findings: Findings) -> None:
    """There, one rule of the load balancer is for all servers, and the router knows the load balancer for a client."""
    if extension.auth not in (None, settings.routes.auth):
        findings.error(
            f"{KEY}.auth",
            f"'{extension.auth}' cannot differ from [routes] auth ('{settings.routes.auth}') with topology = "
            "node-router; leave it out, or use topology = direct",
        )
    if extension.conditions.get("source_ip"):
        findings.error(
            f"{KEY}.conditions.source_ip",
            "cannot be a server's own with topology = node-router; put it into [routes] source_ip, or use "
            "topology = direct",
        )
    if (placement(extension) or {}).keys() & {"hosts", "labels"}:
        findings.error(
            f"{KEY}.placement",
            "cannot choose among hosts with topology = node-router, where any host is asked for any server; "
            "leave it out, or use topology = direct",
        )
