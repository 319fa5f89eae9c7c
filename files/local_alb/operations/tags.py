"""Tags of load balancers, listeners, rules and target groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local_alb.errors import ApiError, validation_error
from local_alb.model.lookup import resource
from local_alb.model.world import Listener, LoadBalancer, Resource, Rule, World
from local_alb.validation.quotas import MAX_DESCRIBED_TAG_RESOURCES, MAX_TAGS

from .context import Context


def tags_of_request(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Returns the tags of a creating request; raises DuplicateTagKeys, TooManyTags or ValidationError."""
    found: dict[str, str] = {}
    for tag in tags or []:
        key = tag["Key"]
        if key in found:
            raise ApiError("DuplicateTagKeys", f"The tag key '{key}' is given more than once")
        if key.lower().startswith("aws:"):
            raise validation_error(f"The tag key '{key}' begins with 'aws:', which is reserved")
        found[key] = tag.get("Value", "")
    _check_count(found)
    return found


def _check_count(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise ApiError("TooManyTags", f"A resource can have at most {MAX_TAGS} tags")


def _retagged(world: World, item: Resource, tags: dict[str, str]) -> World:
    if isinstance(item, LoadBalancer):
        return world.with_load_balancer(replace(item, tags=tags))
    if isinstance(item, Listener):
        return world.with_listener(replace(item, tags=tags))
    if isinstance(item, Rule):
        return world.with_rules(replace(item, tags=tags))
    return world.with_target_group(replace(item, tags=tags))


def _resources(world: World, arns: list[str]) -> list[Resource]:
    if not arns:
        raise validation_error("At least one resource ARN must be specified")
    if len(arns) > MAX_DESCRIBED_TAG_RESOURCES:
        raise validation_error(f"Cannot have more than {MAX_DESCRIBED_TAG_RESOURCES} resources described")
    return [resource(world, arn) for arn in arns]


def add_tags(world: World, request: dict[str, Any], context: Context) -> tuple[World, dict[str, Any]]:
    """AddTags: a tag that exists already gets the new value."""
    added = tags_of_request(request["Tags"])
    for item in _resources(world, request["ResourceArns"]):
        tags = {**item.tags, **added}
        _check_count(tags)
        world = _retagged(world, item, tags)
    return world, {}


def remove_tags(world: World, request: dict[str, Any], context: Context) -> tuple[World, dict[str, Any]]:
    """RemoveTags: a key that is not there is no error."""
    for item in _resources(world, request["ResourceArns"]):
        world = _retagged(world, item, {key: item.tags[key] for key in item.tags if key not in request["TagKeys"]})
    return world, {}


def describe_tags(world: World, request: dict[str, Any], context: Context) -> dict[str, Any]:
    """DescribeTags, of at most 20 resources a call."""
    descriptions = [
        {"ResourceArn": item.arn, "Tags": [{"Key": key, "Value": value} for key, value in item.tags.items()]}
        for item in _resources(world, request["ResourceArns"])
    ]
    return {"TagDescriptions": descriptions}
