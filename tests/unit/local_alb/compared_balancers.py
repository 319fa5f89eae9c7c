"""Load balancers, their attributes and the account's limits, as this load balancer and moto have them."""

from __future__ import annotations

from typing import Any

from tests.unit.local_alb.compared import (
    World,
    both_refuse,
    differs,
    documented_refusal,
    picked,
    same,
    sizes_of_pages,
    values_of,
)
from tests.unit.local_alb.inprocess import Document

IDLE, HTTP2 = "idle_timeout.timeout_seconds", "routing.http2.enabled"
ALBS, TARGETS = "application-load-balancers", "targets-per-application-load-balancer"


def described(world: World, **request: Any) -> Document:
    found = world.client.describe_load_balancers(**request)["LoadBalancers"]
    return picked(found[0], "LoadBalancerName", "LoadBalancerArn", "VpcId", "Type", "IpAddressType")


def modified(world: World, balancer: str, key: str, value: str) -> Document:
    change = [{"Key": key, "Value": value}]
    world.client.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=change)
    found = world.client.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]
    return values_of(found, key)


def new_balancer(world: World) -> Document:
    arn = world.new_balancer(Scheme="internal", Tags=[{"Key": "a", "Value": "1"}])
    found = world.client.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    zones = sorted(zone["SubnetId"] for zone in found["AvailabilityZones"])
    return {**picked(found, "LoadBalancerName", "Scheme", "Type", "IpAddressType"), "zones": len(zones)}


def deleted(world: World) -> list[str]:
    world.client.delete_load_balancer(LoadBalancerArn=world.new_balancer())
    return [item["LoadBalancerName"] for item in world.client.describe_load_balancers()["LoadBalancers"]]


def deleted_twice(world: World) -> str:
    arn = world.new_balancer()
    for _ in range(2):
        world.client.delete_load_balancer(LoadBalancerArn=arn)
    return "gone"


def deleted_with_its_listener(world: World) -> Any:
    world.client.delete_load_balancer(LoadBalancerArn=world.balancer)
    return world.client.describe_listeners(ListenerArns=[world.listener])["Listeners"]


def protected(world: World) -> Any:
    modified(world, world.balancer, "deletion_protection.enabled", "true")
    return world.client.delete_load_balancer(LoadBalancerArn=world.balancer)


def in_pages(world: World) -> list[int]:
    world.new_balancer()
    return sizes_of_pages(world.client.describe_load_balancers, "LoadBalancers", PageSize=1)


def default_attributes(world: World) -> Document:
    found = world.client.describe_load_balancer_attributes(LoadBalancerArn=world.balancer)["Attributes"]
    return values_of(found, IDLE, "deletion_protection.enabled", HTTP2, "access_logs.s3.enabled")


def limits(world: World) -> Document:
    found = world.client.describe_account_limits()["Limits"]
    by_name = {item["Name"]: item["Max"] for item in found}
    return picked(by_name, ALBS, "target-groups", TARGETS)


def wildcards(world: World) -> str | None:
    found = world.client.describe_account_limits()["Limits"]
    return {item["Name"]: item["Max"] for item in found}.get("condition-wildcards-per-alb-rule")


CASES = [
    same("CreateLoadBalancer", "new", new_balancer),
    documented_refusal(
        "CreateLoadBalancer",
        "no subnets",
        lambda w: w.new_balancer(Subnets=[]),
        "CreateLoadBalancer: you must specify subnets or subnet mappings",
    ),
    documented_refusal(
        "CreateLoadBalancer",
        "33 letters",
        lambda w: w.new_balancer("x" * 33),
        "CreateLoadBalancer, Name: a maximum of 32 characters",
    ),
    documented_refusal(
        "CreateLoadBalancer",
        "hyphen at the end",
        lambda w: w.new_balancer("x-"),
        "CreateLoadBalancer, Name: must not begin or end with a hyphen",
    ),
    documented_refusal(
        "CreateLoadBalancer",
        "subnet unknown",
        lambda w: w.new_balancer(Subnets=["subnet-x", "y"]),
        "CreateLoadBalancer, errors: SubnetNotFound; the other code is EC2's",
        "SubnetNotFound",
    ),
    documented_refusal(
        "CreateLoadBalancer",
        "same name, other settings",
        lambda w: [w.new_balancer(), w.new_balancer(Scheme="internal")],
        "CreateLoadBalancer, errors: a load balancer with this name exists",
        "DuplicateLoadBalancerName",
    ),
    differs(
        "CreateLoadBalancer",
        "same again",
        lambda w: w.new_balancer() == w.new_balancer(),
        True,
        "CreateLoadBalancer: idempotent, the same settings again succeed",
    ),
    documented_refusal(
        "CreateLoadBalancer",
        "one subnet",
        lambda w: w.new_balancer(Subnets=w.subnets[:1]),
        "CreateLoadBalancer, Subnets: from at least two Availability Zones",
    ),
    documented_refusal(
        "CreateLoadBalancer",
        "reserved name",
        lambda w: w.new_balancer("internal-x"),
        'CreateLoadBalancer, Name: must not begin with "internal-"',
    ),
    same("DeleteLoadBalancer", "another", deleted),
    same("DeleteLoadBalancer", "twice", deleted_twice),
    both_refuse("DeleteLoadBalancer", "with its listener", deleted_with_its_listener, "ListenerNotFound"),
    documented_refusal(
        "DeleteLoadBalancer",
        "protected",
        protected,
        "DeleteLoadBalancer: not with deletion protection; errors: OperationNotPermitted",
        "OperationNotPermitted",
    ),
    same("DescribeLoadBalancers", "by name", lambda w: described(w, Names=["mcp-local"])),
    same("DescribeLoadBalancers", "by ARN", lambda w: described(w, LoadBalancerArns=[w.balancer])),
    same("DescribeLoadBalancers", "in pages", in_pages),
    both_refuse("DescribeLoadBalancers", "no such name", lambda w: described(w, Names=["x"]), "LoadBalancerNotFound"),
    both_refuse(
        "DescribeLoadBalancers",
        "no such ARN",
        lambda w: described(w, LoadBalancerArns=[w.gone(w.balancer)]),
        "LoadBalancerNotFound",
    ),
    documented_refusal(
        "DescribeLoadBalancers",
        "no marker",
        lambda w: described(w, Marker="nonsense"),
        "DescribeLoadBalancers, Marker: from a previous call",
    ),
    differs(
        "DescribeLoadBalancerAttributes",
        "defaults",
        default_attributes,
        {IDLE: "60", "deletion_protection.enabled": "false", HTTP2: "true", "access_logs.s3.enabled": "false"},
        "LoadBalancerAttribute: the attributes of Application Load Balancers and their defaults",
    ),
    both_refuse(
        "DescribeLoadBalancerAttributes",
        "unknown",
        lambda w: w.client.describe_load_balancer_attributes(LoadBalancerArn=w.gone(w.balancer)),
        "LoadBalancerNotFound",
    ),
    same("ModifyLoadBalancerAttributes", "idle timeout", lambda w: modified(w, w.balancer, IDLE, "90")),
    documented_refusal(
        "ModifyLoadBalancerAttributes",
        "no such key",
        lambda w: modified(w, w.balancer, "colour", "red"),
        "Common errors: ValidationError where the input breaks a constraint",
    ),
    documented_refusal(
        "ModifyLoadBalancerAttributes",
        "too long",
        lambda w: modified(w, w.balancer, IDLE, "4001"),
        "LoadBalancerAttribute: the idle timeout is 1 to 4000 seconds",
    ),
    both_refuse(
        "ModifyLoadBalancerAttributes",
        "unknown",
        lambda w: modified(w, w.gone(w.balancer), IDLE, "90"),
        "LoadBalancerNotFound",
    ),
    differs(
        "DescribeAccountLimits",
        "some of them",
        limits,
        {ALBS: "50", "target-groups": "3000", TARGETS: "1000"},
        "Quotas for your Application Load Balancers: 50 a Region, 1,000 targets each",
    ),
    differs(
        "DescribeAccountLimits",
        "wildcards",
        wildcards,
        "6",
        "Limit: condition-wildcards-per-alb-rule; Quotas: 6 wildcards a rule",
    ),
    documented_refusal(
        "DescribeAccountLimits",
        "no marker",
        lambda w: w.client.describe_account_limits(Marker="nonsense"),
        "DescribeAccountLimits, Marker: from a previous call",
    ),
]
