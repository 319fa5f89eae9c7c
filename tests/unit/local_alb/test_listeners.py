"""Listeners and load balancers, their attributes and the account's limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from local_alb.model.tls import CERTIFICATE_ARN, LOCAL_CERTIFICATE_ARN
from local_alb.validation.quotas import DEFAULTS, Quotas

from tests.unit.local_alb.inprocess import BALANCER, LISTENER, Alb, code_of

ANSWER = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
SUBNETS = ["subnet-00000000000000001", "subnet-00000000000000002"]


def listener(alb: Alb, port: int = 9000, **settings: Any) -> dict[str, Any]:
    request = {"LoadBalancerArn": BALANCER, "Protocol": "HTTP", "Port": port, "DefaultActions": [ANSWER]}
    return dict(alb.client.create_listener(**{**request, **settings})["Listeners"][0])


def test_an_installation_begins_with_one_load_balancer_and_one_listener(alb: Alb) -> None:
    balancers = alb.client.describe_load_balancers()["LoadBalancers"]
    assert [balancer["LoadBalancerArn"] for balancer in balancers] == [BALANCER]
    assert balancers[0]["LoadBalancerName"] == "mcp-local"
    listeners = alb.client.describe_listeners(LoadBalancerArn=BALANCER)["Listeners"]
    assert [(item["ListenerArn"], item["Port"], item["Protocol"]) for item in listeners] == [(LISTENER, 8080, "HTTP")]
    assert listeners[0]["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"


def test_creating_the_same_listener_twice_gives_the_first_one(alb: Alb) -> None:
    assert listener(alb) == listener(alb)


def test_a_port_belongs_to_one_listener(alb: Alb) -> None:
    listener(alb)
    other = {**ANSWER, "FixedResponseConfig": {"StatusCode": "201"}}
    request = {"LoadBalancerArn": BALANCER, "Protocol": "HTTP", "Port": 9000, "DefaultActions": [other]}
    assert code_of(alb.client.create_listener, **request) == "DuplicateListener"
    second = listener(alb, 9001)
    assert code_of(alb.client.modify_listener, ListenerArn=second["ListenerArn"], Port=9000) == "DuplicateListener"
    alb.ports_taken.add(9002)
    moved = {"ListenerArn": second["ListenerArn"], "Port": 9002}
    assert code_of(alb.client.modify_listener, **moved) == "InvalidConfigurationRequest"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Protocol": "TCP"}, "UnsupportedProtocol"),
        ({"Certificates": [{"CertificateArn": LOCAL_CERTIFICATE_ARN}]}, "ValidationError"),
        ({"Protocol": "HTTPS"}, "ValidationError"),
        ({"Protocol": "HTTPS", "Certificates": [{"CertificateArn": f"{CERTIFICATE_ARN}gone"}]}, "CertificateNotFound"),
        (
            {"Protocol": "HTTPS", "Certificates": [{"CertificateArn": LOCAL_CERTIFICATE_ARN}], "SslPolicy": "none"},
            "SSLPolicyNotFound",
        ),
        ({"LoadBalancerArn": BALANCER[:-1] + "9"}, "LoadBalancerNotFound"),
        ({"DefaultActions": []}, "ValidationError"),
        ({"AlpnPolicy": ["HTTP2Only"]}, "InvalidConfigurationRequest"),
    ],
)
def test_a_listener_that_aws_would_not_take_is_refused(tmp_path: Path, change: dict[str, Any], code: str) -> None:
    alb = Alb(tmp_path, certificates=lambda: frozenset({LOCAL_CERTIFICATE_ARN}))
    request = {"LoadBalancerArn": BALANCER, "Protocol": "HTTP", "Port": 9000, "DefaultActions": [ANSWER]}
    assert code_of(alb.client.create_listener, **{**request, **change}) == code


def test_a_listener_moves_between_http_and_https_with_its_certificate(tmp_path: Path) -> None:
    alb = Alb(tmp_path, certificates=lambda: frozenset({LOCAL_CERTIFICATE_ARN}))
    arn = listener(alb)["ListenerArn"]
    code = code_of(alb.client.modify_listener, ListenerArn=arn, Protocol="HTTPS")
    assert code == "InvalidConfigurationRequest"
    certificates = [{"CertificateArn": LOCAL_CERTIFICATE_ARN}]
    secure = alb.client.modify_listener(ListenerArn=arn, Protocol="HTTPS", Certificates=certificates)["Listeners"][0]
    assert (secure["Certificates"], secure["SslPolicy"]) == (certificates, "ELBSecurityPolicy-2016-08")
    listed = alb.client.describe_listener_certificates(ListenerArn=arn)["Certificates"]
    assert listed == [{"CertificateArn": LOCAL_CERTIFICATE_ARN, "IsDefault": True}]
    plain = alb.client.modify_listener(ListenerArn=arn, Protocol="HTTP")["Listeners"][0]
    assert "Certificates" not in plain
    assert "SslPolicy" not in plain


def test_a_listener_takes_its_rules_along(alb: Alb) -> None:
    arn = listener(alb)["ListenerArn"]
    group = alb.group()
    rule = alb.rule(1, group, ListenerArn=arn)
    alb.client.delete_listener(ListenerArn=arn)
    assert code_of(alb.client.describe_rules, RuleArns=[rule]) == "RuleNotFound"
    alb.client.delete_target_group(TargetGroupArn=group)


def test_the_first_listener_follows_the_port_that_the_program_is_started_with(tmp_path: Path) -> None:
    from local_alb.model.first_start import first_world

    first = first_world(None, 8080, 1.0)
    assert first_world(first, 8080, 2.0) is first
    assert first_world(first, 8081, 2.0).listeners[LISTENER].port == 8081


def test_the_first_listener_speaks_what_the_program_is_started_with(tmp_path: Path) -> None:
    from local_alb.model.first_start import first_world

    assert first_world(None, 8080, 1.0).listeners[LISTENER].protocol == "HTTP"
    tls = first_world(None, 8080, 1.0, "HTTPS")
    assert tls.listeners[LISTENER].certificates == (LOCAL_CERTIFICATE_ARN,)
    assert first_world(tls, 8080, 2.0) is tls
    assert first_world(tls, 8080, 2.0, "HTTPS") is tls
    plain = first_world(tls, 8080, 2.0, "HTTP").listeners[LISTENER]
    assert (plain.protocol, plain.certificates, plain.ssl_policy) == ("HTTP", (), None)


def test_the_quota_of_listeners_is_kept(tmp_path: Path) -> None:
    alb = Alb(tmp_path, quotas={"listeners-per-application-load-balancer": 2})
    listener(alb, 9000)
    request = {"LoadBalancerArn": BALANCER, "Protocol": "HTTP", "Port": 9001, "DefaultActions": [ANSWER]}
    assert code_of(alb.client.create_listener, **request) == "TooManyListeners"


def test_a_load_balancer_is_made_once_by_its_name(alb: Alb) -> None:
    made = alb.client.create_load_balancer(Name="other", Subnets=SUBNETS)["LoadBalancers"][0]
    again = alb.client.create_load_balancer(Name="other", Subnets=SUBNETS)["LoadBalancers"][0]
    assert again["LoadBalancerArn"] == made["LoadBalancerArn"]
    changed = {"Name": "other", "Subnets": SUBNETS, "Scheme": "internal"}
    assert code_of(alb.client.create_load_balancer, **changed) == "DuplicateLoadBalancerName"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Name": "internal-x"}, "ValidationError"),
        ({"Name": "-x"}, "ValidationError"),
        ({"Subnets": SUBNETS[:1]}, "ValidationError"),
        ({"Subnets": []}, "ValidationError"),
        ({"Subnets": ["net-1", "net-2"]}, "SubnetNotFound"),
        ({"Type": "network"}, "InvalidConfigurationRequest"),
        ({"IpAddressType": "dualstack"}, "InvalidConfigurationRequest"),
    ],
)
def test_a_load_balancer_that_aws_would_not_take_is_refused(alb: Alb, change: dict[str, Any], code: str) -> None:
    assert code_of(alb.client.create_load_balancer, **{"Name": "x", "Subnets": SUBNETS, **change}) == code


def test_a_protected_load_balancer_is_not_deleted(alb: Alb) -> None:
    arn = alb.client.create_load_balancer(Name="other", Subnets=SUBNETS)["LoadBalancers"][0]["LoadBalancerArn"]

    def protect(value: str) -> None:
        attribute = {"Key": "deletion_protection.enabled", "Value": value}
        alb.client.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[attribute])

    protect("true")
    assert code_of(alb.client.delete_load_balancer, LoadBalancerArn=arn) == "OperationNotPermitted"
    protect("false")
    alb.client.delete_load_balancer(LoadBalancerArn=arn)
    alb.client.delete_load_balancer(LoadBalancerArn=arn)
    assert code_of(alb.client.describe_load_balancers, LoadBalancerArns=[arn]) == "LoadBalancerNotFound"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("idle_timeout.timeout_seconds", "0"),
        ("idle_timeout.timeout_seconds", "4001"),
        ("routing.http.xff_header_processing.mode", "drop"),
        ("load_balancing.cross_zone.enabled", "false"),
        ("access_logs.s3.enabled", "true"),
        ("no.such.attribute", "1"),
    ],
)
def test_an_attribute_outside_its_documented_values_is_refused(alb: Alb, key: str, value: str) -> None:
    request = {"LoadBalancerArn": BALANCER, "Attributes": [{"Key": key, "Value": value}]}
    assert code_of(alb.client.modify_load_balancer_attributes, **request) == "ValidationError"


def test_the_load_balancer_tells_when_haproxy_does_not_serve_what_it_should(alb: Alb) -> None:
    def state() -> dict[str, str]:
        return dict(alb.client.describe_load_balancers()["LoadBalancers"][0]["State"])

    assert state() == {"Code": "provisioning"}
    alb.health.report("HAProxy does not answer")
    assert state() == {"Code": "provisioning", "Reason": "HAProxy does not answer"}
    alb.health.report(None)
    assert state() == {"Code": "active"}
    alb.health.report("HAProxy refuses the rendered rules")
    assert state() == {"Code": "active_impaired", "Reason": "HAProxy refuses the rendered rules"}


def test_the_limits_that_are_told_are_the_limits_that_are_kept(tmp_path: Path) -> None:
    alb = Alb(tmp_path, quotas={"rules-per-application-load-balancer": 7})
    limits = {limit["Name"]: int(limit["Max"]) for limit in alb.client.describe_account_limits()["Limits"]}
    assert limits == {**DEFAULTS, "rules-per-application-load-balancer": 7}
    with pytest.raises(ValueError, match="no such quota"):
        Quotas({"rules": 7})
