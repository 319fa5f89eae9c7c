"""Target groups and their attributes, as this load balancer and moto have them."""

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

DEFAULTS = {
    "deregistration_delay.timeout_seconds": "300",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "slow_start.duration_seconds": "0",
    "stickiness.enabled": "false",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "stickiness.type": "lb_cookie",
}


def new_group(world: World) -> Document:
    group = world.client.create_target_group(
        Name="g", Protocol="HTTP", Port=80, VpcId=world.vpc, HealthCheckPath="/health", Matcher={"HttpCode": "200-399"}
    )["TargetGroups"][0]
    return {key: value for key, value in group.items() if key not in ("IpAddressType", "LoadBalancerArns")}


def without(world: World, member: str) -> Any:
    request = {"Name": "g", "Protocol": "HTTP", "Port": 80, "VpcId": world.vpc}
    del request[member]
    return world.client.create_target_group(**request)["TargetGroups"]


def names(world: World, **request: Any) -> list[str]:
    return [group["TargetGroupName"] for group in world.client.describe_target_groups(**request)["TargetGroups"]]


def of_the_balancer(world: World) -> list[str]:
    world.group("unused")
    world.rule(1, world.group("used"))
    return names(world, LoadBalancerArn=world.balancer)


def in_pages(world: World) -> list[int]:
    for name in "abc":
        world.group(name)
    return sizes_of_pages(world.client.describe_target_groups, "TargetGroups", PageSize=2)


def modified(world: World, arn: str | None = None, **changes: Any) -> Document:
    group = world.client.modify_target_group(TargetGroupArn=arn or world.group(), **changes)["TargetGroups"][0]
    return picked(
        group,
        "HealthCheckPath",
        "HealthCheckIntervalSeconds",
        "HealthCheckTimeoutSeconds",
        "HealthyThresholdCount",
        "UnhealthyThresholdCount",
        "Matcher",
    )


def deleted(world: World, times: int) -> list[str]:
    arn = world.group()
    for _ in range(times):
        world.client.delete_target_group(TargetGroupArn=arn)
    return names(world)


def deleted_in_use(world: World) -> Any:
    group = world.group()
    world.rule(1, group)
    return world.client.delete_target_group(TargetGroupArn=group)


def attributes(world: World, arn: str) -> list[Document]:
    return list(world.client.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"])


def with_attributes(world: World, arn: str | None = None, **changes: str) -> Document:
    group = arn or world.group()
    change = [{"Key": key.replace("__", "."), "Value": value} for key, value in changes.items()]
    world.client.modify_target_group_attributes(TargetGroupArn=group, Attributes=change)
    return values_of(attributes(world, group), *(item["Key"] for item in change))


CASES = [
    same("CreateTargetGroup", "new", new_group),
    differs(
        "CreateTargetGroup",
        "same again",
        lambda w: w.group() == w.group(),
        True,
        "CreateTargetGroup: idempotent, the same settings again succeed",
    ),
    both_refuse(
        "CreateTargetGroup",
        "same name, other settings",
        lambda w: [w.group(), w.group(Port=81)],
        "DuplicateTargetGroupName",
    ),
    both_refuse("CreateTargetGroup", "33 letters", lambda w: w.group("x" * 33)),
    both_refuse("CreateTargetGroup", "hyphen at the end", lambda w: w.group("x-")),
    both_refuse("CreateTargetGroup", "hyphen at the beginning", lambda w: w.group("-x")),
    both_refuse("CreateTargetGroup", "underscore", lambda w: w.group("a_b")),
    both_refuse("CreateTargetGroup", "no port", lambda w: without(w, "Port")),
    both_refuse("CreateTargetGroup", "no VPC", lambda w: without(w, "VpcId")),
    both_refuse("CreateTargetGroup", "no protocol", lambda w: without(w, "Protocol")),
    both_refuse("CreateTargetGroup", "unknown protocol", lambda w: w.group(Protocol="SPDY")),
    both_refuse("CreateTargetGroup", "port 0", lambda w: w.group(Port=0)),
    both_refuse("CreateTargetGroup", "interval of 4", lambda w: w.group(HealthCheckIntervalSeconds=4)),
    documented_refusal(
        "CreateTargetGroup",
        "interval of 301",
        lambda w: w.group(HealthCheckIntervalSeconds=301),
        "CreateTargetGroup, HealthCheckIntervalSeconds: 5 to 300",
    ),
    documented_refusal(
        "CreateTargetGroup",
        "threshold of 1",
        lambda w: w.group(HealthyThresholdCount=1),
        "CreateTargetGroup, HealthyThresholdCount: 2 to 10",
    ),
    documented_refusal(
        "CreateTargetGroup",
        "code 500",
        lambda w: w.group(Matcher={"HttpCode": "500"}),
        "Matcher, HttpCode: for Application Load Balancers within 200-499",
    ),
    documented_refusal(
        "CreateTargetGroup",
        "path without a slash",
        lambda w: w.group(HealthCheckPath="health"),
        "Health checks for your target groups: a valid URI (/path?query)",
    ),
    both_refuse(
        "CreateTargetGroup",
        "timeout as long as the interval",
        lambda w: w.group(HealthCheckIntervalSeconds=10, HealthCheckTimeoutSeconds=10),
    ),
    same("DescribeTargetGroups", "by name", lambda w: [w.group("a"), w.group("b"), names(w, Names=["b"])][-1]),
    same("DescribeTargetGroups", "by ARN", lambda w: names(w, TargetGroupArns=[w.group("a")])),
    same("DescribeTargetGroups", "of a load balancer", of_the_balancer),
    differs(
        "DescribeTargetGroups",
        "in pages",
        in_pages,
        [2, 1],
        "DescribeTargetGroups: Marker and PageSize",
    ),
    both_refuse("DescribeTargetGroups", "no such name", lambda w: names(w, Names=["x"]), "TargetGroupNotFound"),
    both_refuse(
        "DescribeTargetGroups",
        "no such ARN",
        lambda w: names(w, TargetGroupArns=[w.gone(w.group())]),
        "TargetGroupNotFound",
    ),
    both_refuse(
        "DescribeTargetGroups",
        "of no load balancer",
        lambda w: names(w, LoadBalancerArn=w.gone(w.balancer)),
        "LoadBalancerNotFound",
    ),
    both_refuse("DescribeTargetGroups", "names and ARNs", lambda w: names(w, Names=["g"], TargetGroupArns=[w.group()])),
    same(
        "ModifyTargetGroup",
        "checks",
        lambda w: modified(w, HealthCheckPath="/h", HealthCheckIntervalSeconds=10, Matcher={"HttpCode": "204"}),
    ),
    same("ModifyTargetGroup", "nothing", modified),
    both_refuse(
        "ModifyTargetGroup",
        "gone",
        lambda w: modified(w, w.gone(w.group()), HealthCheckPath="/"),
        "TargetGroupNotFound",
    ),
    documented_refusal(
        "ModifyTargetGroup",
        "code 500",
        lambda w: modified(w, Matcher={"HttpCode": "500"}),
        "Matcher, HttpCode: for Application Load Balancers within 200-499",
    ),
    documented_refusal(
        "ModifyTargetGroup",
        "timeout over the interval",
        lambda w: modified(w, HealthCheckTimeoutSeconds=60),
        "CreateTargetGroup, as both say there: the timeout is smaller than the interval",
    ),
    same("DeleteTargetGroup", "unused", lambda w: deleted(w, 1)),
    differs(
        "DeleteTargetGroup",
        "twice",
        lambda w: deleted(w, 2),
        [],
        "DeleteTargetGroup, errors: ResourceInUse is the only one",
    ),
    both_refuse("DeleteTargetGroup", "in use", deleted_in_use, "ResourceInUse"),
    differs(
        "DescribeTargetGroupAttributes",
        "defaults",
        lambda w: values_of(attributes(w, w.group()), *DEFAULTS),
        DEFAULTS,
        "TargetGroupAttribute: all attributes of Application Load Balancers and their defaults",
    ),
    both_refuse(
        "DescribeTargetGroupAttributes", "gone", lambda w: attributes(w, w.gone(w.group())), "TargetGroupNotFound"
    ),
    same(
        "ModifyTargetGroupAttributes",
        "delay",
        lambda w: with_attributes(w, deregistration_delay__timeout_seconds="7"),
    ),
    same(
        "ModifyTargetGroupAttributes",
        "stickiness",
        lambda w: with_attributes(w, stickiness__enabled="true", stickiness__lb_cookie__duration_seconds="60"),
    ),
    both_refuse(
        "ModifyTargetGroupAttributes",
        "gone",
        lambda w: with_attributes(w, w.gone(w.group()), stickiness__enabled="true"),
        "TargetGroupNotFound",
    ),
    documented_refusal(
        "ModifyTargetGroupAttributes",
        "no such key",
        lambda w: with_attributes(w, colour="red"),
        "TargetGroupAttribute: the keys that there are",
    ),
    both_refuse(
        "ModifyTargetGroupAttributes",
        "delay of 3601",
        lambda w: with_attributes(w, deregistration_delay__timeout_seconds="3601"),
    ),
    documented_refusal(
        "ModifyTargetGroupAttributes",
        "no flag",
        lambda w: with_attributes(w, stickiness__enabled="maybe"),
        'TargetGroupAttribute, stickiness.enabled: "true" or "false"',
    ),
]
