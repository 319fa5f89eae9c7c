"""Describe…Attributes and Modify…Attributes, alike for load balancers, listeners and target groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from local_alb.model import attributes, lookup
from local_alb.model.world import Document, Listener, LoadBalancer, TargetGroup, World

from .context import Context

Bearer = TypeVar("Bearer", LoadBalancer, Listener, TargetGroup)


@dataclass(frozen=True)
class AttributeOperations(Generic[Bearer]):
    """Both operations on one kind of resource.

    ``arn_member`` is the request's member that names the resource, ``known`` its attributes; ``check`` raises ApiError
    where attributes contradict each other.
    """

    arn_member: str
    known: Mapping[str, attributes.Attribute]
    find: Callable[[World, str], Bearer]
    put: Callable[[World, Bearer], World]
    check: Callable[[Mapping[str, str]], None] = lambda explicit: None

    def describe(self, world: World, request: dict[str, Any], context: Context) -> Document:
        """Describe…Attributes: all of them, with AWS's defaults where nothing was set."""
        bearer = self.find(world, request[self.arn_member])
        return {"Attributes": attributes.described(self.known, bearer.attributes)}

    def modify(self, world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
        """Modify…Attributes changes those that it names and answers with all of them."""
        bearer = self.find(world, request[self.arn_member])
        changed = attributes.modified(self.known, bearer.attributes, request["Attributes"])
        self.check(changed)
        world = self.put(world, replace(bearer, attributes=changed))
        return world, {"Attributes": attributes.described(self.known, changed)}


LOAD_BALANCERS = AttributeOperations(
    "LoadBalancerArn", attributes.LOAD_BALANCER, lookup.load_balancer, World.with_load_balancer
)
LISTENERS = AttributeOperations("ListenerArn", attributes.LISTENER, lookup.listener, World.with_listener)
TARGET_GROUPS = AttributeOperations(
    "TargetGroupArn",
    attributes.TARGET_GROUP,
    lookup.target_group,
    World.with_target_group,
    attributes.check_target_group,
)
