"""Finding resources by ARN, with AWS's answers where there is none."""

from __future__ import annotations

from local_alb.errors import ApiError, validation_error

from .world import Listener, LoadBalancer, Resource, Rule, TargetGroup, World


def _check_form(arn: str, kind: str, noun: str) -> None:
    if not arn.startswith("arn:") or f":{kind}/" not in arn:
        raise validation_error(f"'{arn}' is not a valid {noun} ARN")


def load_balancer(world: World, arn: str) -> LoadBalancer:
    """Returns the load balancer. Raises ApiError where there is none, or the ARN is none of a load balancer."""
    _check_form(arn, "loadbalancer", "load balancer")
    found = world.load_balancers.get(arn)
    if found is None:
        raise ApiError("LoadBalancerNotFound", f"Load balancer '{arn}' not found")
    return found


def listener(world: World, arn: str) -> Listener:
    """Returns the listener. Raises ApiError where there is none, or the ARN is none of a listener."""
    _check_form(arn, "listener", "listener")
    found = world.listeners.get(arn)
    if found is None:
        raise ApiError("ListenerNotFound", f"Listener '{arn}' not found")
    return found


def rule(world: World, arn: str) -> Rule | Listener:
    """Returns the rule, or the listener whose default rule the ARN names."""
    _check_form(arn, "listener-rule", "listener rule")
    if arn in world.rules:
        return world.rules[arn]
    for candidate in world.listeners.values():
        if candidate.default_rule_arn == arn:
            return candidate
    raise ApiError("RuleNotFound", f"Rule '{arn}' not found")


def target_group(world: World, arn: str) -> TargetGroup:
    """Returns the target group. Raises ApiError where there is none, or the ARN is none of a target group."""
    _check_form(arn, "targetgroup", "target group")
    found = world.target_groups.get(arn)
    if found is None:
        raise ApiError("TargetGroupNotFound", f"Target group '{arn}' not found")
    return found


def resource(world: World, arn: str) -> Resource:
    """Returns whatever can bear tags."""
    for kind, find in (
        (":loadbalancer/", load_balancer),
        (":listener/", listener),
        (":listener-rule/", rule),
        (":targetgroup/", target_group),
    ):
        if kind in arn:
            return find(world, arn)  # type: ignore[operator]
    raise validation_error(f"'{arn}' is not a valid resource ARN")
