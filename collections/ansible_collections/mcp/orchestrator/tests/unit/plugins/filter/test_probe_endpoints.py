# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses at which servers are asked, with and without a guard before them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.filter.probe_endpoints import FilterModule, probe_endpoints

ROUTE = {"name": "time", "url": "https://alb.example.com/mcp/time"}
ENDPOINT = {"name": "time", "mcp_path": "/mcp", "url": "http://127.0.0.1:20417/mcp/time/mcp"}
SPEC = {"name": "time", "conditions": [], "auth": None}
THROUGH_THE_ROUTE = [{"name": "time", "url": "https://alb.example.com/mcp/time/mcp"}]
AT_ITS_OWN_ADDRESS = [{"name": "time", "url": "http://127.0.0.1:20417/mcp/time/mcp"}]


@pytest.mark.parametrize("auth", [None, "none"])
def test_a_server_is_asked_where_a_client_calls_it(auth: str | None) -> None:
    assert probe_endpoints([ROUTE], [ENDPOINT], [{**SPEC, "auth": auth}]) == THROUGH_THE_ROUTE


@pytest.mark.parametrize(
    "guard",
    [{"auth": "jwt"}, {"auth": "oidc"}, {"conditions": [{"field": "source-ip", "values": ["10.0.0.0/8"]}]}],
)
def test_a_server_whose_route_lets_not_everybody_pass_is_asked_at_its_own_address(guard: dict[str, Any]) -> None:
    assert probe_endpoints([ROUTE], [ENDPOINT], [{**SPEC, **guard}]) == AT_ITS_OWN_ADDRESS


def test_where_the_whole_load_balancer_is_guarded_every_server_is_asked_at_its_own_address() -> None:
    assert probe_endpoints([ROUTE], [ENDPOINT], [SPEC], guarded=True) == AT_ITS_OWN_ADDRESS


def test_a_guarded_server_without_an_address_of_its_own_is_asked_through_its_route() -> None:
    assert probe_endpoints([ROUTE], [{**ENDPOINT, "url": None}], [SPEC], guarded=True) == THROUGH_THE_ROUTE


@pytest.mark.parametrize("route", [{**ROUTE, "name": "_monitor"}, {**ROUTE, "url": None}, {"name": "time"}])
def test_what_is_no_server_or_has_no_address_is_not_asked(route: dict[str, Any]) -> None:
    assert probe_endpoints([route], [ENDPOINT], [SPEC]) == []


def test_the_filter_is_known_by_its_name() -> None:
    assert FilterModule().filters() == {"probe_endpoints": probe_endpoints}
