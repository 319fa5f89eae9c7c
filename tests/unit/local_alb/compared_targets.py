"""Targets and their health, as this load balancer and moto have them."""

from __future__ import annotations

from typing import Any

from tests.unit.local_alb.compared import World, both_refuse, differs, documented_refusal, picked, same
from tests.unit.local_alb.inprocess import Document


def health(world: World, group: str, *targets: Document) -> list[Document]:
    request: Document = {"TargetGroupArn": group, **({"Targets": list(targets)} if targets else {})}
    return list(world.client.describe_target_health(**request)["TargetHealthDescriptions"])


def registered(world: World, *ports: int) -> list[Document]:
    group = world.group()
    world.register(group, *ports)
    return [picked(item["Target"], "Id", "Port") for item in health(world, group)]


def by_id_only(world: World) -> list[Document]:
    group = world.group()
    world.client.register_targets(TargetGroupArn=group, Targets=[{"Id": world.instance}])
    return [picked(item["Target"], "Id", "Port") for item in health(world, group)]


def refused_target(world: World, target: str, **settings: Any) -> Any:
    return world.client.register_targets(TargetGroupArn=world.group(**settings), Targets=[{"Id": target}])


def deregistered(world: World, *targets: Document) -> list[int]:
    group = world.group()
    world.register(group, 8001)
    world.client.deregister_targets(TargetGroupArn=group, Targets=list(targets))
    return [item["Target"]["Port"] for item in health(world, group)]


def unused(world: World) -> list[Document]:
    group = world.group()
    world.register(group, 8001)
    return [picked(item["TargetHealth"], "State", "Reason") for item in health(world, group)]


def not_registered(world: World) -> list[Document]:
    found = health(world, world.group(), {"Id": world.instance, "Port": 9})
    return [picked(item["TargetHealth"], "State", "Reason") for item in found]


def draining(world: World) -> list[Document]:
    group = world.group()
    world.rule(1, group)
    world.register(group, 8001)
    world.client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": world.instance, "Port": 8001}])
    found = health(world, group, {"Id": world.instance, "Port": 8001})
    return [picked(item["TargetHealth"], "State", "Reason") for item in found]


def where_it_is_probed(world: World) -> list[str]:
    group = world.group(HealthCheckPort="9000")
    world.register(group, 8001)
    return [item["HealthCheckPort"] for item in health(world, group)]


def of_a_gone_group(world: World, call: str) -> Any:
    request = {"TargetGroupArn": world.gone(world.group()), "Targets": [{"Id": world.instance, "Port": 1}]}
    return getattr(world.client, call)(**request)


GONE = "TargetGroupNotFound"
CASES = [
    same("RegisterTargets", "one", lambda w: registered(w, 8001)),
    differs(
        "RegisterTargets",
        "two ports of one instance",
        lambda w: registered(w, 8001, 8002),
        [{"Id": "instance", "Port": 8001}, {"Id": "instance", "Port": 8002}],
        "RegisterTargets: the same instance several times, on different ports",
    ),
    same("RegisterTargets", "without a port", by_id_only),
    same("RegisterTargets", "the same twice", lambda w: registered(w, 8001, 8001)),
    both_refuse("RegisterTargets", "group gone", lambda w: of_a_gone_group(w, "register_targets"), GONE),
    documented_refusal(
        "RegisterTargets",
        "no instance",
        lambda w: refused_target(w, "i-1"),
        "TargetDescription, Id: an instance ID for the type instance",
    ),
    documented_refusal(
        "RegisterTargets",
        "an instance that does not exist",
        lambda w: refused_target(w, "i-0000000000000000f"),
        "RegisterTargets, Errors, InvalidTarget: the specified target does not exist",
        "InvalidTarget",
    ),
    documented_refusal(
        "RegisterTargets",
        "no address",
        lambda w: refused_target(w, "here", TargetType="ip"),
        "TargetDescription, Id: an IP address for the type ip",
    ),
    documented_refusal(
        "RegisterTargets",
        "public address",
        lambda w: refused_target(w, "8.8.8.8", TargetType="ip"),
        "Target type: publicly routable addresses cannot be specified",
        "InvalidTarget",
    ),
    documented_refusal(
        "RegisterTargets",
        "none",
        lambda w: w.client.register_targets(TargetGroupArn=w.group(), Targets=[]),
        "RegisterTargets, Targets: required",
    ),
    same("DeregisterTargets", "of an unused group", lambda w: deregistered(w, {"Id": w.instance, "Port": 8001})),
    same("DeregisterTargets", "all ports", lambda w: deregistered(w, {"Id": w.instance})),
    differs(
        "DeregisterTargets",
        "unknown",
        lambda w: deregistered(w, {"Id": w.instance, "Port": 9}),
        [8001],
        "DeregisterTargets: a target that does not exist is no error, and takes no other along",
    ),
    both_refuse("DeregisterTargets", "group gone", lambda w: of_a_gone_group(w, "deregister_targets"), GONE),
    differs(
        "DescribeTargetHealth",
        "unused",
        unused,
        [{"State": "unused", "Reason": "Target.NotInUse"}],
        "TargetHealth: Target.NotInUse where no load balancer uses the group",
    ),
    same("DescribeTargetHealth", "not registered", not_registered),
    differs(
        "DescribeTargetHealth",
        "draining",
        draining,
        [{"State": "draining", "Reason": "Target.DeregistrationInProgress"}],
        "TargetHealth: draining until the deregistration delay has expired",
    ),
    same("DescribeTargetHealth", "port of the check", where_it_is_probed),
    both_refuse("DescribeTargetHealth", "group gone", lambda w: of_a_gone_group(w, "describe_target_health"), GONE),
]
