"""Rules, as this load balancer and moto have them."""

from __future__ import annotations

from typing import Any

from tests.unit.local_alb.compared import (
    ANSWER,
    World,
    both_refuse,
    differs,
    documented_refusal,
    picked,
    same,
    sizes_of_pages,
)
from tests.unit.local_alb.inprocess import Document, path_condition


def shown(world: World, rule: str) -> Document:
    found = world.client.describe_rules(RuleArns=[rule])["Rules"][0]
    return {
        **picked(found, "Priority", "IsDefault"),
        "conditions": [picked(item, "Field", config_of(item["Field"])) for item in found["Conditions"]],
        "actions": [action["Type"] for action in found["Actions"]],
    }


def config_of(field: str) -> str:
    words = {"http-request-method": "HttpRequestMethod", "source-ip": "SourceIp"}
    return words.get(field, field.title().replace("-", "")) + "Config"


def priorities(world: World, **request: Any) -> list[str]:
    found = world.client.describe_rules(**(request or {"ListenerArn": world.listener}))["Rules"]
    return [rule["Priority"] for rule in found]


def by_header(*values: str) -> Document:
    return {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X", "Values": list(values)}}


def with_condition(world: World, field: str, **config: Any) -> Document:
    return shown(world, world.rule(Conditions=[{"Field": field, config_of(field): config}]))


def with_action(world: World, kind: str, name: str, **config: Any) -> Document:
    arn = world.rule(Actions=[{"Type": kind, name: config}])
    return dict(world.client.describe_rules(RuleArns=[arn])["Rules"][0]["Actions"][0][name])


def weighted(world: World) -> list[Document]:
    choices = [{"TargetGroupArn": world.group(name), "Weight": weight} for name, weight in (("a", 3), ("b", 0))]
    sticky = {"Enabled": True, "DurationSeconds": 60}
    forward = {"TargetGroups": choices, "TargetGroupStickinessConfig": sticky}
    return [with_action(world, "forward", "ForwardConfig", **forward)]


def stickiness_of_a_plain_forward(world: World) -> Document:
    arn = world.rule(1, world.group())
    action = world.client.describe_rules(RuleArns=[arn])["Rules"][0]["Actions"][0]
    return dict(action["ForwardConfig"].get("TargetGroupStickinessConfig", {}))


def to_six_groups(world: World) -> Document:
    choices = [{"TargetGroupArn": world.group(f"g{number}"), "Weight": 1} for number in range(6)]
    return with_action(world, "forward", "ForwardConfig", TargetGroups=choices)


def transforms_kept(world: World) -> bool:
    rewrite = {"Rewrites": [{"Regex": "^/a", "Replace": "/b"}]}
    arn = world.rule(1, world.group(), Transforms=[{"Type": "url-rewrite", "UrlRewriteConfig": rewrite}])
    return bool(world.client.describe_rules(RuleArns=[arn])["Rules"][0].get("Transforms"))


def rules_in_order(world: World) -> list[str]:
    for priority in (30, 10, 20):
        world.rule(priority)
    return priorities(world)


def in_pages(world: World) -> list[int]:
    for priority in (1, 2):
        world.rule(priority)
    return sizes_of_pages(world.client.describe_rules, "Rules", ListenerArn=world.listener, PageSize=2)


def default_of(world: World) -> str:
    found = world.client.describe_rules(ListenerArn=world.listener)["Rules"]
    return str(found[-1]["RuleArn"])


def modified(world: World, rule: str | None = None, **changes: Any) -> Document:
    arn = rule or world.rule()
    world.client.modify_rule(RuleArn=arn, **changes)
    return shown(world, arn)


def deleted(world: World, times: int = 1) -> list[str]:
    arn = world.rule()
    for _ in range(times):
        world.client.delete_rule(RuleArn=arn)
    return priorities(world)


def moved(world: World, *moves: tuple[str, int]) -> list[str]:
    pairs = [{"RuleArn": arn, "Priority": priority} for arn, priority in moves]
    world.client.set_rule_priorities(RulePriorities=pairs)
    return sorted(priorities(world))


def swapped(world: World) -> list[str]:
    first, second = world.rule(1), world.rule(2)
    moved(world, (first, 2), (second, 1))
    return [shown(world, arn)["Priority"] for arn in (first, second)]


def onto_another(world: World) -> list[str]:
    world.rule(2)
    return moved(world, (world.rule(1), 2))


def twice_in_one_call(world: World) -> list[str]:
    first, second = world.rule(1), world.rule(2)
    return moved(world, (first, 5), (second, 5))


CASES = [
    same("CreateRule", "that answers", lambda w: shown(w, w.rule())),
    same("CreateRule", "that forwards", lambda w: shown(w, w.rule(10, w.group()))),
    same("CreateRule", "that spreads by weight", weighted),
    differs(
        "CreateRule",
        "stickiness of a plain forward",
        stickiness_of_a_plain_forward,
        {"Enabled": False},
        "Action, ForwardConfig: with one target group both members may be there",
    ),
    same(
        "CreateRule",
        "that redirects",
        lambda w: with_action(
            w,
            "redirect",
            "RedirectConfig",
            StatusCode="HTTP_301",
            Protocol="HTTPS",
            Port="443",
            Host="#{host}",
            Path="/#{path}",
            Query="#{query}",
        ),
    ),
    same(
        "CreateRule",
        "by host",
        lambda w: with_condition(w, "host-header", Values=["*.example.com"]),
    ),
    same(
        "CreateRule",
        "by header",
        lambda w: with_condition(w, "http-header", HttpHeaderName="X-Team", Values=["a*", "b"]),
    ),
    same("CreateRule", "by method", lambda w: with_condition(w, "http-request-method", Values=["GET"])),
    same("CreateRule", "by query", lambda w: with_condition(w, "query-string", Values=[{"Key": "v", "Value": "1"}])),
    same("CreateRule", "by address", lambda w: with_condition(w, "source-ip", Values=["10.0.0.0/8"])),
    differs(
        "CreateRule",
        "with a transform",
        transforms_kept,
        True,
        "CreateRule, Transforms, and the Rule structure that shows them",
    ),
    both_refuse("CreateRule", "priority taken", lambda w: [w.rule(), w.rule()], "PriorityInUse"),
    documented_refusal(
        "CreateRule",
        "priority 0",
        lambda w: w.rule(0),
        "RulePriority of the service model: 1 to 50000",
    ),
    documented_refusal(
        "CreateRule",
        "priority 50001",
        lambda w: w.rule(50001),
        "RulePriority of the service model: 1 to 50000",
    ),
    both_refuse("CreateRule", "listener gone", lambda w: w.rule(ListenerArn=w.gone(w.listener)), "ListenerNotFound"),
    both_refuse("CreateRule", "group gone", lambda w: w.rule(1, w.gone(w.group())), "TargetGroupNotFound"),
    documented_refusal(
        "CreateRule",
        "no conditions",
        lambda w: w.rule(Conditions=[]),
        "Listener rules: the default rule only has no conditions",
    ),
    documented_refusal(
        "CreateRule",
        "no actions",
        lambda w: w.rule(Actions=[]),
        "Listener rules: exactly one of forward, redirect, fixed-response",
    ),
    both_refuse("CreateRule", "unknown field", lambda w: w.rule(Conditions=[{"Field": "colour", "Values": ["red"]}])),
    both_refuse("CreateRule", "path of 129", lambda w: w.rule(Conditions=[path_condition("/" + "a" * 128)])),
    documented_refusal(
        "CreateRule",
        "path with a blank",
        lambda w: w.rule(Conditions=[path_condition("/a b")]),
        "Path conditions: the characters that a pattern can contain",
    ),
    both_refuse("CreateRule", "no value", lambda w: w.rule(Conditions=[path_condition()])),
    documented_refusal(
        "CreateRule",
        "six values",
        lambda w: w.rule(Conditions=[path_condition(*["/a", "/b", "/c"]), *[by_header("a", "b")] * 2]),
        "Quotas: 5 condition values a rule",
    ),
    documented_refusal(
        "CreateRule",
        "four values of one condition",
        lambda w: w.rule(Conditions=[path_condition(*["/a", "/b", "/c", "/d"])]),
        "Condition types: up to three match evaluations a condition",
    ),
    documented_refusal(
        "CreateRule",
        "two paths apart",
        lambda w: w.rule(Conditions=[path_condition("/a"), path_condition("/b")]),
        "RuleCondition: a rule has at most one path-pattern",
    ),
    both_refuse("CreateRule", "lower-case method", lambda w: with_condition(w, "http-request-method", Values=["get"])),
    documented_refusal(
        "CreateRule",
        "no CIDR",
        lambda w: with_condition(w, "source-ip", Values=["10.0.0.1"]),
        "SourceIpConditionConfig: addresses in CIDR format",
    ),
    both_refuse("CreateRule", "unknown action", lambda w: w.rule(Actions=[{"Type": "sing"}])),
    both_refuse(
        "CreateRule",
        "answer of 301",
        lambda w: with_action(w, "fixed-response", "FixedResponseConfig", StatusCode="301"),
    ),
    both_refuse(
        "CreateRule",
        "answer of no known type",
        lambda w: with_action(w, "fixed-response", "FixedResponseConfig", StatusCode="200", ContentType="a/b"),
        "InvalidLoadBalancerAction",
    ),
    documented_refusal(
        "CreateRule",
        "redirect to itself",
        lambda w: with_action(w, "redirect", "RedirectConfig", StatusCode="HTTP_301"),
        "RedirectActionConfig: protocol, host, port or path must change",
        "InvalidLoadBalancerAction",
    ),
    documented_refusal(
        "CreateRule",
        "to six groups",
        to_six_groups,
        "Quotas: 5 target groups an action",
        "TooManyTargetGroups",
    ),
    differs(
        "DescribeRules",
        "in order",
        rules_in_order,
        ["10", "20", "30", "default"],
        "Listener rules: evaluated in priority order, the default last",
    ),
    same("DescribeRules", "in pages", in_pages),
    same("DescribeRules", "default only", priorities),
    same("DescribeRules", "by ARN", lambda w: priorities(w, RuleArns=[w.rule(7)])),
    both_refuse("DescribeRules", "gone", lambda w: priorities(w, RuleArns=[w.gone(w.rule())]), "RuleNotFound"),
    both_refuse(
        "DescribeRules", "of no listener", lambda w: priorities(w, ListenerArn=w.gone(w.listener)), "ListenerNotFound"
    ),
    both_refuse("DescribeRules", "both", lambda w: priorities(w, ListenerArn=w.listener, RuleArns=[w.rule()])),
    both_refuse("DescribeRules", "neither", lambda w: w.client.describe_rules()),
    same("ModifyRule", "conditions", lambda w: modified(w, Conditions=[path_condition("/new")])),
    same("ModifyRule", "actions", lambda w: modified(w, Actions=[{"Type": "forward", "TargetGroupArn": w.group()}])),
    both_refuse("ModifyRule", "gone", lambda w: modified(w, w.gone(w.rule()), Actions=[ANSWER]), "RuleNotFound"),
    documented_refusal(
        "ModifyRule",
        "the default",
        lambda w: modified(w, default_of(w), Actions=[ANSWER]),
        "ModifyRule: the default rule's actions are ModifyListener's",
        "OperationNotPermitted",
    ),
    both_refuse(
        "ModifyRule",
        "group gone",
        lambda w: modified(w, Actions=[{"Type": "forward", "TargetGroupArn": w.gone(w.group())}]),
        "TargetGroupNotFound",
    ),
    both_refuse("ModifyRule", "no value", lambda w: modified(w, Conditions=[path_condition()])),
    same("DeleteRule", "once", deleted),
    documented_refusal(
        "DeleteRule",
        "twice",
        lambda w: deleted(w, 2),
        "DeleteRule, errors: the specified rule does not exist",
        "RuleNotFound",
    ),
    documented_refusal(
        "DeleteRule",
        "the default",
        lambda w: w.client.delete_rule(RuleArn=default_of(w)),
        "DeleteRule: you can't delete the default rule",
        "OperationNotPermitted",
    ),
    same("SetRulePriorities", "one", lambda w: moved(w, (w.rule(1), 5))),
    differs(
        "SetRulePriorities",
        "swap",
        swapped,
        ["2", "1"],
        "SetRulePriorities: reorders as long as there are no conflicts among the new priorities",
    ),
    both_refuse("SetRulePriorities", "priority of another", onto_another, "PriorityInUse"),
    both_refuse("SetRulePriorities", "one priority for two", twice_in_one_call),
    both_refuse("SetRulePriorities", "gone", lambda w: moved(w, (w.gone(w.rule()), 5)), "RuleNotFound"),
    documented_refusal(
        "SetRulePriorities",
        "the default",
        lambda w: moved(w, (default_of(w), 5)),
        "Listener rules: the default rule's priority can't change",
        "OperationNotPermitted",
    ),
]
