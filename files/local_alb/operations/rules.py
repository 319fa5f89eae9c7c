"""Operations on listener rules."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from local_alb.errors import ApiError, validation_error
from local_alb.model.lookup import listener, rule
from local_alb.model.world import Document, Listener, Rule, World, rule_arn
from local_alb.validation.actions import check_actions
from local_alb.validation.balancer_quotas import check_balancer_quotas
from local_alb.validation.conditions import check_conditions
from local_alb.validation.transforms import check_transforms

from .context import Context
from .paging import page_of
from .tags import tags_of_request


def describe(item: Rule | Listener) -> Document:
    """Returns the Rule structure of a rule, or of a listener's default rule."""
    if isinstance(item, Listener):
        return {
            "RuleArn": item.default_rule_arn,
            "Priority": "default",
            "Conditions": [],
            "Actions": list(item.default_actions),
            "IsDefault": True,
            "Transforms": [],
        }
    return {
        "RuleArn": item.arn,
        "Priority": str(item.priority),
        "Conditions": list(item.conditions),
        "Actions": list(item.actions),
        "IsDefault": False,
        "Transforms": list(item.transforms),
    }


def _check_priority_free(world: World, listener_arn: str, priority: int) -> None:
    if any(item.priority == priority for item in world.rules_of(listener_arn)):
        raise ApiError("PriorityInUse", f"Priority '{priority}' is currently in use")


def create_rule(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """CreateRule. Not idempotent, as in AWS: the second call finds its own priority in use."""
    owner = listener(world, request["ListenerArn"])
    new = Rule(
        arn=rule_arn(owner.arn, context.new_id()),
        listener_arn=owner.arn,
        priority=request["Priority"],
        conditions=check_conditions(request["Conditions"], context.quotas),
        actions=check_actions(request["Actions"], world, context.quotas, owner.load_balancer_arn, owner.protocol),
        transforms=check_transforms(request.get("Transforms")),
        tags=tags_of_request(request.get("Tags")),
    )
    _check_priority_free(world, owner.arn, new.priority)
    rules = sum(len(world.rules_of(item.arn)) for item in world.listeners_of(owner.load_balancer_arn))
    context.quotas.check(
        "rules-per-application-load-balancer",
        rules + 1,
        "TooManyRules",
        "The maximum number of rules on the load balancer has been reached",
    )
    world = world.with_rules(new)
    check_balancer_quotas(world, owner.load_balancer_arn, context.quotas)
    return world, {"Rules": [describe(new)]}


def modify_rule(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """ModifyRule replaces what it names and leaves the rest."""
    item = rule(world, request["RuleArn"])
    if isinstance(item, Listener):
        raise ApiError("OperationNotPermitted", f"Default rule '{request['RuleArn']}' cannot be modified")
    owner = world.listeners[item.listener_arn]
    if request.get("Transforms") and request.get("ResetTransforms"):
        raise validation_error("'Transforms' and 'ResetTransforms' cannot be specified together")
    if "Conditions" in request:
        item = replace(item, conditions=check_conditions(request["Conditions"], context.quotas))
    if "Actions" in request:
        actions = check_actions(request["Actions"], world, context.quotas, owner.load_balancer_arn, owner.protocol)
        item = replace(item, actions=actions)
    if request.get("ResetTransforms"):
        item = replace(item, transforms=())
    elif request.get("Transforms"):
        item = replace(item, transforms=check_transforms(request["Transforms"]))
    world = world.with_rules(item)
    check_balancer_quotas(world, owner.load_balancer_arn, context.quotas)
    return world, {"Rules": [describe(item)]}


def delete_rule(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """DeleteRule. A default rule cannot be deleted."""
    item = rule(world, request["RuleArn"])
    if isinstance(item, Listener):
        raise ApiError("OperationNotPermitted", f"Default rule '{request['RuleArn']}' cannot be deleted")
    return world.without_rule(item.arn), {}


def set_rule_priorities(world: World, request: dict[str, Any], context: Context) -> tuple[World, Document]:
    """SetRulePriorities moves all named rules at once, or none of them."""
    pairs = request["RulePriorities"]
    if not pairs:
        raise validation_error("At least one rule priority must be specified")
    moved: dict[str, Rule] = {}
    wanted = Counter(pair.get("Priority") for pair in pairs)
    for priority, count in wanted.items():
        if priority is not None and count > 1:
            raise validation_error(f"Priority '{priority}' was provided multiple times")
    for pair in pairs:
        if "RuleArn" not in pair or "Priority" not in pair:
            raise validation_error("Each rule priority needs a rule ARN and a priority")
        item = rule(world, pair["RuleArn"])
        if isinstance(item, Listener):
            raise ApiError("OperationNotPermitted", "The priority of a default rule cannot be changed")
        if item.arn in moved:
            raise validation_error(f"The rule '{item.arn}' is given more than once")
        moved[item.arn] = replace(item, priority=pair["Priority"])
    if len({item.listener_arn for item in moved.values()}) > 1:
        raise validation_error("All rules must belong to the same listener")
    world = world.with_rules(*moved.values())
    priorities: set[int] = set()
    for item in world.rules_of(next(iter(moved.values())).listener_arn):
        if item.priority in priorities:
            raise ApiError("PriorityInUse", f"Priority '{item.priority}' is currently in use")
        priorities.add(item.priority)
    return world, {"Rules": [describe(item) for item in moved.values()]}


def describe_rules(world: World, request: dict[str, Any], context: Context) -> Document:
    """DescribeRules of one listener, the default rule last, or of given ARNs."""
    items: list[Rule | Listener]
    if bool(request.get("ListenerArn")) == bool(request.get("RuleArns")):
        raise validation_error("Either a listener ARN or rule ARNs must be specified, not both")
    if request.get("ListenerArn"):
        owner = listener(world, request["ListenerArn"])
        items = [*world.rules_of(owner.arn), owner]
    else:
        items = [rule(world, arn) for arn in dict.fromkeys(request["RuleArns"])]
    part, marker = page_of(items, lambda item: item.arn, request, context.page_size)
    return {"Rules": [describe(item) for item in part], **marker}
