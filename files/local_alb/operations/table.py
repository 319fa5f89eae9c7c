"""The operations that this load balancer knows, by their names on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_alb.model.world import Document, World

from . import attributes, listeners, load_balancers, rules, tags, target_groups, targets
from .context import Context

Read = Callable[[World, dict[str, Any], Context], Document]
Write = Callable[[World, dict[str, Any], Context], tuple[World, Document]]

READS: dict[str, Read] = {
    "DescribeAccountLimits": load_balancers.describe_account_limits,
    "DescribeListenerAttributes": attributes.LISTENERS.describe,
    "DescribeListenerCertificates": listeners.describe_listener_certificates,
    "DescribeListeners": listeners.describe_listeners,
    "DescribeLoadBalancerAttributes": attributes.LOAD_BALANCERS.describe,
    "DescribeLoadBalancers": load_balancers.describe_load_balancers,
    "DescribeRules": rules.describe_rules,
    "DescribeTags": tags.describe_tags,
    "DescribeTargetGroupAttributes": attributes.TARGET_GROUPS.describe,
    "DescribeTargetGroups": target_groups.describe_target_groups,
    "DescribeTargetHealth": targets.describe_target_health,
}

WRITES: dict[str, Write] = {
    "AddTags": tags.add_tags,
    "CreateListener": listeners.create_listener,
    "CreateLoadBalancer": load_balancers.create_load_balancer,
    "CreateRule": rules.create_rule,
    "CreateTargetGroup": target_groups.create_target_group,
    "DeleteListener": listeners.delete_listener,
    "DeleteLoadBalancer": load_balancers.delete_load_balancer,
    "DeleteRule": rules.delete_rule,
    "DeleteTargetGroup": target_groups.delete_target_group,
    "DeregisterTargets": targets.deregister_targets,
    "ModifyListener": listeners.modify_listener,
    "ModifyListenerAttributes": attributes.LISTENERS.modify,
    "ModifyLoadBalancerAttributes": attributes.LOAD_BALANCERS.modify,
    "ModifyRule": rules.modify_rule,
    "ModifyTargetGroup": target_groups.modify_target_group,
    "ModifyTargetGroupAttributes": attributes.TARGET_GROUPS.modify,
    "RegisterTargets": targets.register_targets,
    "RemoveTags": tags.remove_tags,
    "SetRulePriorities": rules.set_rule_priorities,
}
