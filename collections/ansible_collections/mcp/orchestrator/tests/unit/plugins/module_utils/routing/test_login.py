# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How clients are told where to log in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.authentication import Jwt
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.aws import Aws
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.fleet_route import FleetRoute
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.login import WITH_TOKEN
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Hop, hops_to
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.routing.fleet import (
    HEADER,
    HOST,
    INSTALLATION,
    endpoint,
    settings,
)

ISSUER = Jwt(issuer="https://id.example", jwks_endpoint="https://id.example/jwks")
SHARED = Aws(alb_name="shared", listener_port=443, instance_id="i-0123456789abcdef0", region="eu-west-1")
ONLY_JWT = [endpoint("time", auth="jwt"), endpoint("web")]


def front(*endpoints: Any, jwt: Jwt = ISSUER, routes: Routes | None = None, aws: Aws | None = None, **more: Any) -> Hop:
    """The balancer that clients call."""
    return hops_to(replace(settings(routes, aws), jwt=jwt), endpoints, INSTALLATION, **more)[-1]


def by_name(hop: Hop) -> dict[str, FleetRoute]:
    return {route.name: route for route in hop.routes}


def test_a_server_behind_tokens_takes_requests_with_one_and_the_monitor_all_others() -> None:
    routes = by_name(front(*ONLY_JWT))

    assert list(routes) == ["time", "web", "_login", "_login_metadata", "_monitor"]
    assert routes["time"].conditions == (WITH_TOKEN,)
    assert routes["web"].conditions == ()
    assert (routes["_login"].path, routes["_login"].auth) == ("/mcp", "none")
    assert routes["_login_metadata"].only == (
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp/*",
    )


def test_both_lead_to_the_monitor_and_give_way_to_the_rules_of_others() -> None:
    routes = by_name(front(*ONLY_JWT))
    for name in ("_login", "_login_metadata"):
        assert (routes[name].shares, routes[name].gives_way, routes[name].ports) == ("_monitor", True, ())


@pytest.mark.parametrize(
    "hop",
    [
        front(endpoint("time"), endpoint("web", auth="oidc")),
        front(endpoint("time", auth="jwt"), jwt=replace(ISSUER, issuer="not a place to log in at")),
        front(),
    ],
)
def test_nobody_is_told_where_no_server_asks_for_tokens_or_the_issuer_is_no_url(hop: Hop) -> None:
    assert not {"_login", "_login_metadata"} & set(by_name(hop))
    assert all(WITH_TOKEN not in route.conditions for route in hop.routes)


def test_no_rule_has_more_than_five_values() -> None:
    shared = Routes(host_header=("mcp.example.com",), source_ip=("10.0.0.0/8",))
    routes = by_name(
        front(endpoint("time", auth="jwt"), endpoint("full", auth="jwt", conditions=(HEADER,)), routes=shared)
    )

    values = {
        name: 2 + sum(len(condition["values"]) for condition in route.conditions) for name, route in routes.items()
    }
    assert values == {"time": 5, "full": 5, "_login": 4, "_login_metadata": 4, "_monitor": 4}
    assert WITH_TOKEN in routes["time"].conditions
    assert WITH_TOKEN not in routes["full"].conditions


def test_where_no_rule_has_room_there_is_the_metadata_alone() -> None:
    full = Routes(auth="jwt", source_ip=("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
    assert list(by_name(front(endpoint("time"), routes=full))) == ["time", "_login_metadata", "_monitor"]


def test_before_a_router_the_one_rule_for_all_servers_asks() -> None:
    routes = by_name(front(endpoint("time"), routes=Routes(topology="node-router", auth="jwt")))

    assert list(routes) == ["_router", "_login", "_login_metadata", "_monitor"]
    assert routes["_router"].conditions == (WITH_TOKEN,)
    behind = hops_to(
        replace(settings(Routes(topology="node-router", auth="jwt")), jwt=ISSUER), [endpoint("time")], INSTALLATION
    )[0]
    assert [route.conditions for route in behind.routes] == [()]


def test_a_host_without_such_a_server_leaves_the_rules_to_the_hosts_that_have_one() -> None:
    there = front(endpoint("web"), aws=SHARED, on_other_hosts=["time"])
    alone = front(endpoint("web"), aws=SHARED)
    elsewhere = front(endpoint("web"), aws=SHARED, jwt=Jwt(), on_other_hosts=["time"])
    assert there.protected == {"_login", "_login_metadata"}
    assert (alone.protected, elsewhere.protected) == (frozenset(), frozenset())


def test_while_an_entry_has_an_error_the_rules_stay() -> None:
    assert front(endpoint("web"), protected=["time"]).protected == {"time", "_login", "_login_metadata"}


def test_a_server_s_address_is_where_its_clients_speak_with_it() -> None:
    assert by_name(front(endpoint("time", auth="jwt", mcp_path="/sse")))["time"].address == "/mcp/time/sse"


def test_what_the_settings_ask_of_every_request_holds_for_the_login_too() -> None:
    routes = by_name(front(endpoint("time", auth="jwt"), routes=Routes(host_header=("mcp.example.com",))))
    assert routes["_login"].conditions == routes["_login_metadata"].conditions == (HOST,)
