# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are shown of a listener after a run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import ApiError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.listener_report import MOST_ASKED, listener_report
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.quota import GROUPS, RULES, TARGETS
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.rule_text import (
    action_text,
    condition_text,
    transform_text,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import FakeElbv2
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.scenes import HOST, OWNER, run

SHOP = [
    {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/shop"]}},
    {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Origin-Verify", "Values": ["hush-4711"]}},
]
SOLD_OUT = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "hush-4712"}}]


def routes(elbv2: FakeElbv2, count: int) -> DesiredRoutes:
    for number in range(count):
        elbv2.servers[(HOST, 20001 + number)] = ("/health", False, f"s{number:03}")
    return DesiredRoutes(
        OWNER,
        tuple(
            Route(f"s{number:03}", f"/mcp/s{number:03}", (20001 + number,), health_path="/health")
            for number in range(count)
        ),
    )


def report(elbv2: FakeElbv2, desired: DesiredRoutes, turn: int = 0) -> dict[str, Any]:
    return listener_report(elbv2, desired, run(elbv2, desired), turn)


@pytest.fixture
def elbv2() -> FakeElbv2:
    return FakeElbv2()


def test_rules_come_in_their_order_ours_by_server_those_of_others_and_the_default_rule_last(elbv2: FakeElbv2) -> None:
    elbv2.add_rule(5, SHOP, SOLD_OUT)
    for _run in ("the run that makes them", "a run that changes nothing"):
        found = report(elbv2, routes(elbv2, 1))
        assert [(rule["priority"], rule["ours"], rule["server"]) for rule in found["rules"]] == [
            (5, False, None),
            (1000, True, "s000"),
            (None, False, None),
        ]
        shop, ours, _foreign = found["rules"]
        assert shop["conditions"] == ["header X-Origin-Verify has 1 value", "path is /shop"]
        assert ours["conditions"] == ["path is /mcp/s000 or /mcp/s000/*"]
        assert ours["actions"] == [f"forward to {ours['target_groups'][0]}"]
        assert (found["protocol"], found["port"], found["problem"]) == ("HTTPS", 443, None)


def test_what_rules_of_others_compare_and_answer_is_in_no_report(elbv2: FakeElbv2) -> None:
    elbv2.add_rule(5, SHOP, SOLD_OUT)
    assert "hush" not in json.dumps(report(elbv2, routes(elbv2, 1)))


def test_targets_have_their_health_and_the_reason(elbv2: FakeElbv2) -> None:
    desired = routes(elbv2, 1)
    run(elbv2, desired)
    del elbv2.servers[(HOST, 20001)]
    elbv2.clock.sleep(60)
    (group,) = report(elbv2, desired)["target_groups"]
    (target,) = group["targets"]
    assert (group["server"], target["port"], target["here"]) == ("s000", 20001, True)
    assert (target["state"], target["reason"]) == ("unhealthy", "Target.FailedHealthChecks")


def test_many_target_groups_are_asked_in_turns(elbv2: FakeElbv2) -> None:
    desired = routes(elbv2, 45)
    run(elbv2, desired)
    asked: set[str] = set()
    for turn in range(3):
        elbv2.calls.clear()
        groups = report(elbv2, desired, turn)["target_groups"]
        assert sum(call == "describe_target_health" for call, _arguments in elbv2.calls) == MOST_ASKED
        asked |= {group["server"] for group in groups if group["targets"] is not None}
    assert len(asked) == 45


def test_quotas_are_the_accounts_own_or_where_it_may_not_be_asked_the_documented(elbv2: FakeElbv2) -> None:
    elbv2.limits[RULES] = 250
    found = {each["name"]: each for each in report(elbv2, routes(elbv2, 2))["quotas"]}
    assert found[RULES] == {"name": RULES, "used": 2, "limit": 250, "asked": True}
    assert (found[GROUPS]["used"], found[TARGETS]["used"]) == (2, 2)

    def deny(operation: str, _arguments: object) -> None:
        if operation == "describe_account_limits":
            raise ApiError(operation, "AccessDenied", "not for you")

    elbv2.before_call = deny
    found = {each["name"]: each for each in report(elbv2, routes(elbv2, 2))["quotas"]}
    assert (found[RULES]["limit"], found[RULES]["asked"]) == (100, False)


def test_a_service_that_refuses_to_be_looked_at_fails_nothing(elbv2: FakeElbv2) -> None:
    desired = routes(elbv2, 1)
    result = run(elbv2, desired)

    def refuse(operation: str, _arguments: object) -> None:
        raise ApiError(operation, "Throttling", f"{operation} was throttled")

    elbv2.before_call = refuse
    found = listener_report(elbv2, desired, result, 0)
    assert found["rules"] == []
    assert "was throttled" in found["problem"]


@pytest.mark.parametrize(
    ("field", "key", "config", "said"),
    [
        ("host-header", "HostHeaderConfig", {"Values": ["a.example", "b.b"]}, "host is a.example or b.b"),
        ("path-pattern", "PathPatternConfig", {"RegexValues": ["^/v[0-9]"]}, "path matches ^/v[0-9]"),
        ("source-ip", "SourceIpConfig", {"Values": ["10.0.0.0/8"]}, "source is 10.0.0.0/8"),
        ("http-request-method", "HttpRequestMethodConfig", {"Values": ["GET"]}, "method is GET"),
        ("query-string", "QueryStringConfig", {"Values": [{"Key": "k", "Value": "hush"}]}, "query has k"),
        ("query-string", "QueryStringConfig", {"Values": [{"Value": "hush"}]}, "query has a value"),
        ("something-new", "Config", {}, "something-new is compared"),
    ],
)
def test_conditions_in_words(field: str, key: str, config: dict[str, Any], said: str) -> None:
    assert condition_text({"Field": field, key: config}) == said


def test_actions_and_transforms_in_words() -> None:
    groups = [{"TargetGroupArn": "a", "Weight": 1}, {"TargetGroupArn": "b", "Weight": 3}]
    assert action_text({"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}, {"a": "one"}) == (
        "forward to one (weight 1), another group (weight 3)"
    )
    redirect = {"Protocol": "HTTPS", "Port": "443", "Path": "/x", "Query": "token=hush", "StatusCode": "HTTP_301"}
    assert action_text({"Type": "redirect", "RedirectConfig": redirect}, {}) == "redirect to https://#{host}:443/x"
    jwt = {"Type": "jwt-validation", "JwtValidationConfig": {"Issuer": "https://id.example"}}
    assert action_text(jwt, {}) == "jwt-validation by https://id.example"
    rewrite = {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/x/?(.*)$", "Replace": "/$1"}]}}
    assert transform_text(rewrite) == "url-rewrite ^/x/?(.*)$ to /$1"
