# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What single runs do, as sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import DesiredRoutesError, QuotaError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.report import hop_result
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import (
    LISTENER,
    FakeElbv2,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.scenes import HOST, OTHER_HOST, OWNER, run


def answer(elbv2: FakeElbv2, *names: str) -> list[Route]:
    """Servers that answer, and the routes to them."""
    routes = []
    for name in names:
        port = 20000 + len(elbv2.servers)
        elbv2.servers[(HOST, port)] = (f"/mcp/{name}/health", False, name)
        routes.append(Route(name, f"/mcp/{name}", (port,), health_path=f"/mcp/{name}/health"))
    return routes


def describes(elbv2: FakeElbv2) -> list[str]:
    return [operation for operation, arguments in elbv2.calls]


def test_nothing_to_do_costs_four_calls_with_a_hundred_routes():
    elbv2 = FakeElbv2()
    desired = DesiredRoutes(OWNER, tuple(answer(elbv2, *(f"s{number}" for number in range(100)))))
    run(elbv2, desired)
    elbv2.calls.clear()

    result = run(elbv2, desired)

    assert not result.changed
    assert sorted(describes(elbv2)) == [
        "describe_listeners",
        "describe_rules",
        "describe_tags",
        "describe_target_groups",
    ]


def test_one_moved_container_among_a_hundred_does_not_have_all_targets_looked_at():
    elbv2 = FakeElbv2()
    routes = answer(elbv2, *(f"s{number}" for number in range(100)))
    run(elbv2, DesiredRoutes(OWNER, tuple(routes)))
    elbv2.calls.clear()

    moved = answer(elbv2, "s7")
    result = run(elbv2, DesiredRoutes(OWNER, tuple(moved + [route for route in routes if route.name != "s7"])))

    assert result.errors == {}
    assert elbv2.served_by("/mcp/s7") == {"s7"}
    assert describes(elbv2).count("describe_target_group_attributes") == 1


def test_a_run_that_was_cut_short_makes_the_next_one_look_at_everything():
    elbv2 = FakeElbv2()
    routes = answer(elbv2, "alpha", "beta")
    run(elbv2, DesiredRoutes(OWNER, tuple(routes)))
    for tags in elbv2.tags.values():
        tags.pop(OWNER.last_applied_tag, None)
    elbv2.calls.clear()

    result = run(elbv2, DesiredRoutes(OWNER, tuple(routes)))

    assert not result.changed
    assert describes(elbv2).count("describe_target_health") == 2
    elbv2.calls.clear()
    run(elbv2, DesiredRoutes(OWNER, tuple(routes)))
    assert len(elbv2.calls) == 4


def test_a_foreign_target_group_with_our_name_is_left_alone_and_told():
    elbv2 = FakeElbv2()
    desired = DesiredRoutes(OWNER, tuple(answer(elbv2, "alpha", "beta")))
    elbv2.add_group(desired.group_names["alpha"], tags={"owner": "somebody"})

    result = run(elbv2, desired)

    assert "does not have this fleet's tags" in str(result.errors["alpha"])
    assert elbv2.served_by("/mcp/beta") == {"beta"}
    assert [error["server"] for error in hop_result(desired, result).errors] == ["alpha"]


def test_a_hosts_last_server_stays_routed_while_another_host_serves_it():
    elbv2 = FakeElbv2()
    routes = answer(elbv2, "alpha")
    there = Owner(OWNER.fleet, LISTENER, OTHER_HOST)
    elbv2.servers[(OTHER_HOST, 30000)] = ("/mcp/alpha/health", False, "alpha")
    run(elbv2, DesiredRoutes(OWNER, tuple(routes)))
    run(elbv2, DesiredRoutes(there, (Route("alpha", "/mcp/alpha", (30000,), health_path="/mcp/alpha/health"),)))

    result = run(elbv2, DesiredRoutes(OWNER, ()))

    assert result.errors == {}
    assert elbv2.served_by("/mcp/alpha") == {"alpha"}
    assert not run(elbv2, DesiredRoutes(OWNER, ()), is_full=True).changed
    run(elbv2, DesiredRoutes(there, ()))
    assert elbv2.rules == {}
    assert elbv2.groups == {}


def test_two_hosts_that_start_at_once_end_with_one_rule_for_each_server():
    elbv2 = FakeElbv2()
    (route,) = answer(elbv2, "alpha")
    there = Owner(OWNER.fleet, LISTENER, OTHER_HOST)
    elbv2.servers[(OTHER_HOST, 30000)] = ("/mcp/alpha/health", False, "alpha")
    other = DesiredRoutes(there, (Route("alpha", "/mcp/alpha", (30000,), health_path="/mcp/alpha/health"),))
    raced = []

    def race(operation, arguments):
        if operation == "create_rule" and not raced:
            raced.append(operation)
            run(elbv2, other)

    elbv2.before_call = race

    result = run(elbv2, DesiredRoutes(OWNER, (route,)))

    assert result.errors == {}
    assert len(elbv2.rules) == 1
    group = next(iter(elbv2.groups))
    assert set(elbv2.targets[group]) == {(HOST, route.ports[0]), (OTHER_HOST, 30000)}


def test_what_cannot_fit_is_refused_before_anything_changes():
    elbv2 = FakeElbv2()
    elbv2.limits["target-groups-per-application-load-balancer"] = 2

    with pytest.raises(QuotaError, match="3 of 2 allowed by target-groups-per-application-load-balancer"):
        run(elbv2, DesiredRoutes(OWNER, tuple(answer(elbv2, "alpha", "beta", "gamma"))))

    assert elbv2.changes == []


@pytest.mark.parametrize(
    "quota", ["rules-per-application-load-balancer", "target-groups-per-application-load-balancer"]
)
def test_at_a_quota_the_old_goes_before_the_new_comes(quota):
    elbv2 = FakeElbv2()
    elbv2.limits[quota] = 2
    run(elbv2, DesiredRoutes(OWNER, tuple(answer(elbv2, "alpha", "beta"))))

    result = run(elbv2, DesiredRoutes(OWNER, tuple(answer(elbv2, "gamma", "delta"))))

    assert result.errors == {}
    assert elbv2.served_by("/mcp/gamma") == {"gamma"}
    assert len(elbv2.rules) == 2


def test_a_quota_that_only_the_service_knows_of_is_met_by_deleting_first():
    elbv2 = FakeElbv2()
    elbv2.limits["rules-per-application-load-balancer"] = 2
    run(elbv2, DesiredRoutes(OWNER, tuple(answer(elbv2, "alpha", "beta"))))
    told = {"rules-per-application-load-balancer": 100, "target-groups-per-application-load-balancer": 100}
    elbv2._describe_account_limits = lambda: {"Limits": [{"Name": k, "Max": str(v)} for k, v in told.items()]}

    result = run(elbv2, DesiredRoutes(OWNER, tuple(answer(elbv2, "gamma", "delta"))))

    assert result.errors == {}
    assert elbv2.served_by("/mcp/delta") == {"delta"}


def test_a_load_balancer_in_another_vpc_than_expected_is_refused():
    elbv2 = FakeElbv2()

    with pytest.raises(DesiredRoutesError, match="vpc_id is vpc-1"):
        run(elbv2, DesiredRoutes(OWNER, tuple(answer(elbv2, "alpha")), vpc_id="vpc-1"))

    assert elbv2.changes == []


def test_a_rule_of_others_that_takes_our_requests_is_told_with_both_priorities():
    elbv2 = FakeElbv2()
    path = [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/mcp/*"]}}]
    elbv2.add_rule(10, path, [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}])

    result = run(elbv2, DesiredRoutes(OWNER, tuple(answer(elbv2, "alpha"))))

    assert len(result.plan.notes) == 1
    assert "(priority 10, path /mcp/*)" in result.plan.notes[0]
    assert "(route 'alpha', priority 1000)" in result.plan.notes[0]


def test_a_new_target_that_stays_sick_is_taken_back_and_the_old_one_serves_on():
    elbv2 = FakeElbv2()
    routes = answer(elbv2, "alpha")
    run(elbv2, DesiredRoutes(OWNER, tuple(routes)))

    sick = Route("alpha", "/mcp/alpha", (29000,), health_path="/mcp/alpha/health")
    result = run(elbv2, DesiredRoutes(OWNER, (sick,)), wait_timeout=20)

    assert "29000 is unhealthy (Target.FailedHealthChecks)" in str(result.errors["alpha"])
    assert elbv2.served_by("/mcp/alpha") == {"alpha"}


def test_the_diff_shows_a_rule_before_and_after():
    elbv2 = FakeElbv2()
    desired = DesiredRoutes(OWNER, tuple(answer(elbv2, "alpha")))
    run(elbv2, desired)
    rule = next(iter(elbv2.rules.values()))
    rule["Conditions"] = [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/mcp/alpha"]}}]

    told = hop_result(desired, run(elbv2, desired, is_check=True))

    assert told.changed is True
    assert "path-pattern: /mcp/alpha\n" in told.diff["before"]
    assert "path-pattern: /mcp/alpha, /mcp/alpha/*\n" in told.diff["after"]
    assert [step["action"] for step in told.actions] == ["modify_rule"]


def test_tags_that_others_put_on_our_things_stay():
    elbv2 = FakeElbv2()
    desired = DesiredRoutes(OWNER, tuple(answer(elbv2, "alpha")))
    run(elbv2, desired)
    for tags in elbv2.tags.values():
        tags["cost-centre"] = "42"

    result = run(elbv2, desired, is_full=True)

    assert result.actions == []


def test_a_load_balancer_that_cuts_silent_streams_too_soon_is_told_by_a_full_look():
    elbv2 = FakeElbv2()
    elbv2.idle_timeout = 10
    desired = DesiredRoutes(OWNER, tuple(answer(elbv2, "alpha")))
    run(elbv2, desired)

    (note,) = run(elbv2, desired, is_full=True).plan.notes

    assert "idle timeout is 10 s" in note


def test_sticky_replicas_get_a_cookie():
    elbv2 = FakeElbv2()

    run(elbv2, DesiredRoutes(OWNER, tuple(answer(elbv2, "alpha")), stickiness=600))

    set_on = list(elbv2.attributes.values())
    assert [attributes["stickiness.enabled"] for attributes in set_on] == ["true"]
    assert [attributes["stickiness.lb_cookie.duration_seconds"] for attributes in set_on] == ["600"]


def test_targets_that_speak_another_protocol_get_a_group_of_their_own():
    elbv2 = FakeElbv2()
    (plain,) = answer(elbv2, "alpha")
    run(elbv2, DesiredRoutes(OWNER, (plain,)))

    result = run(elbv2, DesiredRoutes(OWNER, (replace(plain, protocol="HTTPS"),)))

    assert result.errors == {}
    (group,) = list(elbv2.groups.values())
    assert (group["Protocol"], group["HealthCheckProtocol"]) == ("HTTPS", "HTTPS")
    assert elbv2.served_by("/mcp/alpha") == {"alpha"}
