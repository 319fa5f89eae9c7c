"""Target groups and their attributes, as strict as AWS documents them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.local_alb.inprocess import BALANCER, VPC, Alb, code_of, refusal

PLAIN = {"Protocol": "HTTP", "Port": 80, "VpcId": VPC}


def test_a_new_group_has_awss_defaults(alb: Alb) -> None:
    group = alb.client.create_target_group(Name="mcp-time", **PLAIN)["TargetGroups"][0]
    assert group.pop("TargetGroupArn").startswith(
        "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/mcp-time/"
    )
    assert group == {
        "TargetGroupName": "mcp-time",
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP1",
        "Port": 80,
        "VpcId": VPC,
        "TargetType": "instance",
        "IpAddressType": "ipv4",
        "LoadBalancerArns": [],
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "HealthCheckPath": "/",
        "Matcher": {"HttpCode": "200"},
    }


def test_creating_the_same_group_twice_gives_the_first_one(alb: Alb) -> None:
    assert alb.group(HealthCheckPath="/health") == alb.group(HealthCheckPath="/health")


@pytest.mark.parametrize("change", [{"Port": 81}, {"HealthCheckPath": "/other"}, {"TargetType": "ip"}])
def test_a_name_that_other_settings_have_is_refused(alb: Alb, change: dict[str, Any]) -> None:
    alb.group()
    request = {"Name": "mcp-time", **PLAIN, **change}
    assert code_of(alb.client.create_target_group, **request) == "DuplicateTargetGroupName"


@pytest.mark.parametrize("name", ["-a", "a-", "a_b", "a.b", "a" * 33, "", "é"])
def test_a_name_that_aws_would_not_take_is_refused(alb: Alb, name: str) -> None:
    assert code_of(alb.client.create_target_group, Name=name, **PLAIN) == "ValidationError"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Protocol": "TCP"}, "ValidationError"),
        ({"ProtocolVersion": "GRPC"}, "InvalidConfigurationRequest"),
        ({"TargetType": "lambda"}, "InvalidConfigurationRequest"),
        ({"HealthCheckEnabled": False}, "InvalidConfigurationRequest"),
        ({"HealthCheckProtocol": "TCP"}, "InvalidConfigurationRequest"),
        ({"HealthCheckPath": "health"}, "ValidationError"),
        ({"HealthCheckPath": "/a b"}, "ValidationError"),
        ({"HealthCheckPort": "http"}, "ValidationError"),
        ({"HealthCheckPort": "70000"}, "ValidationError"),
        ({"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 5}, "ValidationError"),
        ({"Matcher": {"HttpCode": "500"}}, "ValidationError"),
        ({"Matcher": {"HttpCode": "200-"}}, "ValidationError"),
        ({"Matcher": {"HttpCode": "299-200"}}, "ValidationError"),
        ({"Matcher": {"GrpcCode": "12"}}, "InvalidConfigurationRequest"),
        ({"IpAddressType": "ipv6"}, "InvalidConfigurationRequest"),
    ],
)
def test_settings_that_aws_would_not_take_are_refused(alb: Alb, change: dict[str, Any], code: str) -> None:
    assert code_of(alb.client.create_target_group, **{"Name": "g", **PLAIN, **change}) == code
    assert alb.client.describe_target_groups()["TargetGroups"] == []


@pytest.mark.parametrize("missing", ["Protocol", "Port", "VpcId"])
def test_what_an_instance_group_needs_must_be_there(alb: Alb, missing: str) -> None:
    request = {key: value for key, value in PLAIN.items() if key != missing}
    assert code_of(alb.client.create_target_group, Name="g", **request) == "ValidationError"


@pytest.mark.parametrize("codes", ["200", "200,202", "200-299", "200-299,404", "200-499"])
def test_every_documented_form_of_matcher_is_kept(alb: Alb, codes: str) -> None:
    arn = alb.group(Matcher={"HttpCode": codes})
    described = alb.client.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
    assert described["Matcher"] == {"HttpCode": codes}


def test_modifying_changes_only_what_is_named(alb: Alb) -> None:
    arn = alb.group(HealthCheckPath="/health", Matcher={"HttpCode": "200-399"})
    changed = alb.client.modify_target_group(TargetGroupArn=arn, HealthCheckIntervalSeconds=10)["TargetGroups"][0]
    assert changed["HealthCheckIntervalSeconds"] == 10
    assert changed["HealthCheckPath"] == "/health"
    assert changed["Matcher"] == {"HttpCode": "200-399"}
    assert (
        code_of(alb.client.modify_target_group, TargetGroupArn=arn, HealthCheckTimeoutSeconds=10) == "ValidationError"
    )


def test_a_group_that_a_rule_names_cannot_be_deleted_until_the_rule_is(alb: Alb) -> None:
    group = alb.group()
    rule = alb.rule(10, group)
    assert code_of(alb.client.delete_target_group, TargetGroupArn=group) == "ResourceInUse"
    described = alb.client.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
    assert described["LoadBalancerArns"] == [BALANCER]
    alb.client.delete_rule(RuleArn=rule)
    alb.client.delete_target_group(TargetGroupArn=group)
    assert code_of(alb.client.describe_target_groups, TargetGroupArns=[group]) == "TargetGroupNotFound"


def test_deleting_a_group_that_is_not_there_succeeds(alb: Alb) -> None:
    group = alb.group()
    alb.client.delete_target_group(TargetGroupArn=group)
    alb.client.delete_target_group(TargetGroupArn=group)


def test_groups_are_found_by_name_arn_and_load_balancer(alb: Alb) -> None:
    used, unused = alb.group("used"), alb.group("unused")
    alb.rule(10, used)

    def found(**request: Any) -> list[str]:
        return [group["TargetGroupArn"] for group in alb.client.describe_target_groups(**request)["TargetGroups"]]

    assert found() == [used, unused]
    assert found(Names=["unused"]) == [unused]
    assert found(TargetGroupArns=[unused, used]) == [unused, used]
    assert found(LoadBalancerArn=BALANCER) == [used]
    assert code_of(alb.client.describe_target_groups, Names=["unused", "gone"]) == "TargetGroupNotFound"
    assert code_of(alb.client.describe_target_groups, TargetGroupArns=["gone"]) == "ValidationError"
    assert code_of(alb.client.describe_target_groups, Names=["used"], LoadBalancerArn=BALANCER) == "ValidationError"


def test_the_quota_of_groups_is_kept(tmp_path: Path) -> None:
    alb = Alb(tmp_path, quotas={"target-groups": 2})
    alb.group("a")
    alb.group("b")
    code, message = refusal(alb.client.create_target_group, Name="c", **PLAIN)
    assert code == "TooManyTargetGroups"
    assert "'2'" in message
    alb.group("a")  # the same again is not one more


def attributes(alb: Alb, arn: str) -> dict[str, str]:
    answer = alb.client.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    return {item["Key"]: item["Value"] for item in answer}


def test_attributes_have_awss_defaults_until_they_are_modified(alb: Alb) -> None:
    arn = alb.group()
    before = attributes(alb, arn)
    assert before["deregistration_delay.timeout_seconds"] == "300"
    assert before["stickiness.enabled"] == "false"
    assert before["load_balancing.algorithm.type"] == "round_robin"
    alb.client.modify_target_group_attributes(
        TargetGroupArn=arn, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}]
    )
    assert attributes(alb, arn) == {**before, "deregistration_delay.timeout_seconds": "5"}


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("deregistration_delay.timeout_seconds", "3601", "ValidationError"),
        ("deregistration_delay.timeout_seconds", "-1", "ValidationError"),
        ("deregistration_delay.timeout_seconds", "soon", "ValidationError"),
        ("slow_start.duration_seconds", "29", "ValidationError"),
        ("stickiness.enabled", "yes", "ValidationError"),
        ("stickiness.type", "source_ip", "ValidationError"),
        ("lambda.multi_value_headers.enabled", "true", "ValidationError"),
        ("stickiness.type", "app_cookie", "InvalidConfigurationRequest"),
        ("load_balancing.algorithm.anomaly_mitigation", "on", "InvalidConfigurationRequest"),
    ],
)
def test_an_attribute_outside_its_documented_values_is_refused(alb: Alb, key: str, value: str, code: str) -> None:
    arn = alb.group()
    before = attributes(alb, arn)
    request = {"TargetGroupArn": arn, "Attributes": [{"Key": key, "Value": value}]}
    assert code_of(alb.client.modify_target_group_attributes, **request) == code
    assert attributes(alb, arn) == before


def test_slow_start_is_only_for_round_robin(alb: Alb) -> None:
    arn = alb.group()
    alb.client.modify_target_group_attributes(
        TargetGroupArn=arn, Attributes=[{"Key": "slow_start.duration_seconds", "Value": "30"}]
    )
    change = [{"Key": "load_balancing.algorithm.type", "Value": "least_outstanding_requests"}]
    request = {"TargetGroupArn": arn, "Attributes": change}
    assert code_of(alb.client.modify_target_group_attributes, **request) == "InvalidConfigurationRequest"


@pytest.mark.parametrize("name", ["", "AWSALB", "AWSALBAPP-1", "AWSALBTGmine", "a b", "a'b", "a{b}", "a;b"])
def test_an_applications_cookie_has_a_name_of_its_own(alb: Alb, name: str) -> None:
    settings = {"type": "app_cookie", "enabled": "true", "app_cookie.cookie_name": name}
    request = [{"Key": f"stickiness.{key}", "Value": value} for key, value in settings.items()]
    change = alb.client.modify_target_group_attributes
    assert code_of(change, TargetGroupArn=alb.group(), Attributes=request) == "InvalidConfigurationRequest"
