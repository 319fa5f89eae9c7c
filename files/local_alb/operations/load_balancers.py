"""Operations on load balancers, their attributes and the account's limits."""

from __future__ import annotations

import re
from typing import Any

from local_alb.errors import ApiError, invalid_configuration, validation_error
from local_alb.model.lookup import load_balancer
from local_alb.model.world import LOCAL_VPC, REGION, Document, LoadBalancer, World, load_balancer_arn

from .context import Context
from .paging import page_of
from .tags import tags_of_request

NAME = re.compile(r"(?!-)(?!internal-)[A-Za-z0-9-]{1,32}(?<!-)")


def describe(item: LoadBalancer, context: Context) -> Document:
    """Returns the LoadBalancer structure."""
    return {
        "LoadBalancerArn": item.arn,
        "DNSName": context.dns_name,
        "CanonicalHostedZoneId": "Z00000000000000000000",
        "CreatedTime": item.created,
        "LoadBalancerName": item.name,
        "Scheme": item.scheme,
        "VpcId": item.vpc_id,
        "State": context.health.load_balancer_state(),
        "Type": "application",
        "AvailabilityZones": [
            {"ZoneName": f"{REGION}{'abcdef'[index % 6]}", "SubnetId": subnet, "LoadBalancerAddresses": []}
            for index, subnet in enumerate(item.subnets)
        ],
        "SecurityGroups": list(item.security_groups),
        "IpAddressType": "ipv4",
    }


def create_load_balancer(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """CreateLoadBalancer. The same name with the same settings is no error and answers with the existing one."""
    name = request["Name"]
    if not NAME.fullmatch(name):
        raise validation_error(
            f"Load balancer name '{name}' must have 1 to 32 letters, digits and hyphens, no hyphen at its ends, and "
            "not begin with 'internal-'"
        )
    if request.get("Type", "application") != "application":
        raise invalid_configuration(f"The type '{request['Type']}' is not supported by the local load balancer")
    if request.get("IpAddressType", "ipv4") != "ipv4":
        raise invalid_configuration("The local load balancer has IPv4 addresses only")
    for member in ("CustomerOwnedIpv4Pool", "EnablePrefixForIpv6SourceNat", "IpamPools"):
        if request.get(member):
            raise invalid_configuration(f"'{member}' is not supported by the local load balancer")
    new = LoadBalancer(
        arn=load_balancer_arn(name, context.new_id()),
        name=name,
        scheme=request.get("Scheme", "internet-facing"),
        created=context.now,
        vpc_id=LOCAL_VPC,
        subnets=_subnets(request),
        security_groups=tuple(request.get("SecurityGroups") or []),
        tags=tags_of_request(request.get("Tags")),
    )
    for existing in world.load_balancers.values():
        if existing.name == name:
            settings = ("scheme", "subnets", "security_groups")
            if all(getattr(existing, key) == getattr(new, key) for key in settings):
                return world, {"LoadBalancers": [describe(existing, context)]}
            raise ApiError(
                "DuplicateLoadBalancerName",
                f"A load balancer with the same name '{name}' exists, but with different settings",
            )
    context.quotas.check(
        "application-load-balancers",
        len(world.load_balancers) + 1,
        "TooManyLoadBalancers",
        "The maximum number of load balancers has been reached",
    )
    return world.with_load_balancer(new), {"LoadBalancers": [describe(new, context)]}


def _subnets(request: dict[str, Any]) -> tuple[str, ...]:
    given, mapped = request.get("Subnets") or [], request.get("SubnetMappings") or []
    if bool(given) == bool(mapped):
        raise validation_error("You must specify either subnets or subnet mappings, and not both")
    subnets = tuple(given) + tuple(mapping.get("SubnetId", "") for mapping in mapped)
    for subnet in subnets:
        if not re.fullmatch(r"subnet-[0-9a-f]{8,17}", subnet):
            raise ApiError("SubnetNotFound", f"The subnet ID '{subnet}' is not valid")
    if len(set(subnets)) < 2:
        raise validation_error("At least two subnets in two different Availability Zones must be specified")
    return subnets


def delete_load_balancer(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """DeleteLoadBalancer takes the listeners and rules along; one that is not there is no error."""
    arn = request["LoadBalancerArn"]
    if ":loadbalancer/" not in arn:
        raise validation_error(f"'{arn}' is not a valid load balancer ARN")
    existing = world.load_balancers.get(arn)
    if existing is None:
        return world, {}
    if existing.attributes.get("deletion_protection.enabled") == "true":
        raise ApiError(
            "OperationNotPermitted", f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        )
    return world.without_load_balancer(arn), {}


def describe_load_balancers(world: World, request: dict[str, Any], context: Context) -> Document:
    """DescribeLoadBalancers: all, or those with given names or ARNs."""
    if request.get("LoadBalancerArns") and request.get("Names"):
        raise validation_error("Load balancer names and ARNs cannot be specified at the same time")
    items = list(world.load_balancers.values())
    if request.get("LoadBalancerArns"):
        items = [load_balancer(world, arn) for arn in dict.fromkeys(request["LoadBalancerArns"])]
    elif request.get("Names"):
        by_name = {item.name: item for item in items}
        missing = [name for name in request["Names"] if name not in by_name]
        if missing:
            raise ApiError("LoadBalancerNotFound", f"Load balancers '[{', '.join(missing)}]' not found")
        items = [by_name[name] for name in dict.fromkeys(request["Names"])]
    part, marker = page_of(items, lambda item: item.arn, request, context.page_size)
    return {"LoadBalancers": [describe(item, context) for item in part], **marker}


def describe_account_limits(world: World, request: dict[str, Any], context: Context) -> Document:
    """DescribeAccountLimits: the quotas by name."""
    limits = [{"Name": name, "Max": str(limit)} for name, limit in context.quotas.limits.items()]
    part, marker = page_of(limits, lambda limit: limit["Name"], request, context.page_size)
    return {"Limits": list(part), **marker}
