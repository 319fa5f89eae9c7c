"""Registering, deregistering and describing targets."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from local_alb.errors import ApiError, validation_error
from local_alb.model.attributes import TARGET_GROUP, attribute
from local_alb.model.lookup import target_group
from local_alb.model.world import INSTANCE, Document, Target, TargetGroup, World
from local_alb.validation.balancer_quotas import check_balancer_quotas

from .context import Context

INSTANCE_ID = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")


def register_targets(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """RegisterTargets. A target that is registered already stays as it is; a draining one is registered anew."""
    group = target_group(world, request["TargetGroupArn"])
    if not request["Targets"]:
        raise validation_error("At least one target must be specified")
    targets = {target.key: target for target in group.targets}
    for description in request["Targets"]:
        target = _requested(group, description, context)
        current = targets.get(target.key)
        if current is None or current.draining_until is not None:
            targets.pop(target.key, None)
            targets[target.key] = target
    group = replace(group, targets=tuple(targets.values()))
    context.quotas.check(
        "targets-per-target-group",
        sum(target.draining_until is None for target in group.targets),
        "TooManyTargets",
        "A target group can have at most this many targets",
    )
    world = world.with_target_group(group)
    for balancer in world.load_balancers_using(group.arn):
        check_balancer_quotas(world, balancer, context.quotas)
    return world, {}


def _requested(group: TargetGroup, description: Document, context: Context) -> Target:
    target_id = description["Id"]
    if "QuicServerId" in description:
        raise validation_error("'QuicServerId' is only for the protocols QUIC and TCP_QUIC")
    if group.target_type == "instance":
        if not INSTANCE_ID.fullmatch(target_id):
            raise validation_error(f"Instance ID '{target_id}' is not valid")
        if "AvailabilityZone" in description:
            raise validation_error("'AvailabilityZone' is not supported for the target type 'instance'")
        if target_id != INSTANCE:
            raise ApiError("InvalidTarget", f"The instance '{target_id}' does not exist. This host is '{INSTANCE}'")
    else:
        _check_address(group, target_id)
    return Target(
        id=target_id,
        port=description.get("Port", group.port),
        registered=context.now,
        availability_zone=description.get("AvailabilityZone"),
    )


def _check_address(group: TargetGroup, text: str) -> None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise validation_error(f"The IP address '{text}' is not a valid IPv4 or IPv6 address") from None
    if (address.version == 6) != (group.ip_address_type == "ipv6"):
        raise ApiError("InvalidTarget", f"The IP address '{text}' does not fit the group's '{group.ip_address_type}'")
    # AWS takes addresses of the VPC and private ranges; here loopback is the usual one.
    if not address.is_private or address.is_unspecified or address.is_link_local or address.is_multicast:
        raise ApiError("InvalidTarget", f"The IP address '{text}' is neither private nor loopback")


def deregister_targets(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """DeregisterTargets. Without a port all ports of the id go; a target that is not registered is no error."""
    group = target_group(world, request["TargetGroupArn"])
    if not request["Targets"]:
        raise validation_error("At least one target must be specified")
    leaving = [(item["Id"], item.get("Port")) for item in request["Targets"]]
    delay = int(attribute(TARGET_GROUP, group.attributes, "deregistration_delay.timeout_seconds"))
    in_use = bool(world.load_balancers_using(group.arn))
    targets = []
    for target in group.targets:
        named = any(target.id == name and port in (None, target.port) for name, port in leaving)
        if not named or target.draining_until is not None:
            targets.append(target)
        elif in_use:
            targets.append(replace(target, draining_until=context.now + delay))
    return world.with_target_group(replace(group, targets=tuple(targets))), {}


def without_drained(
    world: World, now: float, gone: Collection[tuple[str, tuple[str, int]]] = ()
) -> tuple[World, list[tuple[TargetGroup, Target]]]:
    """Returns the world without the targets whose deregistration has ended, and those targets.

    It ends with its delay, or earlier where the target itself is gone: ``gone`` has the ARNs of groups with the keys of
    targets.
    """
    drained = []
    for group in list(world.target_groups.values()):
        ended = [
            item
            for item in group.targets
            if item.draining_until is not None and (item.draining_until <= now or (group.arn, item.key) in gone)
        ]
        if ended:
            world = world.with_target_group(
                replace(group, targets=tuple(item for item in group.targets if item not in ended))
            )
            drained += [(group, item) for item in ended]
    return world, drained


def describe_target_health(world: World, request: dict[str, Any], context: Context) -> Document:
    """DescribeTargetHealth of all registered and draining targets, or of those that the request names."""
    group = target_group(world, request["TargetGroupArn"])
    in_use = bool(world.load_balancers_using(group.arn))
    if not request.get("Targets"):
        descriptions = [_description(group, target, in_use, context) for target in group.targets]
        return {"TargetHealthDescriptions": descriptions}
    descriptions = []
    for item in request["Targets"]:
        _requested(group, item, context)
        found = [target for target in group.targets if target.id == item["Id"]]
        if "Port" in item:
            found = [target for target in found if target.port == item["Port"]]
        descriptions += [_description(group, target, in_use, context) for target in found]
        if not found:
            descriptions.append(_not_registered(group, item))
    return {"TargetHealthDescriptions": descriptions}


def _description(group: TargetGroup, target: Target, in_use: bool, context: Context) -> Document:
    check_port = str(target.port) if group.health_check.port == "traffic-port" else group.health_check.port
    described: Document = {"Target": {"Id": target.id, "Port": target.port}, "HealthCheckPort": check_port}
    if target.availability_zone:
        described["Target"]["AvailabilityZone"] = target.availability_zone
    if target.draining_until is not None:
        described["TargetHealth"] = {
            "State": "draining",
            "Reason": "Target.DeregistrationInProgress",
            "Description": "Target deregistration is in progress",
        }
    elif not in_use:
        described["TargetHealth"] = {
            "State": "unused",
            "Reason": "Target.NotInUse",
            "Description": "Target group is not configured to receive traffic from the load balancer",
        }
    else:
        described["TargetHealth"] = context.health.describe(group, target)
    return described


def _not_registered(group: TargetGroup, item: Document) -> Document:
    return {
        "Target": {"Id": item["Id"], "Port": item.get("Port", group.port)},
        "TargetHealth": {
            "State": "unused",
            "Reason": "Target.NotRegistered",
            "Description": "Target is not registered to the target group",
        },
    }
