# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listener rules in one canonical form, so that what is desired and what is observed compare as plain data.

The service echoes more than it was told: values in two places, weights, orders and defaults. The shapes are those of
DescribeRules in botocore's service model of elbv2 (2015-12-01).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.pattern import patterns_overlap

Json = dict[str, Any]

CONDITION_CONFIGS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "query-string": "QueryStringConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "source-ip": "SourceIpConfig",
}
ACTION_CONFIGS = {
    "forward": "ForwardConfig",
    "authenticate-oidc": "AuthenticateOidcConfig",
    "authenticate-cognito": "AuthenticateCognitoConfig",
    "redirect": "RedirectConfig",
    "fixed-response": "FixedResponseConfig",
    "jwt-validation": "JwtValidationConfig",
}
# What the service fills in where a rule's author was silent see
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AuthenticateOidcActionConfig.html.
OIDC_DEFAULTS: Json = {
    "SessionCookieName": "AWSELBAuthSessionCookie",
    "Scope": "openid",
    "SessionTimeout": 604800,
    "OnUnauthenticatedRequest": "authenticate",
}
# Never told back by the service, and never part of a comparison.
OIDC_SECRETS = ("ClientSecret", "UseExistingClientSecret")


@dataclass(frozen=True)
class Rule:
    """A rule of the listener as it was observed; the default rule is not one of these."""

    arn: str
    priority: int
    conditions: list[Json] = field(default_factory=list)
    actions: list[Json] = field(default_factory=list)
    transforms: list[Json] = field(default_factory=list)
    tags: Mapping[str, str] | None = None

    @property
    def path_values(self) -> list[str]:
        """The rule's path patterns, sorted; empty where it looks at no path or only at regular expressions."""
        return [value for condition in self.conditions for value in _path_config(condition).get("Values", [])]

    @property
    def weights(self) -> dict[str, int]:
        """The target groups the rule forwards to, by ARN, with their weights."""
        return forward_weights(self.actions)

    @property
    def has_other_conditions(self) -> bool:
        """Whether the rule also looks at something else than the path."""
        return any(condition["Field"] != "path-pattern" for condition in self.conditions)

    def may_match(self, patterns: Iterable[str]) -> bool:
        """Returns whether a path of one of the patterns may match this rule's own path conditions.

        A rule with no path condition matches every path. Regular expressions are tried on samples of the patterns.
        """
        configs = [_path_config(condition) for condition in self.conditions if condition["Field"] == "path-pattern"]
        if not configs:
            return True
        desired = list(patterns)
        values = [value for config in configs for value in config.get("Values", [])]
        expressions = [value for config in configs for value in config.get("RegexValues", [])]
        return any(patterns_overlap(value, pattern) for value in values for pattern in desired) or any(
            _regex_matches(expression, pattern) for expression in expressions for pattern in desired
        )


def _path_config(condition: Json) -> Json:
    return dict(condition.get("PathPatternConfig", {})) if condition["Field"] == "path-pattern" else {}


def _regex_matches(expression: str, pattern: str) -> bool:
    try:
        compiled = re.compile(expression)
    except re.error:
        return False
    return any(compiled.search(pattern.replace("*", sample)) for sample in ("", "x", "x/y"))


def rule_from_api(answer: Mapping[str, Any], tags: Mapping[str, str] | None = None) -> Rule:
    """Reads one element of DescribeRules' ``Rules`` (not the default rule)."""
    return Rule(
        arn=answer["RuleArn"],
        priority=int(answer["Priority"]),
        conditions=canonical_conditions(answer.get("Conditions", [])),
        actions=canonical_actions(answer.get("Actions", [])),
        transforms=canonical_transforms(answer.get("Transforms", [])),
        tags=tags,
    )


def canonical_conditions(conditions: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Returns conditions in one order, with their values sorted and only in the field's own configuration."""
    return sorted((_canonical_condition(condition) for condition in conditions), key=_as_text)


def _canonical_condition(condition: Mapping[str, Any]) -> Json:
    name = condition["Field"]
    key = CONDITION_CONFIGS.get(name, "Config")
    config = dict(condition.get(key) or {})
    for old in ("Values", "RegexValues"):
        if condition.get(old) and not config.get(old):
            config[old] = list(condition[old])
    if name == "host-header":  # host names are compared without regard to case
        config["Values"] = [value.lower() for value in config.get("Values", [])]
    cleaned = {
        k: sorted(v, key=_as_text) if isinstance(v, list) else v for k, v in config.items() if v not in ([], None)
    }
    return {"Field": name, key: cleaned}


def canonical_actions(actions: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Returns actions in their order, without what the service adds by itself and without secrets."""
    return [_canonical_action(action) for action in sorted(actions, key=lambda action: int(action.get("Order") or 1))]


def _canonical_action(action: Mapping[str, Any]) -> Json:
    kind = action["Type"]
    key = ACTION_CONFIGS.get(kind, "Config")
    if kind == "forward":
        return _canonical_forward(action)
    config = {k: v for k, v in (action.get(key) or {}).items() if v not in ([], {}, None) and k not in OIDC_SECRETS}
    if kind == "authenticate-oidc":
        config = {**OIDC_DEFAULTS, **config, "SessionTimeout": int(config.get("SessionTimeout", 604800))}
    return {"Type": kind, key: config}


def _canonical_forward(action: Mapping[str, Any]) -> Json:
    config = action.get("ForwardConfig") or {}
    groups = config.get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
    weights = {group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups}
    stickiness = config.get("TargetGroupStickinessConfig") or {}
    seconds = int(stickiness.get("DurationSeconds") or 0) if stickiness.get("Enabled") else 0
    return forward(weights, seconds)


def forward(weights: Mapping[str, int], stickiness_seconds: int = 0) -> Json:
    """Returns the canonical forward action to these target groups (ARN to weight).

    Where there is only one group, any weight but 0 means the same, so it is written as 1.
    """
    if len(weights) == 1:
        weights = {arn: min(weight, 1) for arn, weight in weights.items()}
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in sorted(weights.items())]
    config: Json = {"TargetGroups": groups}
    if stickiness_seconds:
        config["TargetGroupStickinessConfig"] = {"Enabled": True, "DurationSeconds": stickiness_seconds}
    return {"Type": "forward", "ForwardConfig": config}


def forward_weights(actions: Sequence[Json]) -> dict[str, int]:
    """Returns the target groups (ARN to weight) out of canonical actions; empty where none forwards."""
    return {
        group["TargetGroupArn"]: group["Weight"]
        for action in actions
        if action["Type"] == "forward"
        for group in action["ForwardConfig"]["TargetGroups"]
    }


def with_forward(actions: Sequence[Json], weights: Mapping[str, int]) -> list[Json]:
    """Returns canonical actions with a forward to these groups in the place of what they do at their end."""
    front = [action for action in actions if action["Type"].startswith(("authenticate-", "jwt-"))]
    return [*front, forward(weights)]


def canonical_transforms(transforms: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Returns transforms in one order."""
    return sorted(({k: v for k, v in transform.items() if v} for transform in transforms), key=_as_text)


def actions_for_api(actions: Sequence[Json]) -> list[Json]:
    """Returns canonical actions as CreateRule and ModifyRule want them: ordered, a single group in its plain form."""
    written: list[Json] = []
    for order, action in enumerate(actions, start=1):
        groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
        plain = len(groups) == 1 and "TargetGroupStickinessConfig" not in action["ForwardConfig"]
        entry: Json = {"Type": "forward", "TargetGroupArn": groups[0]["TargetGroupArn"]} if plain else dict(action)
        written.append({**entry, "Order": order} if len(actions) > 1 else entry)
    return written


def _as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
