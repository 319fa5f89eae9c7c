# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which load balancers there are, in which order, and what each routes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.aws import Aws
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.dashboard import Dashboard
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.service import Service
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import (
    LOCAL_INSTANCE_ID,
    LOCAL_LISTENER_ARN,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.fleet_route import FleetRoute
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import hops_away, hops_to
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.routing.fleet import (
    HEADER,
    INSTALLATION,
    LOCAL_ALB,
    ROUTER,
    endpoint,
    settings,
)

SHARED = Aws(alb_name="shared", listener_port=443, instance_id="i-0123456789abcdef0", region="eu-west-1")
NODE_ROUTER = Routes(topology="node-router", auth="oidc", host_header=("mcp.example.com",))
FLEET = [endpoint("time"), endpoint("web", conditions=(HEADER,), auth="oidc")]


def test_direct_is_one_hop_that_knows_every_server_and_the_monitor() -> None:
    (hop,) = hops_to(settings(), FLEET, INSTALLATION, protected=["wrong"])
    assert [route.name for route in hop.routes] == ["time", "web", "_monitor"]
    assert hop.protected == {"wrong"}
    assert hop.balancer.control == LOCAL_ALB


def test_hosts_share_a_balancer_of_aws_and_an_embedded_one_leads_to_its_own_host_only() -> None:
    (local,) = hops_to(settings(), FLEET, INSTALLATION, on_other_hosts=["far"])
    (aws,) = hops_to(settings(aws=SHARED), FLEET, INSTALLATION, on_other_hosts=["far"])
    assert (local.on_other_hosts, aws.on_other_hosts) == (frozenset(), {"far"})


def test_pods_are_behind_a_balancer_of_aws_whose_targets_others_bring_or_behind_no_balancer_of_ours() -> None:
    on_cluster = Service(runtime="kubernetes")
    pods = [endpoint("time", port=None, ports=(), workload={"kind": "Deployment"})]
    (local,) = hops_to(replace(settings(), service=on_cluster), pods, INSTALLATION)
    (aws,) = hops_to(replace(settings(aws=SHARED), service=on_cluster), pods, INSTALLATION)
    assert [route.name for route in local.routes] == ["_monitor"]
    assert next((route.name, route.ports, route.elsewhere) for route in aws.routes) == ("time", (), True)


@pytest.mark.parametrize("aws", [Aws(), SHARED])
def test_node_router_is_two_hops_and_the_router_leads_to_the_servers_first(aws: Aws) -> None:
    behind, front = hops_to(settings(NODE_ROUTER, aws), FLEET, INSTALLATION, protected=["wrong"])

    assert behind.balancer.control == ROUTER
    assert [route.name for route in behind.routes] == ["time", "web"]
    assert [route.name for route in front.routes] == ["_router", "_monitor"]
    assert (behind.protected, front.protected) == ({"wrong"}, {"wrong"})


def test_who_comes_is_judged_in_front_and_what_a_server_alone_asks_by_the_router() -> None:
    behind, front = hops_to(settings(NODE_ROUTER), FLEET, INSTALLATION)

    assert [(route.auth, route.conditions) for route in behind.routes] == [("none", ()), ("none", (HEADER,))]
    router = front.routes[0]
    assert (router.auth, [condition["field"] for condition in router.conditions]) == ("oidc", ["host-header"])


def test_the_places_of_the_router_s_rules_are_its_own() -> None:
    routes = Routes(topology="node-router", priority_start=200, priority_end=299)
    behind, front = hops_to(settings(routes), FLEET, INSTALLATION)
    assert (behind.balancer.priority_start, behind.balancer.priority_end) == (1, 50000)
    assert (front.balancer.priority_start, front.balancer.priority_end) == (200, 299)


def test_an_empty_fleet_still_has_its_monitor() -> None:
    (hop,) = hops_to(settings(), [], INSTALLATION)
    assert [route.name for route in hop.routes] == ["_monitor"]


@pytest.mark.parametrize("routes", [Routes(), NODE_ROUTER])
def test_a_host_that_takes_its_fleet_down_leaves_the_balancer_in_front_without_a_route(routes: Routes) -> None:
    (hop,) = hops_away(settings(routes, SHARED), INSTALLATION)
    assert (hop.routes, hop.balancer.load_balancer_name) == ((), "shared")


@pytest.mark.parametrize(
    ("aws", "listener_arn", "name", "port", "region", "target"),
    [
        (SHARED, "", "shared", 443, "eu-west-1", ("instance", "i-0123456789abcdef0")),
        (
            Aws(alb_arn="arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/of-arn/50dc6c495c0c9188"),
            *("", "of-arn", None, "eu-west-1", ("instance", "")),
        ),
        (
            Aws(
                listener_arn="arn:aws:elasticloadbalancing:eu-west-3:1:listener/app/x/5/6",
                target_type="ip",
                target_address="10.0.1.7",
            ),
            *("arn:aws:elasticloadbalancing:eu-west-3:1:listener/app/x/5/6", "", None, "eu-west-3", ("ip", "10.0.1.7")),
        ),
    ],
)
def test_a_balancer_of_aws_is_found_as_the_settings_name_it(
    aws: Aws, listener_arn: str, name: str, port: int | None, region: str, target: tuple[str, str]
) -> None:
    balancer = hops_to(settings(aws=aws), [], INSTALLATION)[0].balancer
    assert (balancer.listener_arn, balancer.load_balancer_name, balancer.listener_port) == (listener_arn, name, port)
    assert (balancer.region, (balancer.target_type, balancer.target_id)) == (region, target)
    assert balancer.control.endpoint_url is None


@pytest.mark.parametrize(
    ("publish_address", "target"),
    [
        ("", ("instance", LOCAL_INSTANCE_ID)),
        ("0.0.0.0", ("instance", LOCAL_INSTANCE_ID)),
        ("127.0.0.2", ("ip", "127.0.0.2")),
    ],
)
def test_the_embedded_balancer_is_told_the_address_where_ports_are_elsewhere_than_on_loopback(
    publish_address: str, target: tuple[str, str]
) -> None:
    balancer = hops_to(settings(publish_address=publish_address), [], INSTALLATION)[0].balancer
    assert (balancer.target_type, balancer.target_id) == target
    assert balancer.listener_arn == LOCAL_LISTENER_ARN


def test_the_embedded_balancer_and_the_router_keep_sessions_and_one_of_aws_does_not() -> None:
    routers = settings(Routes(topology="node-router"), aws=Aws(alb_name="mine"))
    assert [hop.balancer.keeps_sessions for hop in hops_to(settings(), [], INSTALLATION)] == [True]
    assert [hop.balancer.keeps_sessions for hop in hops_to(routers, [], INSTALLATION)] == [True, False]


def test_a_public_registry_is_let_past_a_login_for_the_monitor() -> None:
    def routes(registry: str, auth: str) -> list[FleetRoute]:
        wanted = replace(settings(), dashboard=Dashboard(registry=registry, auth=auth, path="/m"))
        return [route for route in hops_to(wanted, FLEET, INSTALLATION)[-1].routes if route.name == "_registry"]

    (route,) = routes("public", "oidc")
    assert (route.path, route.auth, route.shares, route.ports) == ("/m/v0.1", "none", "_monitor", ())
    assert [*routes("public", "none"), *routes("login", "oidc")] == []
