"""Registering and deregistering targets, and what DescribeTargetHealth says of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_alb.data_plane.master_socket import ServerStatus
from local_alb.haproxy.backends import backend_name, server_name
from local_alb.haproxy.rendering import servers_of
from local_alb.model.world import Document
from local_alb.operations.targets import without_drained

from tests.unit.local_alb.inprocess import INSTANCE, LISTENER, Alb, code_of


def report(alb: Alb, **statuses: ServerStatus) -> list[tuple[str, str]]:
    """Tells the load balancer how its only servers are, by port (``p8001=…``)."""
    wanted = servers_of(alb.store.world)
    servers = {key: statuses[f"p{target.port}"] for key, (_, target) in wanted.items() if f"p{target.port}" in statuses}
    return alb.health.record(servers, wanted, alb.now)


UP = ServerStatus(True, "L7OK", "200")
FAILING = ServerStatus(False, "L7STS", "500")
CHECKED = ServerStatus(False, "L7OK", "200")
NEW = ServerStatus(False, "INI", "")


def test_several_ports_of_one_instance_are_several_targets(alb: Alb) -> None:
    group = alb.group()
    alb.register(group, 8001, 8002)
    alb.register(group, 8002, 8003)
    assert [item["Target"]["Port"] for item in alb.health_of(group)] == [8001, 8002, 8003]
    alb.client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": INSTANCE, "Port": 8002}])
    assert [item["Target"]["Port"] for item in alb.health_of(group)] == [8001, 8003]


def test_a_target_without_a_port_has_the_groups(alb: Alb) -> None:
    group = alb.group(Port=8080)
    alb.client.register_targets(TargetGroupArn=group, Targets=[{"Id": INSTANCE}])
    assert alb.health_of(group)[0]["Target"] == {"Id": INSTANCE, "Port": 8080}
    assert alb.health_of(group)[0]["HealthCheckPort"] == "8080"


def test_targets_of_a_group_that_no_rule_names_are_unused(alb: Alb) -> None:
    group = alb.group()
    alb.register(group, 8001)
    health = alb.health_of(group)[0]["TargetHealth"]
    assert (health["State"], health["Reason"]) == ("unused", "Target.NotInUse")


def test_a_target_that_nobody_registered_is_unused(alb: Alb) -> None:
    group = alb.group()
    health = alb.health_of(group, {"Id": INSTANCE, "Port": 9})[0]["TargetHealth"]
    assert (health["State"], health["Reason"]) == ("unused", "Target.NotRegistered")


def test_a_new_target_is_initial_until_its_first_check_and_healthy_after_it(alb: Alb) -> None:
    group = alb.group()
    alb.register(group, 8001)
    alb.rule(10, group)
    report(alb)
    assert alb.health_of(group)[0]["TargetHealth"]["Reason"] == "Elb.RegistrationInProgress"
    report(alb, p8001=NEW)
    health = alb.health_of(group)[0]["TargetHealth"]
    assert (health["State"], health["Reason"]) == ("initial", "Elb.InitialHealthChecking")
    promoted = report(alb, p8001=CHECKED)
    world = alb.store.world.target_groups[group]
    assert promoted == [(backend_name(world), server_name(world.targets[0]))]
    assert alb.health_of(group)[0]["TargetHealth"] == {"State": "healthy"}


def test_a_new_target_may_fail_before_it_passes(alb: Alb) -> None:
    group = alb.group(HealthCheckIntervalSeconds=10, UnhealthyThresholdCount=3)
    alb.register(group, 8001)
    alb.rule(10, group)
    report(alb)
    report(alb, p8001=FAILING)
    assert alb.health_of(group)[0]["TargetHealth"]["State"] == "initial"
    alb.now += 5
    assert len(report(alb, p8001=CHECKED)) == 1
    assert alb.health_of(group)[0]["TargetHealth"]["State"] == "healthy"


def test_a_new_target_that_keeps_failing_becomes_unhealthy_and_then_needs_its_threshold(alb: Alb) -> None:
    group = alb.group(HealthCheckIntervalSeconds=10, UnhealthyThresholdCount=3)
    alb.register(group, 8001)
    alb.rule(10, group)
    report(alb)
    report(alb, p8001=FAILING)
    alb.now += 20
    report(alb, p8001=FAILING)
    assert alb.health_of(group)[0]["TargetHealth"] == {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
        "Description": "Health checks failed with these codes: [500]",
    }
    assert report(alb, p8001=CHECKED) == []
    assert alb.health_of(group)[0]["TargetHealth"]["State"] == "unhealthy"


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        ("L7STS", "Target.ResponseCodeMismatch"),
        ("L7TOUT", "Target.Timeout"),
        ("L4TOUT", "Target.Timeout"),
        ("L4CON", "Target.FailedHealthChecks"),
        ("L7RSP", "Target.FailedHealthChecks"),
    ],
)
def test_an_unhealthy_target_tells_awss_reason(alb: Alb, check: str, reason: str) -> None:
    group = alb.group()
    alb.register(group, 8001)
    alb.rule(10, group)
    report(alb, p8001=UP)
    report(alb, p8001=ServerStatus(False, check, ""))
    health = alb.health_of(group)[0]["TargetHealth"]
    assert (health["State"], health["Reason"]) == ("unhealthy", reason)


def test_health_is_unavailable_while_haproxy_does_not_answer(alb: Alb) -> None:
    group = alb.group()
    alb.register(group, 8001)
    alb.rule(10, group)
    report(alb, p8001=UP)
    alb.health.lost()
    health = alb.health_of(group)[0]["TargetHealth"]
    assert (health["State"], health["Reason"]) == ("unavailable", "Elb.InternalError")
    assert alb.health.healthy is not None
    assert len(alb.health.healthy) == 1


def drain(alb: Alb, group: str, seconds: int) -> None:
    alb.client.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}]
    )
    alb.client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": INSTANCE, "Port": 8001}])


def test_a_deregistered_target_drains_for_the_groups_delay(alb: Alb) -> None:
    group = alb.group()
    alb.register(group, 8001, 8002)
    alb.rule(10, group)
    drain(alb, group, 30)
    health = alb.health_of(group, {"Id": INSTANCE, "Port": 8001})[0]["TargetHealth"]
    assert (health["State"], health["Reason"]) == ("draining", "Target.DeregistrationInProgress")
    assert [target.port for _, target in servers_of(alb.store.world).values()] == [8002]
    assert without_drained(alb.store.world, alb.now + 29)[1] == []
    world, drained = without_drained(alb.store.world, alb.now + 30)
    assert [target.port for _, target in drained] == [8001]
    assert [target.port for target in world.target_groups[group].targets] == [8002]


def test_a_drain_ends_before_its_delay_where_the_target_itself_is_gone(alb: Alb) -> None:
    group = alb.group()
    alb.register(group, 8001, 8002)
    alb.rule(10, group)
    drain(alb, group, 30)
    gone = [(group, (INSTANCE, port)) for port in (8001, 8002)]
    world, drained = without_drained(alb.store.world, alb.now, gone)
    assert [target.port for _, target in drained] == [8001]
    assert [target.port for target in world.target_groups[group].targets] == [8002]


def test_a_target_that_is_registered_again_while_it_drains_serves_again(alb: Alb) -> None:
    group = alb.group()
    alb.register(group, 8001)
    alb.rule(10, group)
    drain(alb, group, 30)
    alb.now += 10
    alb.register(group, 8001)
    assert without_drained(alb.store.world, alb.now + 60)[1] == []
    assert [target.port for _, target in servers_of(alb.store.world).values()] == [8001]


def test_deregistering_twice_does_not_prolong_the_drain(alb: Alb) -> None:
    group = alb.group()
    alb.register(group, 8001)
    alb.rule(10, group)
    drain(alb, group, 30)
    alb.now += 20
    drain(alb, group, 30)
    assert len(without_drained(alb.store.world, alb.now + 10)[1]) == 1


def test_deregistering_an_unknown_target_succeeds(alb: Alb) -> None:
    group = alb.group()
    alb.client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": INSTANCE, "Port": 1}])


def test_deregistering_an_id_without_a_port_takes_all_its_ports(alb: Alb) -> None:
    group = alb.group(TargetType="ip")
    alb.register(group, 8001, 8002, target="10.0.0.1")
    alb.register(group, 8001, target="10.0.0.2")
    alb.client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.1"}])
    assert [item["Target"]["Id"] for item in alb.health_of(group)] == ["10.0.0.2"]


@pytest.mark.parametrize("target", ["127.0.0.1", "i-1", "i-0000000000000000g", "web-1"])
def test_an_instance_group_takes_instance_ids_only(alb: Alb, target: str) -> None:
    request = {"TargetGroupArn": alb.group(), "Targets": [{"Id": target, "Port": 80}]}
    assert code_of(alb.client.register_targets, **request) == "ValidationError"


@pytest.mark.parametrize("call", ["register_targets", "describe_target_health"])
def test_an_instance_that_does_not_exist_is_refused(alb: Alb, call: str) -> None:
    request = {"TargetGroupArn": alb.group(), "Targets": [{"Id": "i-0000000000000000f", "Port": 80}]}
    assert code_of(getattr(alb.client, call), **request) == "InvalidTarget"


@pytest.mark.parametrize(
    ("target", "code"),
    [("i-00000000000000001", "ValidationError"), ("8.8.8.8", "InvalidTarget"), ("::1", "InvalidTarget")],
)
def test_an_ip_group_takes_private_addresses_only(alb: Alb, target: str, code: str) -> None:
    group = alb.group(TargetType="ip")
    assert code_of(alb.client.register_targets, TargetGroupArn=group, Targets=[{"Id": target}]) == code
    alb.register(group, 80, target="127.0.0.1")
    alb.register(group, 80, target="10.1.2.3")


def test_the_quotas_of_targets_are_kept(tmp_path: Path) -> None:
    alb = Alb(tmp_path, quotas={"targets-per-target-group": 2, "targets-per-application-load-balancer": 3})
    first, second = alb.group("a"), alb.group("b")
    alb.rule(1, first)
    alb.rule(2, second)
    alb.register(first, 1, 2)
    for group, port in ((first, 3), (second, 1)):
        if group == second:
            alb.register(second, 9)
        request = {"TargetGroupArn": group, "Targets": [{"Id": INSTANCE, "Port": port}]}
        assert code_of(alb.client.register_targets, **request) == "TooManyTargets"
    assert len(alb.health_of(first)) == 2


def test_the_quota_of_registrations_of_one_id_is_kept(tmp_path: Path) -> None:
    alb = Alb(tmp_path, quotas={"target-id-registrations-per-application-load-balancer": 2})
    group = alb.group()
    alb.rule(1, group)
    alb.register(group, 1, 2)
    request = {"TargetGroupArn": group, "Targets": [{"Id": INSTANCE, "Port": 3}]}
    assert code_of(alb.client.register_targets, **request) == "TooManyRegistrationsForTargetId"


def test_a_rule_cannot_bring_more_targets_than_the_load_balancer_may_have(tmp_path: Path) -> None:
    alb = Alb(tmp_path, quotas={"targets-per-application-load-balancer": 3})
    first, second, third = alb.group("a"), alb.group("b"), alb.group("c")
    alb.register(first, 1, 2)
    alb.register(second, 3, 4)
    alb.register(third, 5)
    alb.rule(1, first)
    rule = alb.rule(2, third)
    actions: list[Document] = [{"Type": "forward", "TargetGroupArn": second}]
    with pytest.raises(alb.client.exceptions.TooManyTargetsException):
        alb.rule(3, second)
    assert code_of(alb.client.modify_rule, RuleArn=rule, Actions=actions) == "TooManyTargets"
    assert code_of(alb.client.modify_listener, ListenerArn=LISTENER, DefaultActions=actions) == "TooManyTargets"
    # A draining target has left already.
    alb.client.deregister_targets(TargetGroupArn=first, Targets=[{"Id": INSTANCE, "Port": 1}])
    alb.client.modify_rule(RuleArn=rule, Actions=actions)


def test_a_rule_cannot_bring_more_registrations_of_one_id_than_there_may_be(tmp_path: Path) -> None:
    alb = Alb(tmp_path, quotas={"target-id-registrations-per-application-load-balancer": 2})
    first, second = alb.group("a"), alb.group("b")
    alb.register(first, 1, 2)
    alb.register(second, 3)
    alb.rule(1, first)
    with pytest.raises(alb.client.exceptions.TooManyRegistrationsForTargetIdException):
        alb.rule(2, second)
