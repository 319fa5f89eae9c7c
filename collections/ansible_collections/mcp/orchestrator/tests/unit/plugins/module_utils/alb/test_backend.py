# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what routing asks of a balancer to what is desired of a listener."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.backend import AlbBackend, Options, desired_routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import ApiError, DesiredRoutesError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.authentication import Jwt, Oidc
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.service import Service
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import Balancer, ControlPlane
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.fleet_route import FleetRoute
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Hop
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import LISTENER, FakeElbv2
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.scenes import HOST

SECRET = "hush-hush-4711"
URL = "https://id.example"
OIDC = Oidc(URL, f"{URL}/a", f"{URL}/t", f"{URL}/u", "me", Secret(SECRET))
JWT = Jwt(URL, f"{URL}/jwks", "mcp")
PROVIDERS = Settings(oidc=OIDC, jwt=JWT)
HEADER = {"field": "http-header", "header_name": "X-Team", "values": ["billing"]}
BALANCER = Balancer(ControlPlane(), LISTENER, target_id=HOST)


def route(settings: Settings = PROVIDERS, **said: Any) -> Route:
    """What is desired of the one route that is asked for so."""
    asked = FleetRoute("time", "/mcp/time", **{"ports": (20001,), **said})
    (desired,) = desired_routes(Hop(BALANCER, (asked,)), settings, LISTENER, HOST).routes
    return desired


def front(desired: Route) -> list[str]:
    return [action["Type"] for action in desired.front_actions]


def test_what_the_settings_say_of_all_routes_is_desired_of_the_listener() -> None:
    settings = Settings(
        routes=Routes(health_interval=15, deregistration_delay=5, stickiness=60),
        service=Service(fleet="tools"),
        tags={"team": "x"},
    )
    balancer = Balancer(ControlPlane(), LISTENER, vpc_id="vpc-1", target_type="ip", priority_start=7, priority_end=9)
    hop = Hop(balancer, (), frozenset({"far"}), frozenset({"wrong"}))

    desired = desired_routes(hop, settings, LISTENER, "10.0.1.7")

    assert (desired.owner.fleet, desired.owner.target_id, desired.target_type) == ("tools", "10.0.1.7", "ip")
    assert (desired.health_interval, desired.deregistration_delay, desired.stickiness) == (15, 5, 60)
    assert (desired.priority_start, desired.priority_end, desired.vpc_id) == (7, 9, "vpc-1")
    assert (desired.protected, desired.on_other_hosts, desired.extra_tags) == ({"wrong"}, {"far"}, {"team": "x"})


def test_conditions_are_those_of_the_route() -> None:
    (condition,) = route(conditions=(HEADER,)).extra_conditions
    assert condition["HttpHeaderConfig"] == {"Values": ["billing"], "HttpHeaderName": "X-Team"}


def test_a_route_asks_the_provider_that_it_names_and_no_other() -> None:
    assert [front(route(auth=auth)) for auth in ("none", "oidc", "jwt")] == [
        [],
        ["authenticate-oidc"],
        ["jwt-validation"],
    ]


def test_an_audience_is_a_claim_that_tokens_have_to_make() -> None:
    (action,) = route(auth="jwt").front_actions
    claims = action["JwtValidationConfig"]["AdditionalClaims"]
    assert claims == [{"Name": "aud", "Format": "single-string", "Values": ["mcp"]}]
    (action,) = route(Settings(jwt=Jwt(URL, f"{URL}/jwks")), auth="jwt").front_actions
    assert "AdditionalClaims" not in action["JwtValidationConfig"]


def test_an_audience_with_a_path_is_that_of_each_server_alone() -> None:
    each = Settings(jwt=Jwt(URL, f"{URL}/jwks", "https://mcp.example.com{path}"))

    def wanted(**said: Any) -> list[str]:
        (action,) = route(each, auth="jwt", **said).front_actions
        (claim,) = action["JwtValidationConfig"]["AdditionalClaims"]
        return list(claim["Values"])

    assert wanted(address="/mcp/time/sse") == ["https://mcp.example.com/mcp/time/sse"]
    assert wanted() == ["https://mcp.example.com/mcp/time"]


def test_the_client_secret_goes_with_the_routes_that_need_it_alone() -> None:
    assert [route(auth=auth).client_secret for auth in ("none", "oidc", "jwt")] == ["", SECRET, ""]
    assert SECRET not in str(route(auth="oidc").front_actions)


@pytest.mark.parametrize("auth", ["oidc", "jwt"])
def test_a_login_without_a_provider_is_refused_with_the_route_and_the_section(auth: str) -> None:
    with pytest.raises(DesiredRoutesError, match=rf"route 'time': auth is {auth}, but settings.conf has no \[{auth}\]"):
        route(Settings(), auth=auth)


def test_targets_speak_http_unless_the_route_says_otherwise() -> None:
    assert (route().protocol, route(protocol="https").protocol) == ("HTTP", "HTTPS")


def test_a_hop_that_cannot_be_observed_is_a_failure_in_a_sentence_without_the_secret() -> None:
    elbv2 = FakeElbv2()

    def refuse(operation: str, _arguments: Mapping[str, Any]) -> None:
        raise ApiError(operation, "ValidationError", f"Value '{SECRET}' is not acceptable")

    elbv2.before_call = refuse
    backend = AlbBackend(PROVIDERS, Options(), lambda *_: elbv2, elbv2.clock)

    result = backend.converge(Hop(BALANCER, (FleetRoute("time", "/mcp/time", (20001,), auth="oidc"),)))

    assert result.failure == "Value '********' is not acceptable"
    assert SECRET not in str(result)


def test_a_balancer_is_called_where_it_is_and_its_listener_found_by_its_name() -> None:
    elbv2, seen = FakeElbv2(), []

    def connect(*access: str | None) -> FakeElbv2:
        seen.append(access)
        return elbv2

    def unknown(operation: str, _arguments: Mapping[str, Any]) -> None:
        raise ApiError(operation, "LoadBalancerNotFound", "not found")

    elbv2.before_call = unknown
    control = ControlPlane("http://127.0.0.1:8481", "/etc/key")
    named = Balancer(control, load_balancer_name="nobody-s", target_id=HOST)
    result = AlbBackend(Settings(), Options(), connect, elbv2.clock).converge(Hop(named))

    assert seen == [(None, "http://127.0.0.1:8481", "/etc/key")]
    assert result.failure == "there is no load balancer named 'nobody-s' in this region; correct the name"


@pytest.mark.parametrize(("keeps_sessions", "seconds"), [(True, 900), (False, 0)])
def test_sessions_drain_where_the_balancer_leads_them_to_targets_that_leave(keeps_sessions: bool, seconds: int) -> None:
    asked = FleetRoute("time", "/mcp/time", (20001,), keeps_sessions=True, superseded=(20001, 20002))
    balancer = Balancer(ControlPlane(), LISTENER, keeps_sessions=keeps_sessions)

    desired = desired_routes(Hop(balancer, (asked,)), Settings(), LISTENER, HOST)

    assert desired.session_drain == seconds
    assert (desired.routes[0].keeps_sessions, desired.routes[0].superseded) == (True, (20002,))


def test_targets_that_somebody_has_deregistered_come_back_although_the_tags_still_tell_of_them() -> None:
    elbv2 = FakeElbv2()
    elbv2.servers[(HOST, 20001)] = ("/health", False, "time")
    hop = Hop(BALANCER, (FleetRoute("time", "/mcp/time", (20001,), health_path="/health"),))
    backend = AlbBackend(Settings(), Options(), lambda *_: elbv2, elbv2.clock)
    assert backend.converge(hop).failure is None
    (group,) = elbv2.call("describe_target_groups", {})["TargetGroups"]
    target = {"TargetGroupArn": group["TargetGroupArn"], "Targets": [{"Id": HOST, "Port": 20001}]}
    elbv2.call("deregister_targets", target)
    elbv2.clock.sleep(600)

    elbv2.calls.clear()
    told = AlbBackend(Settings(), Options(is_check=True), lambda *_: elbv2, elbv2.clock).converge(hop)
    assert (told.changed, told.listener) == (True, None)
    assert "20001" in str(told.diff)
    assert not [name for name, _arguments in elbv2.calls if not name.startswith("describe")]

    elbv2.calls.clear()
    backend.converge(hop)
    assert [arguments for name, arguments in elbv2.calls if name == "register_targets"] == [target]

    elbv2.calls.clear()
    backend.converge(hop)
    assert not [name for name, _arguments in elbv2.calls if not name.startswith("describe")]
