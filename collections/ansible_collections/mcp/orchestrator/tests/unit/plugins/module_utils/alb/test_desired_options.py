# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for all routes, and what a route says for itself."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.desired_options import SHARED, desired_from_options
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import DesiredRoutesError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import Route

JWT = {"issuer": "https://id.example", "jwks_endpoint": "https://id.example/jwks", "additional_claims": None}
HOST = {"field": "host-header", "values": ["mcp.example.com"], "header_name": None}
SOURCE = {"field": "source-ip", "values": ["10.0.0.0/8"], "header_name": None}


def entry(name: str, **said: Any) -> dict[str, Any]:
    usual = {"path": f"/mcp/{name}", "ports": [], "port": 1, "strip_prefix": False, "priority": None, "auth": None}
    return {"name": name, **usual, "health_path": "/", "health_matcher": "200", "conditions": [], **said}


def routes(*entries: dict[str, Any], **shared: Any) -> dict[str, Route]:
    usual = {"fleet": "mcp", "listener_arn": "arn", "target_id": "i-1", "vpc_id": None, "tags": {}}
    options = {**dict.fromkeys(SHARED, 10), **usual, "routes": list(entries), **shared}
    return {route.name: route for route in desired_from_options(options).routes}


def front(route: Route) -> list[str]:
    return [action["Type"] for action in route.front_actions]


def test_what_every_request_has_to_meet_is_added_to_what_a_route_asks():
    found = routes(entry("time", conditions=[SOURCE]), entry("web"), conditions=[HOST])

    assert [condition["Field"] for condition in found["time"].extra_conditions] == ["host-header", "source-ip"]
    assert [condition["Field"] for condition in found["web"].extra_conditions] == ["host-header"]


def test_a_route_asks_for_what_all_ask_unless_it_says_otherwise():
    found = routes(entry("time"), entry("open", auth="none"), auth="jwt", jwt_validation=JWT)

    assert front(found["time"]) == ["jwt-validation"]
    assert front(found["open"]) == []


def test_a_provider_that_no_route_asks_changes_nothing():
    assert front(routes(entry("time"), jwt_validation=JWT)["time"]) == []


def test_a_login_without_a_provider_is_refused_with_the_route():
    with pytest.raises(DesiredRoutesError, match="route 'time': auth is oidc, but authenticate_oidc says nothing"):
        routes(entry("time", auth="oidc"))


def test_targets_speak_http_unless_the_route_says_otherwise():
    found = routes(entry("time"), entry("_router", protocol="https"))

    assert (found["time"].protocol, found["_router"].protocol) == ("HTTP", "HTTPS")
