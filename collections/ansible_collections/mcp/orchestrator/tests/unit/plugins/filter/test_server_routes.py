# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routes that are made of endpoints and specs."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.filter.server_routes import FilterModule, server_routes
from ansible_collections.mcp.orchestrator.plugins.modules.mcp_alb_route import ROUTE_SPEC

ENDPOINT = {
    "name": "time",
    "generation": "5f1c",
    "container": "41af",
    "address": "127.0.0.1",
    "port": 20417,
    "ports": [20417, 20418],
    "path": "/mcp/time",
    "mcp_path": "/mcp",
    "health_path": "/mcp/time/health",
    "health_matcher": "200",
    "strip_prefix": False,
    "priority": None,
    "url": "http://127.0.0.1:20417/mcp/time/mcp",
}
SPEC = {"name": "time", "image": "mcp-sample/time:1", "priority": None, "conditions": [], "auth": None}


def test_a_route_has_what_the_endpoint_says_and_nothing_that_nobody_has_set() -> None:
    assert server_routes([ENDPOINT], [SPEC]) == [
        {
            "name": "time",
            "path": "/mcp/time",
            "port": 20417,
            "ports": [20417, 20418],
            "strip_prefix": False,
            "health_path": "/mcp/time/health",
            "health_matcher": "200",
            "conditions": [],
        }
    ]


def test_what_the_entry_says_of_its_route_alone_is_taken_from_its_spec() -> None:
    conditions = [{"field": "host-header", "values": ["mcp.example.com"]}]
    other = {**SPEC, "name": "github", "priority": 9}
    (route,) = server_routes([ENDPOINT], [other, {**SPEC, "priority": 7, "conditions": conditions, "auth": "jwt"}])
    assert (route["priority"], route["conditions"], route["auth"]) == (7, conditions, "jwt")


def test_every_key_of_a_route_is_an_option_of_mcp_alb_route() -> None:
    (route,) = server_routes([ENDPOINT], [{**SPEC, "priority": 7, "auth": "jwt"}])
    assert set(route) <= set(ROUTE_SPEC)


def test_a_spec_without_an_endpoint_gets_no_route() -> None:
    assert server_routes([], [SPEC]) == []


def test_an_endpoint_without_a_spec_is_a_mistake_of_the_playbook() -> None:
    with pytest.raises(KeyError, match="time"):
        server_routes([ENDPOINT], [])


def test_the_filter_is_known_by_its_name() -> None:
    assert FilterModule().filters() == {"server_routes": server_routes}
