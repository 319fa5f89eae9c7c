"""Tags, as this load balancer and moto have them."""

from __future__ import annotations

from typing import Any

from tests.unit.local_alb.compared import World, both_refuse, documented_refusal, same
from tests.unit.local_alb.inprocess import Document


def tags(*pairs: str) -> list[Document]:
    return [{"Key": pair[0], "Value": pair[1:]} for pair in pairs]


def added(world: World, arn: str, *pairs: str) -> list[Document]:
    world.client.add_tags(ResourceArns=[arn], Tags=tags(*pairs))
    return described(world, arn)


def described(world: World, *arns: str) -> list[Document]:
    found = world.client.describe_tags(ResourceArns=list(arns))["TagDescriptions"]
    return [{tag["Key"]: tag["Value"] for tag in item["Tags"]} for item in found]


def of_every_kind(world: World) -> list[Document]:
    arns = [world.balancer, world.listener, world.rule(), world.group()]
    world.client.add_tags(ResourceArns=arns, Tags=tags("a1"))
    return described(world, *arns)


def given_at_creation(world: World) -> list[Document]:
    arns = [
        world.group(Tags=tags("g1")),
        world.rule(Tags=tags("r1")),
        world.new_listener(Tags=tags("l1")),
        world.new_balancer(Tags=tags("b1")),
    ]
    return described(world, *arns)


def removed(world: World) -> list[Document]:
    arn = world.group(Tags=tags("a1", "b2"))
    world.client.remove_tags(ResourceArns=[arn], TagKeys=["b", "c"])
    return described(world, arn)


def of_twenty_one(world: World) -> int:
    return len(described(world, *[world.group(f"g{number}") for number in range(21)]))


def fifty_one(world: World) -> Any:
    many = [{"Key": f"k{number}", "Value": ""} for number in range(51)]
    return world.client.add_tags(ResourceArns=[world.group()], Tags=many)


CASES = [
    same("AddTags", "a new value for a key", lambda w: added(w, w.group(Tags=tags("a1", "b2")), "a3", "c4")),
    same("AddTags", "on everything", of_every_kind),
    documented_refusal(
        "AddTags",
        "key twice",
        lambda w: added(w, w.group(), "a1", "a2"),
        "AddTags, errors: a tag key was specified more than once",
        "DuplicateTagKeys",
    ),
    documented_refusal(
        "AddTags",
        "51",
        fifty_one,
        "Tags for your Application Load Balancers: 50 a resource",
        "TooManyTags",
    ),
    both_refuse("AddTags", "group gone", lambda w: added(w, w.gone(w.group()), "a1"), "TargetGroupNotFound"),
    both_refuse("AddTags", "listener gone", lambda w: added(w, w.gone(w.listener), "a1"), "ListenerNotFound"),
    both_refuse("AddTags", "balancer gone", lambda w: added(w, w.gone(w.balancer), "a1"), "LoadBalancerNotFound"),
    both_refuse("AddTags", "rule gone", lambda w: added(w, w.gone(w.rule()), "a1"), "RuleNotFound"),
    documented_refusal(
        "AddTags",
        "reserved",
        lambda w: w.client.add_tags(ResourceArns=[w.group()], Tags=[{"Key": "aws:a"}]),
        'Tags for your Application Load Balancers: the prefix "aws:" is reserved',
    ),
    documented_refusal(
        "AddTags",
        "brackets",
        lambda w: added(w, w.group(), "a{1}"),
        "Tag, Value: the pattern that the service model states",
    ),
    same("RemoveTags", "some, and one that is not there", removed),
    both_refuse(
        "RemoveTags",
        "gone",
        lambda w: w.client.remove_tags(ResourceArns=[w.gone(w.group())], TagKeys=["a"]),
        "TargetGroupNotFound",
    ),
    same("DescribeTags", "given at creation", given_at_creation),
    same("DescribeTags", "none", lambda w: described(w, w.group())),
    documented_refusal(
        "DescribeTags",
        "gone",
        lambda w: described(w, w.gone(w.group())),
        "DescribeTags, errors: TargetGroupNotFound",
        "TargetGroupNotFound",
    ),
    documented_refusal(
        "DescribeTags",
        "of 21",
        of_twenty_one,
        "DescribeTags, ResourceArns: up to 20 resources in a call",
    ),
]
