"""Rules: conditions, actions, transforms, priorities, quotas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from local_alb.model.world import Document

from tests.unit.local_alb.inprocess import BALANCER, LISTENER, Alb, code_of, path_condition, refusal

ANSWER = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}


def rules(alb: Alb) -> list[Document]:
    return list(alb.client.describe_rules(ListenerArn=LISTENER)["Rules"])


def created(alb: Alb, **settings: Any) -> Document:
    request = {"ListenerArn": LISTENER, "Priority": 10, "Conditions": [path_condition("/x")], "Actions": [ANSWER]}
    return dict(alb.client.create_rule(**{**request, **settings})["Rules"][0])


def refused(alb: Alb, **settings: Any) -> str:
    request = {"ListenerArn": LISTENER, "Priority": 10, "Conditions": [path_condition("/x")], "Actions": [ANSWER]}
    before = rules(alb)
    code = code_of(alb.unchecked.create_rule, **{**request, **settings})
    assert rules(alb) == before
    return code


def test_a_rule_is_described_as_aws_describes_it(alb: Alb) -> None:
    group = alb.group()
    rewrite = {"Regex": "^/mcp/time/?(.*)$", "Replace": "/$1"}
    transform = {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [rewrite]}}
    rule = created(
        alb,
        Conditions=[path_condition("/mcp/time", "/mcp/time/*")],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
        Transforms=[transform],
    )
    assert rule.pop("RuleArn").startswith(LISTENER.replace(":listener/", ":listener-rule/") + "/")
    assert rule == {
        "Priority": "10",
        "IsDefault": False,
        "Conditions": [
            {
                "Field": "path-pattern",
                "Values": ["/mcp/time", "/mcp/time/*"],
                "PathPatternConfig": {"Values": ["/mcp/time", "/mcp/time/*"]},
            }
        ],
        "Actions": [
            {
                "Type": "forward",
                "TargetGroupArn": group,
                "ForwardConfig": {
                    "TargetGroups": [{"TargetGroupArn": group, "Weight": 1}],
                    "TargetGroupStickinessConfig": {"Enabled": False},
                },
            }
        ],
        "Transforms": [transform],
    }


def test_what_was_described_can_be_sent_back_unchanged(alb: Alb) -> None:
    group = alb.group()
    conditions = [
        {"Field": "host-header", "Values": ["a.example.com"]},
        path_condition("/a*"),
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Team", "Values": ["a*"]}},
        {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "1"}]}},
    ]
    rule = created(alb, Conditions=conditions, Actions=[{"Type": "forward", "TargetGroupArn": group}])
    again = alb.client.modify_rule(
        RuleArn=rule["RuleArn"], Conditions=rule["Conditions"], Actions=rule["Actions"], Transforms=rule["Transforms"]
    )
    assert again["Rules"] == [rule]


def test_rules_are_described_in_order_of_priority_with_the_default_last(alb: Alb) -> None:
    for priority in (300, 1, 50000):
        alb.rule(priority)
    assert [rule["Priority"] for rule in rules(alb)] == ["1", "300", "50000", "default"]


def test_a_priority_belongs_to_one_rule(alb: Alb) -> None:
    alb.rule(10)
    code, message = refusal(
        alb.client.create_rule,
        ListenerArn=LISTENER,
        Priority=10,
        Conditions=[path_condition("/y")],
        Actions=[ANSWER],
    )
    assert (code, message) == ("PriorityInUse", "Priority '10' is currently in use")


@pytest.mark.parametrize(
    "condition",
    [
        {"Field": "path-pattern"},
        {"Field": "path-pattern", "Values": ["/a", "/b"]},
        {"Field": "path-pattern", "Values": []},
        path_condition("/with space"),
        path_condition("/hash#"),
        path_condition("/" + "a" * 128),
        path_condition(""),
        {"Field": "colour", "Values": ["red"]},
        {"Field": "host-header", "Values": ["localhost"]},
        {"Field": "host-header", "Values": ["a.b1"]},
        {"Field": "host-header", "PathPatternConfig": {"Values": ["/a"]}},
        {"Field": "http-header", "Values": ["a"]},
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "Host", "Values": ["a"]}},
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X A", "Values": ["a"]}},
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X'$%", "Values": ["a"]}},
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X", "Values": ["a\nb"]}},
        {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["get"]}},
        {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.1"]}},
        {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.1/8"]}},
        {"Field": "source-ip", "SourceIpConfig": {"Values": ["255.255.255.255/32"]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a"}]}},
        {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["("]}},
        {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/(?!a)"]}},
        {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"], "RegexValues": ["^/a"]}},
        {"Field": "path-pattern", "Values": ["/a"], "PathPatternConfig": {"Values": ["/b"]}},
    ],
    ids=str,
)
def test_a_condition_that_aws_would_not_take_is_refused(alb: Alb, condition: Document) -> None:
    assert refused(alb, Conditions=[condition]) == "ValidationError"


def test_a_rule_has_each_of_path_host_method_and_source_at_most_once(alb: Alb) -> None:
    assert refused(alb, Conditions=[path_condition("/a"), path_condition("/b")]) == "ValidationError"
    header = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X", "Values": ["a"]}}
    created(alb, Conditions=[header, header])


def test_a_rule_has_at_most_five_values_and_the_quota_of_wildcards(tmp_path: Path) -> None:
    alb = Alb(tmp_path, quotas={"condition-wildcards-per-alb-rule": 3})
    assert refused(alb, Conditions=[path_condition(*(f"/{n}" for n in range(6)))]) == "ValidationError"
    assert refused(alb, Conditions=[path_condition("/a*", "/*b*", "/?")]) == "ValidationError"
    header = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X", "Values": ["a", "b"]}}
    assert refused(alb, Conditions=[path_condition("/a", "/b", "/c"), header, header]) == "ValidationError"
    created(alb, Conditions=[path_condition("/a*", "/b*", "/?"), header])


def test_a_condition_has_at_most_three_values(alb: Alb) -> None:
    assert refused(alb, Conditions=[path_condition("/a", "/b", "/c", "/d")]) == "ValidationError"
    four = [{"Key": "v", "Value": str(number)} for number in range(4)]
    condition = {"Field": "query-string", "QueryStringConfig": {"Values": four}}
    assert refused(alb, Conditions=[condition]) == "ValidationError"


def test_a_regular_expression_has_no_wildcards(tmp_path: Path) -> None:
    alb = Alb(tmp_path, quotas={"condition-wildcards-per-alb-rule": 1})
    regex = {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/.*/.*x?$"]}}
    created(alb, Conditions=[regex])


@pytest.mark.parametrize(
    ("actions", "code"),
    [
        ([], "ValidationError"),
        ([{"Type": "forward"}], "ValidationError"),
        ([{"Type": "redirect"}], "ValidationError"),
        ([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "301"}}], "ValidationError"),
        (
            [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "a/b"}}],
            "InvalidLoadBalancerAction",
        ),
        ([{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}], "InvalidLoadBalancerAction"),
        ([{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Path": "x"}}], "ValidationError"),
        ([{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Port": "0"}}], "ValidationError"),
        ([{**ANSWER, "Order": 1}, {**ANSWER, "Order": 2}], "TooManyActions"),
        ([ANSWER, ANSWER], "ValidationError"),
        ([{"Type": "authenticate-oidc", "Order": 1}, {**ANSWER, "Order": 2}], "InvalidLoadBalancerAction"),
        ([{"Type": "jwt-validation", "Order": 1}, {**ANSWER, "Order": 2}], "InvalidLoadBalancerAction"),
        ([{**ANSWER, "TargetGroupArn": "arn:x"}], "ValidationError"),
    ],
    ids=str,
)
def test_an_action_that_aws_would_not_take_is_refused(alb: Alb, actions: list[Document], code: str) -> None:
    unchecked = {"ListenerArn": LISTENER, "Priority": 10, "Conditions": [path_condition("/x")], "Actions": actions}
    assert code_of(alb.unchecked.create_rule, **unchecked) == code


def forward(*choices: tuple[str, int], **config: Any) -> Document:
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in choices]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, **config}}


def test_a_weighted_forward_is_kept_as_it_is(alb: Alb) -> None:
    first, second = alb.group("a"), alb.group("b")
    sticky = {"Enabled": True, "DurationSeconds": 60}
    action = forward((first, 1), (second, 999), TargetGroupStickinessConfig=sticky)
    assert created(alb, Actions=[action])["Actions"] == [action]


def test_a_forward_that_aws_would_not_take_is_refused(alb: Alb) -> None:
    first, second = alb.group("a"), alb.group("b")
    assert refused(alb, Actions=[forward((first, 1000))]) == "ValidationError"
    assert refused(alb, Actions=[forward((first, 1), (first, 1))]) == "ValidationError"
    assert refused(alb, Actions=[{**forward((first, 1)), "TargetGroupArn": second}]) == "ValidationError"
    assert (
        refused(alb, Actions=[forward((first, 1), TargetGroupStickinessConfig={"Enabled": True})]) == "ValidationError"
    )
    assert refused(alb, Actions=[forward((first + "0", 1))]) == "TargetGroupNotFound"
    many = [forward(*((alb.group(f"g{n}"), 1) for n in range(6)))]
    assert refused(alb, Actions=many) == "TooManyTargetGroups"


def test_a_group_serves_one_load_balancer_only(alb: Alb) -> None:
    group = alb.group()
    alb.rule(10, group)
    subnets = ["subnet-00000000000000001", "subnet-00000000000000002"]
    other = alb.client.create_load_balancer(Name="other", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    action = {"Type": "forward", "TargetGroupArn": group}
    request = {"LoadBalancerArn": other, "Port": 9000, "Protocol": "HTTP", "DefaultActions": [action]}
    assert code_of(alb.client.create_listener, **request) == "TargetGroupAssociationLimit"


def rewrite(regex: str, replace: str, kind: str = "url-rewrite") -> Document:
    config = {"url-rewrite": "UrlRewriteConfig", "host-header-rewrite": "HostHeaderRewriteConfig"}[kind]
    return {"Type": kind, config: {"Rewrites": [{"Regex": regex, "Replace": replace}]}}


@pytest.mark.parametrize(
    "transforms",
    [
        [rewrite("^/a", "/b"), rewrite("^/c", "/d")],
        [rewrite("(", "/b")],
        [rewrite("", "/b")],
        [rewrite("^/a", "/$1")],
        [rewrite("^/(a)(?=b)", "/$1")],
        [rewrite("^/(?<!a)b", "/")],
        [rewrite(r"^/(a)\1", "/")],
        [rewrite("^/(?>a)", "/")],
        [rewrite("^/a++", "/")],
        [rewrite(r"^/\p{L}", "/")],
        [rewrite("a" * 1025, "/")],
        [rewrite("^/a", "/" * 1025)],
        [{"Type": "url-rewrite"}],
        [{"Type": "url-rewrite", "HostHeaderRewriteConfig": {"Rewrites": []}}],
        [{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/a"}]}}],
    ],
    ids=lambda transforms: str(transforms)[:60],
)
def test_a_transform_that_aws_would_not_take_is_refused(alb: Alb, transforms: list[Document]) -> None:
    assert refused(alb, Transforms=transforms) == "ValidationError"


@pytest.mark.parametrize(
    "regex", [r"^/mcp/x/?(.*)$", r"^/\d+\.html$", "^/[(?!)]x", r"^/a\(?b", "^/(?:a|b)+/(.*)$", r"^/[a+]+$", "^/a{2}b?$"]
)
def test_an_expression_without_the_refused_features_is_taken(alb: Alb, regex: str) -> None:
    created(alb, Transforms=[rewrite(regex, "/x")])


def test_one_rewrite_of_each_kind_may_stand_together(alb: Alb) -> None:
    both = [rewrite("^/a/(.*)$", "/$1"), rewrite("^(.+)$", "in.$1", "host-header-rewrite")]
    assert created(alb, Transforms=both)["Transforms"] == both


def test_modifying_replaces_what_is_named_and_leaves_the_rest(alb: Alb) -> None:
    rule = created(alb, Transforms=[rewrite("^/x", "/y")])
    modify = alb.client.modify_rule
    changed = modify(RuleArn=rule["RuleArn"], Conditions=[path_condition("/z")])["Rules"][0]
    assert changed["Conditions"][0]["Values"] == ["/z"]
    assert changed["Transforms"] == rule["Transforms"]
    assert changed["Actions"] == rule["Actions"]
    cleared = modify(RuleArn=rule["RuleArn"], ResetTransforms=True)["Rules"][0]
    assert cleared["Transforms"] == []
    request = {"RuleArn": rule["RuleArn"], "ResetTransforms": True, "Transforms": [rewrite("^/x", "/y")]}
    assert code_of(modify, **request) == "ValidationError"


def test_the_default_rule_can_be_neither_changed_nor_deleted_nor_moved(alb: Alb) -> None:
    default = rules(alb)[-1]["RuleArn"]
    assert code_of(alb.client.delete_rule, RuleArn=default) == "OperationNotPermitted"
    assert code_of(alb.client.modify_rule, RuleArn=default, Actions=[ANSWER]) == "OperationNotPermitted"
    move = {"RulePriorities": [{"RuleArn": default, "Priority": 1}]}
    assert code_of(alb.client.set_rule_priorities, **move) == "OperationNotPermitted"


def test_priorities_can_be_swapped_in_one_call(alb: Alb) -> None:
    first, second = alb.rule(1), alb.rule(2)
    alb.client.set_rule_priorities(
        RulePriorities=[{"RuleArn": first, "Priority": 2}, {"RuleArn": second, "Priority": 1}]
    )
    assert [rule["RuleArn"] for rule in rules(alb)[:2]] == [second, first]


def test_priorities_that_would_collide_move_nothing(alb: Alb) -> None:
    first, second = alb.rule(1), alb.rule(2)
    alb.rule(3)
    before = rules(alb)
    moves = [{"RuleArn": first, "Priority": 9}, {"RuleArn": second, "Priority": 3}]
    assert code_of(alb.client.set_rule_priorities, RulePriorities=moves) == "PriorityInUse"
    same = [{"RuleArn": first, "Priority": 9}, {"RuleArn": second, "Priority": 9}]
    assert code_of(alb.client.set_rule_priorities, RulePriorities=same) == "ValidationError"
    assert rules(alb) == before


def test_the_quotas_of_rules_and_of_groups_in_use_are_kept(tmp_path: Path) -> None:
    quotas = {"rules-per-application-load-balancer": 3, "target-groups-per-application-load-balancer": 2}
    alb = Alb(tmp_path, quotas=quotas)
    first, second, third = alb.group("a"), alb.group("b"), alb.group("c")
    alb.rule(1, first)
    rule = alb.rule(2, second)
    too_many = "TooManyUniqueTargetGroupsPerLoadBalancer"
    assert refused(alb, Actions=[{"Type": "forward", "TargetGroupArn": third}]) == too_many
    more = [forward((second, 1), (third, 1))]
    assert code_of(alb.client.modify_rule, RuleArn=rule, Actions=more) == too_many
    alb.client.modify_rule(RuleArn=rule, Actions=[{"Type": "forward", "TargetGroupArn": third}])
    alb.rule(3, first)
    assert refused(alb) == "TooManyRules"


def test_rules_that_are_not_there_are_not_found(alb: Alb) -> None:
    rule = alb.rule(1)
    alb.client.delete_rule(RuleArn=rule)
    assert code_of(alb.client.delete_rule, RuleArn=rule) == "RuleNotFound"
    assert code_of(alb.client.modify_rule, RuleArn=rule) == "RuleNotFound"
    assert code_of(alb.client.describe_rules, RuleArns=[rule]) == "RuleNotFound"
    assert code_of(alb.client.describe_rules, ListenerArn=LISTENER[:-1] + "9") == "ListenerNotFound"
    assert code_of(alb.client.describe_rules) == "ValidationError"
    assert code_of(alb.client.describe_rules, ListenerArn=BALANCER) == "ValidationError"
