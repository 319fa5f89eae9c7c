# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application load balancer in memory: strict where the plan could go wrong, with a clock that costs nothing."""

from __future__ import annotations

import copy
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import ApiError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.apply import MonotonicClock
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_documents import (
    is_matched,
    key_values,
    weights_of,
    with_names,
)

LOAD_BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shared/50dc6c495c0c9188"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/shared/50dc6c495c0c9188/f2f7dc8efc522ab2"
VPC = "vpc-0a1b2c3d"
READS = ("describe_",)


class FakeClock(MonotonicClock):
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class FakeElbv2:
    """Answers calls as the service does, from dictionaries.

    ``servers`` are the endpoints that answer: (id, port) to (health path, whether it wants the prefix removed, name).
    ``before_call`` sees every call first and may raise; ``after_change`` sees the world after every change.
    """

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.rules: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.targets: dict[str, dict[tuple[str, int], dict[str, Any]]] = {}
        self.attributes: dict[str, dict[str, str]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.servers: dict[tuple[str, int], tuple[str, bool, str]] = {}
        self.limits = {"rules-per-application-load-balancer": 100, "target-groups-per-application-load-balancer": 100}
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.before_call: Callable[[str, Mapping[str, Any]], None] = lambda operation, arguments: None
        self.after_change: Callable[[str], None] = lambda operation: None
        self.drain_seconds = 3.0
        self.idle_timeout = 60
        self.warm_up_seconds = 2.0
        self._made: Counter[str] = Counter()
        self._lock = threading.RLock()

    # -- the interface that the code under test uses

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, copy.deepcopy(dict(arguments))))
        self.before_call(operation, arguments)
        with self._lock:
            answer: dict[str, Any] = copy.deepcopy(getattr(self, f"_{operation}")(**copy.deepcopy(dict(arguments))))
            if not operation.startswith(READS):
                self.after_change(operation)
            return answer

    def pages(self, operation: str, key: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        return list(self.call(operation, arguments)[key])

    # -- what tests ask

    @property
    def changes(self) -> list[str]:
        return [operation for operation, arguments in self.calls if not operation.startswith(READS)]

    def state_of(self, group_arn: str, target: tuple[str, int]) -> tuple[str, str]:
        entry = self.targets[group_arn].get(target)
        if entry is None:
            return ("unused", "Target.NotRegistered")
        if entry.get("gone_at") is not None:
            if self.clock.time >= entry["gone_at"]:
                del self.targets[group_arn][target]
                return ("unused", "Target.NotRegistered")
            return ("draining", "Target.DeregistrationInProgress")
        if not self._users(group_arn):
            entry["since"] = self.clock.time
            return ("unused", "Target.NotInUse")
        if self.clock.time < entry["since"] + self.warm_up_seconds:
            return ("initial", "Elb.InitialHealthChecking")
        health_path = self.servers.get(target, ("",))[0]
        if health_path == self.groups[group_arn]["HealthCheckPath"]:
            return ("healthy", "")
        return ("unhealthy", "Target.FailedHealthChecks")

    def rule_for(self, path: str) -> dict[str, Any] | None:
        for rule in sorted(self.rules.values(), key=lambda rule: int(rule["Priority"])):
            if all(is_matched(condition, path) for condition in rule["Conditions"]):
                return rule
        return None

    def served_by(self, path: str) -> set[str]:
        """Which servers answer a path; none where any request for it may meet nobody who understands it."""
        rule = self.rule_for(path)
        if rule is None or rule["Actions"][-1]["Type"] != "forward":
            return set()
        names: set[str] = set()
        for arn, weight in weights_of(rule).items():
            answering = self._answering(arn, bool(rule.get("Transforms"))) if weight > 0 else set()
            if weight > 0 and not answering:
                return set()
            names |= answering
        return names

    def _answering(self, group_arn: str, stripped: bool) -> set[str]:
        targets = list(self.targets[group_arn])
        healthy = [target for target in targets if self.state_of(group_arn, target)[0] == "healthy"]
        if any(self.servers[target][1] != stripped for target in healthy):
            return set()
        return {self.servers[target][2] for target in healthy}

    def snapshot(self) -> dict[str, Any]:
        """Everything that can be seen, without what only says when, and with names in the place of ARNs."""
        names = {arn: group["TargetGroupName"] for arn, group in self.groups.items()}
        return {
            "rules": sorted(
                (
                    [
                        *(rule["Priority"], with_names(rule["Conditions"], names), with_names(rule["Actions"], names)),
                        *(rule.get("Transforms", []), sorted(self.tags.get(arn, {}).items())),
                    ]
                    for arn, rule in self.rules.items()
                ),
                key=str,
            ),
            "groups": {
                names[arn]: [
                    {k: v for k, v in group.items() if k != "TargetGroupArn"},
                    sorted(target for target in self.targets[arn] if self.state_of(arn, target)[0] != "draining"),
                    self.attributes[arn],
                    self.tags.get(arn, {}),
                ]
                for arn, group in self.groups.items()
            },
        }

    # -- setting a scene

    def add_rule(
        self,
        priority: int,
        conditions: list[dict[str, Any]],
        actions: list[dict[str, Any]],
        tags: Mapping[str, str] | None = None,
    ) -> str:
        answer = self._create_rule(LISTENER, priority, conditions, actions, key_values(tags or {}))
        return str(answer["Rules"][0]["RuleArn"])

    def add_group(self, name: str, health_path: str = "/", tags: Mapping[str, str] | None = None) -> str:
        answer = self._create_target_group(
            Name=name, VpcId=VPC, Protocol="HTTP", Port=80, HealthCheckPath=health_path, Tags=key_values(tags or {})
        )
        return str(answer["TargetGroups"][0]["TargetGroupArn"])

    # -- operations

    def _describe_listeners(
        self, ListenerArns: list[str] | None = None, LoadBalancerArn: str | None = None
    ) -> dict[str, Any]:
        listener = {"ListenerArn": LISTENER, "LoadBalancerArn": LOAD_BALANCER, "Protocol": "HTTPS", "Port": 443}
        return {"Listeners": [listener]}

    def _describe_load_balancers(self, LoadBalancerArns: list[str]) -> dict[str, Any]:
        balancer = {"LoadBalancerArn": LOAD_BALANCER, "DNSName": "shared.example.net", "VpcId": VPC}
        return {"LoadBalancers": [balancer]}

    def _describe_load_balancer_attributes(self, LoadBalancerArn: str) -> dict[str, Any]:
        return {"Attributes": key_values({"idle_timeout.timeout_seconds": str(self.idle_timeout)})}

    def _describe_account_limits(self) -> dict[str, Any]:
        return {"Limits": [{"Name": name, "Max": str(limit)} for name, limit in self.limits.items()]}

    def _describe_rules(self, ListenerArn: str) -> dict[str, Any]:
        default = {"RuleArn": "default", "IsDefault": True, "Priority": "default", "Actions": []}
        return {"Rules": [*self.rules.values(), default]}

    def _describe_target_groups(self, LoadBalancerArn: str | None = None) -> dict[str, Any]:
        found = [
            {**group, "LoadBalancerArns": [LOAD_BALANCER] if self._users(arn) else []}
            for arn, group in self.groups.items()
            if LoadBalancerArn is None or self._users(arn)
        ]
        return {"TargetGroups": found}

    def _describe_tags(self, ResourceArns: list[str]) -> dict[str, Any]:
        if len(ResourceArns) > 20:
            raise _refuse("describe_tags", "ValidationError")
        for arn in ResourceArns:
            if arn not in self.rules and arn not in self.groups:
                raise _refuse("describe_tags", "TargetGroupNotFound")
        found = [{"ResourceArn": arn, "Tags": key_values(self.tags.get(arn, {}))} for arn in ResourceArns]
        return {"TagDescriptions": found}

    def _describe_target_health(
        self, TargetGroupArn: str, Targets: list[dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        self._group("describe_target_health", TargetGroupArn)
        wanted = [(target["Id"], target["Port"]) for target in Targets or []] or list(self.targets[TargetGroupArn])
        found = []
        for target in wanted:
            state, reason = self.state_of(TargetGroupArn, target)
            if Targets or reason != "Target.NotRegistered":
                health = {"State": state, **({"Reason": reason} if reason else {})}
                found.append({"Target": {"Id": target[0], "Port": target[1]}, "TargetHealth": health})
        return {"TargetHealthDescriptions": found}

    def _describe_target_group_attributes(self, TargetGroupArn: str) -> dict[str, Any]:
        self._group("describe_target_group_attributes", TargetGroupArn)
        return {"Attributes": key_values(self.attributes[TargetGroupArn])}

    def _create_target_group(self, **settings: Any) -> dict[str, Any]:
        name, tags = settings.pop("Name"), settings.pop("Tags", [])
        if len(name) > 32 or not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", name):
            raise _refuse("create_target_group", "ValidationError")
        if settings.get("VpcId") != VPC:
            raise _refuse("create_target_group", "ValidationError")
        settings = {**_HEALTH_DEFAULTS, "TargetType": "instance", **settings}
        for group in self.groups.values():
            if group["TargetGroupName"] == name:
                if any(group.get(key) != value for key, value in settings.items()):
                    raise _refuse("create_target_group", "DuplicateTargetGroupName")
                return {"TargetGroups": [group]}
        arn = f"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/{name}/{self._next(name)}"
        self.groups[arn] = {"TargetGroupArn": arn, "TargetGroupName": name, **settings}
        self.targets[arn] = {}
        self.attributes[arn] = {"deregistration_delay.timeout_seconds": "300", "stickiness.enabled": "false"}
        self.tags[arn] = {tag["Key"]: tag["Value"] for tag in tags}
        return {"TargetGroups": [self.groups[arn]]}

    def _modify_target_group(self, TargetGroupArn: str, **settings: Any) -> dict[str, Any]:
        self._group("modify_target_group", TargetGroupArn).update(settings)
        return {"TargetGroups": [self.groups[TargetGroupArn]]}

    def _modify_target_group_attributes(self, TargetGroupArn: str, Attributes: list[dict[str, str]]) -> dict[str, Any]:
        self._group("modify_target_group_attributes", TargetGroupArn)
        self.attributes[TargetGroupArn].update({entry["Key"]: entry["Value"] for entry in Attributes})
        return {}

    def _register_targets(self, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> dict[str, Any]:
        self._group("register_targets", TargetGroupArn)
        for target in Targets:
            key = (target["Id"], target["Port"])
            known = self.targets[TargetGroupArn].get(key)
            if known is None or known.get("gone_at") is not None:
                self.targets[TargetGroupArn][key] = {"since": self.clock.time}
        return {}

    def _deregister_targets(self, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> dict[str, Any]:
        self._group("deregister_targets", TargetGroupArn)
        for target in Targets:
            entry = self.targets[TargetGroupArn].get((target["Id"], target["Port"]))
            if entry is not None and entry.get("gone_at") is None:
                entry["gone_at"] = self.clock.time + (self.drain_seconds if self._users(TargetGroupArn) else 0)
        return {}

    def _delete_target_group(self, TargetGroupArn: str) -> dict[str, Any]:
        self._group("delete_target_group", TargetGroupArn)
        if self._users(TargetGroupArn):
            raise _refuse("delete_target_group", "ResourceInUse")
        for table in (self.groups, self.targets, self.attributes, self.tags):
            table.pop(TargetGroupArn, None)
        return {}

    def _create_rule(
        self,
        ListenerArn: str,
        Priority: int,
        Conditions: list[dict[str, Any]],
        Actions: list[dict[str, Any]],
        Tags: list[dict[str, str]] | None = None,
        Transforms: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        if not 1 <= Priority <= 50000 or not Conditions:
            raise _refuse("create_rule", "ValidationError")
        if any(rule["Priority"] == str(Priority) for rule in self.rules.values()):
            raise _refuse("create_rule", "PriorityInUse")
        if len(self.rules) >= self.limits["rules-per-application-load-balancer"]:
            raise _refuse("create_rule", "TooManyRules")
        arn = f"{LISTENER.replace(':listener/', ':listener-rule/')}/{self._next('rule')}"
        rule = {"RuleArn": arn, "Priority": str(Priority), "IsDefault": False, "Conditions": Conditions}
        rule |= {"Actions": Actions, **({"Transforms": Transforms} if Transforms else {})}
        self._put("create_rule", rule)
        self.tags[arn] = {tag["Key"]: tag["Value"] for tag in Tags or []}
        return {"Rules": [rule]}

    def _modify_rule(
        self,
        RuleArn: str,
        Conditions: list[dict[str, Any]] | None = None,
        Actions: list[dict[str, Any]] | None = None,
        Transforms: list[dict[str, Any]] | None = None,
        ResetTransforms: bool = False,
    ) -> dict[str, Any]:
        rule = dict(self._rule("modify_rule", RuleArn))
        rule |= {k: v for k, v in (("Conditions", Conditions), ("Actions", Actions), ("Transforms", Transforms)) if v}
        if ResetTransforms:
            if Transforms:
                raise _refuse("modify_rule", "ValidationError")
            rule.pop("Transforms", None)
        self._put("modify_rule", rule)
        return {"Rules": [rule]}

    def _put(self, operation: str, rule: dict[str, Any]) -> None:
        weights = weights_of(rule)
        if len(weights) > 5:
            raise _refuse(operation, "TooManyTargetGroups")
        for arn in weights:
            self._group(operation, arn)
        used = {
            arn for other in self.rules.values() if other["RuleArn"] != rule["RuleArn"] for arn in weights_of(other)
        }
        if len(used | set(weights)) > self.limits["target-groups-per-application-load-balancer"]:
            raise _refuse(operation, "TooManyUniqueTargetGroupsPerLoadBalancer")
        self.rules[rule["RuleArn"]] = rule

    def _set_rule_priorities(self, RulePriorities: list[dict[str, Any]]) -> dict[str, Any]:
        wanted = {entry["RuleArn"]: str(entry["Priority"]) for entry in RulePriorities}
        for arn in wanted:
            self._rule("set_rule_priorities", arn)
        after = [wanted.get(arn, rule["Priority"]) for arn, rule in self.rules.items()]
        if len(set(after)) != len(after):
            raise _refuse("set_rule_priorities", "PriorityInUse")
        for arn, priority in wanted.items():
            self.rules[arn]["Priority"] = priority
        return {}

    def _delete_rule(self, RuleArn: str) -> dict[str, Any]:
        self._rule("delete_rule", RuleArn)
        del self.rules[RuleArn]
        self.tags.pop(RuleArn, None)
        return {}

    def _add_tags(self, ResourceArns: list[str], Tags: list[dict[str, str]]) -> dict[str, Any]:
        for arn in ResourceArns:
            if arn not in self.rules and arn not in self.groups:
                raise _refuse("add_tags", "TargetGroupNotFound")
            self.tags.setdefault(arn, {}).update({tag["Key"]: tag["Value"] for tag in Tags})
        return {}

    def _remove_tags(self, ResourceArns: list[str], TagKeys: list[str]) -> dict[str, Any]:
        for arn in ResourceArns:
            for key in TagKeys:
                self.tags.get(arn, {}).pop(key, None)
        return {}

    def _users(self, group_arn: str) -> list[str]:
        return [arn for arn, rule in self.rules.items() if group_arn in weights_of(rule)]

    def _group(self, operation: str, arn: str) -> dict[str, Any]:
        if arn not in self.groups:
            raise _refuse(operation, "TargetGroupNotFound")
        return self.groups[arn]

    def _rule(self, operation: str, arn: str) -> dict[str, Any]:
        if arn not in self.rules:
            raise _refuse(operation, "RuleNotFound")
        return self.rules[arn]

    def _next(self, name: str) -> str:
        """The end of an ARN: another for each of the same name, and the same whichever thread comes first."""
        self._made[name] += 1
        return f"{self._made[name]:016x}"


_HEALTH_DEFAULTS = {
    "HealthCheckEnabled": True,
    "HealthCheckProtocol": "HTTP",
    "HealthCheckPort": "traffic-port",
    "HealthCheckPath": "/",
    "HealthCheckIntervalSeconds": 30,
    "HealthCheckTimeoutSeconds": 5,
    "HealthyThresholdCount": 5,
    "UnhealthyThresholdCount": 2,
    "Matcher": {"HttpCode": "200"},
}


def _refuse(operation: str, code: str) -> ApiError:
    return ApiError(operation, code, f"{operation} failed: {code}")
