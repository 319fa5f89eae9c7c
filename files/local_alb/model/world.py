"""What the load balancer is: plain, immutable data. Everything else reads it or makes a new one of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Document = dict[str, Any]  # a structure of the API, in the API's own member names
Strings = Mapping[str, str]

REGION = "us-east-1"
ACCOUNT = "000000000000"
_ARN = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"

# The only instance is this host.
INSTANCE = "i-00000000000000001"
INSTANCE_ADDRESS = "127.0.0.1"
# All load balancers are in this network.
LOCAL_VPC = "vpc-00000000000000001"

# The load balancer and the listener that every installation has from its first start.
LOCAL_NAME = "mcp-local"
LOCAL_LOAD_BALANCER_ARN = f"{_ARN}:loadbalancer/app/{LOCAL_NAME}/0000000000000001"
LOCAL_LISTENER_ARN = f"{_ARN}:listener/app/{LOCAL_NAME}/0000000000000001/0000000000000001"


@dataclass(frozen=True)
class LoadBalancer:
    """What listeners belong to; times in seconds since the epoch."""

    arn: str
    name: str
    scheme: str
    created: float
    vpc_id: str
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    attributes: Strings = field(default_factory=dict)
    tags: Strings = field(default_factory=dict)


@dataclass(frozen=True)
class Listener:
    """A port that takes requests; its default actions answer what no rule matches."""

    arn: str
    load_balancer_arn: str
    port: int
    protocol: str
    default_actions: tuple[Document, ...]
    ssl_policy: str | None = None
    certificates: tuple[str, ...] = ()
    attributes: Strings = field(default_factory=dict)
    tags: Strings = field(default_factory=dict)

    @property
    def default_rule_arn(self) -> str:
        """The ARN of the rule that stands for the default actions."""
        return rule_arn(self.arn, self.arn.rsplit("/", 1)[1])


@dataclass(frozen=True)
class Rule:
    """What a listener does with the requests that fulfil all conditions; the lowest priority is tried first."""

    arn: str
    listener_arn: str
    priority: int
    conditions: tuple[Document, ...]
    actions: tuple[Document, ...]
    transforms: tuple[Document, ...] = ()
    tags: Strings = field(default_factory=dict)


@dataclass(frozen=True)
class HealthCheck:
    """How the targets of a group are probed; interval and timeout in seconds."""

    protocol: str
    port: str
    path: str
    interval: int
    timeout: int
    healthy_threshold: int
    unhealthy_threshold: int
    matcher: str


@dataclass(frozen=True)
class Target:
    """One registered port of an instance or address; times in seconds since the epoch."""

    id: str
    port: int
    registered: float
    availability_zone: str | None = None
    draining_until: float | None = None

    @property
    def key(self) -> tuple[str, int]:
        """What tells the target from the others of its group."""
        return (self.id, self.port)


@dataclass(frozen=True)
class TargetGroup:
    """Targets that are probed alike and share the requests of the rules that forward to the group."""

    arn: str
    name: str
    protocol: str
    protocol_version: str
    port: int
    vpc_id: str
    target_type: str
    ip_address_type: str
    health_check: HealthCheck
    targets: tuple[Target, ...] = ()
    attributes: Strings = field(default_factory=dict)
    tags: Strings = field(default_factory=dict)


Resource = LoadBalancer | Listener | Rule | TargetGroup


@dataclass(frozen=True)
class World:
    """All resources by ARN, in the order of their creation."""

    load_balancers: Mapping[str, LoadBalancer] = field(default_factory=dict)
    listeners: Mapping[str, Listener] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    target_groups: Mapping[str, TargetGroup] = field(default_factory=dict)

    def with_load_balancer(self, load_balancer: LoadBalancer) -> World:
        """Returns the world with the load balancer, in the place of one of the same ARN."""
        return replace(self, load_balancers={**self.load_balancers, load_balancer.arn: load_balancer})

    def with_listener(self, listener: Listener) -> World:
        """Returns the world with the listener, in the place of one of the same ARN."""
        return replace(self, listeners={**self.listeners, listener.arn: listener})

    def with_rules(self, *rules: Rule) -> World:
        """Returns the world with the rules, in the place of those of the same ARNs."""
        return replace(self, rules={**self.rules, **{rule.arn: rule for rule in rules}})

    def with_target_group(self, group: TargetGroup) -> World:
        """Returns the world with the target group, in the place of one of the same ARN."""
        return replace(self, target_groups={**self.target_groups, group.arn: group})

    def without_load_balancer(self, arn: str) -> World:
        """Returns the world without the load balancer, its listeners and their rules."""
        world = self
        for listener in self.listeners_of(arn):
            world = world.without_listener(listener.arn)
        return replace(world, load_balancers=_without(world.load_balancers, arn))

    def without_listener(self, arn: str) -> World:
        """Returns the world without the listener and its rules."""
        rules = {key: rule for key, rule in self.rules.items() if rule.listener_arn != arn}
        return replace(self, listeners=_without(self.listeners, arn), rules=rules)

    def without_rule(self, arn: str) -> World:
        """Returns the world without the rule."""
        return replace(self, rules=_without(self.rules, arn))

    def without_target_group(self, arn: str) -> World:
        """Returns the world without the target group."""
        return replace(self, target_groups=_without(self.target_groups, arn))

    def listeners_of(self, load_balancer_arn: str) -> list[Listener]:
        """Returns the listeners of a load balancer, the oldest first."""
        return [item for item in self.listeners.values() if item.load_balancer_arn == load_balancer_arn]

    def rules_of(self, listener_arn: str) -> list[Rule]:
        """Returns the rules of one listener, first to be tried first."""
        rules = [rule for rule in self.rules.values() if rule.listener_arn == listener_arn]
        return sorted(rules, key=lambda rule: rule.priority)

    def groups_of(self, load_balancer_arn: str) -> set[str]:
        """ARNs of the target groups that some listener or rule of the load balancer forwards to."""
        used = set()
        for listener in self.listeners_of(load_balancer_arn):
            used |= forwarded_to(listener.default_actions)
            for rule in self.rules_of(listener.arn):
                used |= forwarded_to(rule.actions)
        return used

    def load_balancers_using(self, group_arn: str) -> list[str]:
        """ARNs of the load balancers whose listeners or rules forward to the group."""
        return [arn for arn in self.load_balancers if group_arn in self.groups_of(arn)]


def _without(resources: Mapping[str, Any], arn: str) -> dict[str, Any]:
    return {key: value for key, value in resources.items() if key != arn}


def forwarded_to(actions: tuple[Document, ...]) -> set[str]:
    """ARNs of the target groups that the actions may send a request to."""
    found = set()
    for action in actions:
        for choice in action.get("ForwardConfig", {}).get("TargetGroups", []):
            found.add(choice["TargetGroupArn"])
    return found


def address_of(group: TargetGroup, target: Target) -> str:
    """Returns where a target really listens. Instance ids are this host; addresses are as given."""
    return INSTANCE_ADDRESS if group.target_type == "instance" else target.id


def load_balancer_arn(name: str, suffix: str) -> str:
    """Returns the ARN of a load balancer."""
    return f"{_ARN}:loadbalancer/app/{name}/{suffix}"


def target_group_arn(name: str, suffix: str) -> str:
    """Returns the ARN of a target group."""
    return f"{_ARN}:targetgroup/{name}/{suffix}"


def listener_arn(load_balancer: str, suffix: str) -> str:
    """Returns the ARN of a listener of the load balancer of that ARN."""
    return f"{load_balancer.replace(':loadbalancer/', ':listener/')}/{suffix}"


def rule_arn(listener: str, suffix: str) -> str:
    """Returns the ARN of a rule of the listener of that ARN."""
    return f"{listener.replace(':listener/', ':listener-rule/')}/{suffix}"
