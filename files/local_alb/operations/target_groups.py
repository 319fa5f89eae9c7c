"""Operations on target groups and their attributes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from local_alb.errors import ApiError, invalid_configuration, validation_error
from local_alb.model.lookup import load_balancer, target_group
from local_alb.model.world import Document, TargetGroup, World, target_group_arn
from local_alb.validation.health_checks import DEFAULTS, described, health_check_of

from .context import Context
from .paging import page_of
from .tags import tags_of_request

NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,32}(?<!-)")
# Settings that make a second CreateTargetGroup of the same name the same request.
IDENTITY = ("name", "protocol", "protocol_version", "port", "vpc_id", "target_type", "ip_address_type", "health_check")


def describe(world: World, group: TargetGroup) -> Document:
    """Returns the TargetGroup structure."""
    return {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": group.protocol,
        "ProtocolVersion": group.protocol_version,
        "Port": group.port,
        "VpcId": group.vpc_id,
        "TargetType": group.target_type,
        "IpAddressType": group.ip_address_type,
        "LoadBalancerArns": world.load_balancers_using(group.arn),
        **described(group.health_check),
    }


def create_target_group(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """CreateTargetGroup. The same name with the same settings is no error and answers with the existing group."""
    group = _requested(request, context)
    for existing in world.target_groups.values():
        if existing.name != group.name:
            continue
        if all(getattr(existing, name) == getattr(group, name) for name in IDENTITY):
            return world, {"TargetGroups": [describe(world, existing)]}
        raise ApiError(
            "DuplicateTargetGroupName",
            f"A target group with the same name '{group.name}' exists, but with different settings",
        )
    context.quotas.check(
        "target-groups",
        len(world.target_groups) + 1,
        "TooManyTargetGroups",
        "The maximum number of target groups has been reached",
    )
    world = world.with_target_group(group)
    return world, {"TargetGroups": [describe(world, group)]}


def _requested(request: dict[str, Any], context: Context) -> TargetGroup:
    name = request["Name"]
    if not NAME.fullmatch(name):
        raise validation_error(
            f"Target group name '{name}' must have 1 to 32 letters, digits and hyphens, and no hyphen at its ends"
        )
    target_type = request.get("TargetType", "instance")
    if target_type not in ("instance", "ip"):
        raise invalid_configuration(f"The target type '{target_type}' is not supported by the local load balancer")
    protocol = request.get("Protocol")
    if protocol not in ("HTTP", "HTTPS"):
        raise validation_error(f"A target group needs the protocol HTTP or HTTPS here, not '{protocol}'")
    version = request.get("ProtocolVersion", "HTTP1")
    if version not in ("HTTP1", "HTTP2"):
        raise invalid_configuration(f"The protocol version '{version}' is not supported by the local load balancer")
    for name_needed in ("Port", "VpcId"):
        if request.get(name_needed) is None:
            raise validation_error(f"A {name_needed} must be specified")
    if request.get("IpAddressType", "ipv4") == "ipv6" and target_type != "ip":
        raise invalid_configuration("IPv6 needs the target type 'ip'")
    if "TargetControlPort" in request:
        raise invalid_configuration("The target optimizer is not supported by the local load balancer")
    return TargetGroup(
        arn=target_group_arn(name, context.new_id()),
        name=name,
        protocol=protocol,
        protocol_version=version,
        port=request["Port"],
        vpc_id=request["VpcId"],
        target_type=target_type,
        ip_address_type=request.get("IpAddressType", "ipv4"),
        health_check=health_check_of(request, DEFAULTS),
        tags=tags_of_request(request.get("Tags")),
    )


def modify_target_group(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """ModifyTargetGroup changes how targets are probed, nothing else."""
    group = target_group(world, request["TargetGroupArn"])
    group = replace(group, health_check=health_check_of(request, group.health_check))
    world = world.with_target_group(group)
    return world, {"TargetGroups": [describe(world, group)]}


def delete_target_group(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """DeleteTargetGroup. A group that is not there is no error; one that an action names is in use."""
    arn = request["TargetGroupArn"]
    if ":targetgroup/" not in arn:
        raise validation_error(f"'{arn}' is not a valid target group ARN")
    if world.load_balancers_using(arn):
        raise ApiError("ResourceInUse", f"Target group '{arn}' is currently in use by a listener or a rule")
    return world.without_target_group(arn), {}


def describe_target_groups(world: World, request: dict[str, Any], context: Context) -> Document:
    """DescribeTargetGroups: all, or those of one load balancer, or those with given names or ARNs."""
    filters = [key for key in ("LoadBalancerArn", "TargetGroupArns", "Names") if request.get(key)]
    if len(filters) > 1:
        raise validation_error(f"Only one of {' and '.join(filters)} can be specified")
    groups = list(world.target_groups.values())
    if request.get("LoadBalancerArn"):
        used = world.groups_of(load_balancer(world, request["LoadBalancerArn"]).arn)
        groups = [group for group in groups if group.arn in used]
    elif request.get("TargetGroupArns"):
        groups = [target_group(world, arn) for arn in dict.fromkeys(request["TargetGroupArns"])]
    elif request.get("Names"):
        by_name = {group.name: group for group in groups}
        if set(request["Names"]) - set(by_name):
            raise ApiError("TargetGroupNotFound", "One or more target groups not found")
        groups = [by_name[name] for name in dict.fromkeys(request["Names"])]
    part, marker = page_of(groups, lambda group: group.arn, request, context.page_size)
    return {"TargetGroups": [describe(world, group) for group in part], **marker}
