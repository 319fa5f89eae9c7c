# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import (
    Rule,
    actions_for_api,
    canonical_actions,
    canonical_conditions,
    forward,
    rule_from_api,
)


def test_conditions_are_the_same_in_whichever_of_their_two_places_the_values_stand():
    old = [{"Field": "path-pattern", "Values": ["/b", "/a"]}]
    new = [{"Field": "path-pattern", "Values": ["/a", "/b"], "PathPatternConfig": {"Values": ["/a", "/b"]}}]

    assert canonical_conditions(old) == canonical_conditions(new)


def test_an_added_condition_is_a_difference():
    path = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"]}}
    host = {"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example"]}}

    assert canonical_conditions([path]) != canonical_conditions([path, host])


def test_what_the_service_adds_to_a_forward_is_no_difference():
    told = {
        "Type": "forward",
        "TargetGroupArn": "arn:g",
        "Order": 1,
        "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": "arn:g", "Weight": 1}],
            "TargetGroupStickinessConfig": {"Enabled": False},
        },
    }

    assert canonical_actions([told]) == canonical_actions([{"Type": "forward", "TargetGroupArn": "arn:g"}])


def test_a_single_group_of_weight_zero_is_not_the_same_as_one_that_serves():
    assert forward({"arn:g": 0}) != forward({"arn:g": 1})
    assert forward({"arn:g": 7}) == forward({"arn:g": 1})


def test_a_client_secret_is_never_part_of_a_rule():
    action = {"Type": "authenticate-oidc", "AuthenticateOidcConfig": {"ClientId": "me", "ClientSecret": "hush"}}

    assert "hush" not in str(canonical_actions([action]))


def test_several_actions_are_numbered_and_a_single_one_is_plain():
    redirect = {"Type": "jwt-validation", "JwtValidationConfig": {"Issuer": "i", "JwksEndpoint": "j"}}

    assert [action["Order"] for action in actions_for_api([redirect, forward({"arn:g": 1})])] == [1, 2]
    assert actions_for_api([forward({"arn:g": 1})]) == [{"Type": "forward", "TargetGroupArn": "arn:g"}]


def test_a_rule_without_a_path_may_match_every_path():
    rule = Rule("arn:r", 1, conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example"]}}])

    assert rule.may_match(["/mcp/time"])


def test_a_regular_expression_for_paths_is_understood():
    condition = {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/mcp/[a-z]+$"]}}
    rule = rule_from_api({"RuleArn": "arn:r", "Priority": "1", "Conditions": [condition], "Actions": []})

    assert rule.may_match(["/mcp/time", "/mcp/time/*"])
    assert not rule.may_match(["/tools", "/tools/*"])
