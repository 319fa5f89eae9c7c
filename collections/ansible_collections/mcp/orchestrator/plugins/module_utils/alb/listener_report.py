# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are shown of a listener: its rules in order, ours and others', the health of our targets, the quotas.

Nothing of it fails a run: what cannot be asked is left out, and said.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.observe import Caller, Observer
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.observed_routes import ObservedRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import TAG_SERVICE
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import (
    Json,
    Rule,
    canonical_actions,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import TargetGroup
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.quota import (
    DOCUMENTED_LIMITS,
    GROUPS,
    RULES,
    TARGETS,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.scan import infer_tags
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import THREADS, Result
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.rule_text import (
    action_text,
    condition_text,
    transform_text,
)

MOST_ASKED = 20
"""Target groups whose health one run asks for. The service takes 40 descriptions at once and 10 a second, of the whole
account; what is not asked now is asked by one of the next runs."""


def listener_report(api: Caller, desired: DesiredRoutes, result: Result, turn: int) -> Json:
    """Returns what is shown of a listener after a run, as files/routes.schema.json describes a listener.

    ``turn`` is another number in each run: the target groups are asked in turns.
    """
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        try:
            return _Reporter(api, pool, desired, result, turn).report()
        except AlbError as error:
            listener = result.observed.listener
            return {**_about(listener.arn, listener.protocol, listener.port, result), "problem": str(error)}


def lost_targets(desired: DesiredRoutes, listener: Json) -> set[str]:
    """Returns the routes without a target of this host that they should have, of those whose health the report tells.

    A run that trusts the tags of target groups does not see that somebody has deregistered what they tell of.
    """
    found = set()
    told = {group["name"]: group["targets"] for group in listener["target_groups"] if group["targets"] is not None}
    for route in desired.routes:
        targets = told.get(desired.group_names[route.name])
        if targets is None:
            continue
        here = {each["port"] for each in targets if each["here"] and each["state"] != "draining"}
        if set(route.ports) - here:
            found.add(route.name)
    return found


class _Reporter:
    """One look at one listener."""

    def __init__(
        self, api: Caller, pool: ThreadPoolExecutor, desired: DesiredRoutes, result: Result, turn: int
    ) -> None:
        self._api = api
        self._pool = pool
        self._desired = desired
        self._result = result
        self._turn = turn

    def report(self) -> Json:
        limits = self._pool.submit(self._limits)
        listeners = self._pool.submit(self._listeners)
        observed = self._observed()
        rules = sorted(observed.rules, key=lambda rule: rule.priority)
        groups = self._our_groups(observed)
        health = self._health(groups)
        elsewhere = [each for each in listeners.result() if each["ListenerArn"] != observed.listener.arn]
        rules_elsewhere = sum(self._pool.map(self._count_rules, elsewhere))
        names = {group.arn: group.name for group in observed.groups}
        here = observed.listener
        return {
            **_about(here.arn, here.protocol, here.port, self._result),
            "rules": [self._rule(rule, observed, names) for rule in rules]
            + [_default_rule(each, names) for each in listeners.result() if each["ListenerArn"] == here.arn],
            "target_groups": [self._group(group, health.get(group.arn)) for group in groups],
            "quotas": _quotas(limits.result(), observed, rules_elsewhere, groups, health),
        }

    def _observed(self) -> ObservedRoutes:
        """What is there after the run: as it was observed, or, where the run has changed it, as it is now."""
        if not self._result.changed:
            return self._result.observed
        scanned = Observer(self._api, self._pool).quick_scan(self._desired)
        return infer_tags(self._desired, scanned)

    def _is_ours(self, group: TargetGroup) -> bool:
        owner = self._desired.owner
        return owner.owns(group.tags) or (group.tags is None and owner.may_own_group(group.name))

    def _our_groups(self, observed: ObservedRoutes) -> list[TargetGroup]:
        return sorted((group for group in observed.groups if self._is_ours(group)), key=lambda group: group.name)

    def _health(self, groups: Sequence[TargetGroup]) -> dict[str, list[Json]]:
        """The targets of the groups that this run asks for, by ARN: first those that it has touched."""
        touched = {action.server for action in self._result.actions} | set(self._result.errors)
        first = [group for group in groups if _server(group.tags) in touched]
        rest = [group for group in groups if group not in first]
        start = self._turn * MOST_ASKED % max(len(rest), 1)
        asked = (first + rest[start:] + rest[:start])[:MOST_ASKED]
        found = zip(asked, self._pool.map(self._targets, asked), strict=True)
        return {group.arn: targets for group, targets in found if targets is not None}

    def _targets(self, group: TargetGroup) -> list[Json] | None:
        try:
            answer = self._api.call("describe_target_health", {"TargetGroupArn": group.arn})
        except AlbError:
            return None  # gone meanwhile, or more than the service answers at once
        return [self._target(each) for each in answer["TargetHealthDescriptions"]]

    def _target(self, answer: Mapping[str, Any]) -> Json:
        target, health = answer["Target"], answer.get("TargetHealth") or {}
        return {
            "id": str(target["Id"]),
            "port": int(target.get("Port") or 0),
            "here": target["Id"] == self._desired.owner.target_id,
            "state": str(health.get("State") or "initial"),
            "reason": str(health.get("Reason") or "") or None,
            "description": str(health.get("Description") or "")[:300] or None,
        }

    def _rule(self, rule: Rule, observed: ObservedRoutes, names: dict[str, str]) -> Json:
        groups = [observed.group_by_arn[arn] for arn in rule.weights if arn in observed.group_by_arn]
        # A quick scan reads the tags of groups, and of rules none: a rule is ours that leads to ours alone.
        is_ours = self._desired.owner.owns(rule.tags) or (
            rule.tags is None and bool(groups) and all(self._is_ours(group) for group in groups)
        )
        server = _server(rule.tags) or next(filter(None, (_server(group.tags) for group in groups)), None)
        return {**_shown_rule(rule, names), "ours": is_ours, "server": server if is_ours else None}

    def _group(self, group: TargetGroup, targets: list[Json] | None) -> Json:
        check = group.health_check
        return {
            "name": group.name,
            "arn": group.arn,
            "server": _server(group.tags),
            "health_check": f"{check.get('HealthCheckProtocol', 'HTTP')} {check.get('HealthCheckPath', '/')}"
            f" every {check.get('HealthCheckIntervalSeconds', 30)} s",
            "targets": targets,
        }

    def _limits(self) -> Mapping[str, int]:
        try:
            return Observer(self._api, self._pool).limits()
        except AlbError:
            return {}

    def _listeners(self) -> list[Json]:
        arguments = {"LoadBalancerArn": self._result.observed.listener.load_balancer_arn}
        return self._api.pages("describe_listeners", "Listeners", arguments)

    def _count_rules(self, listener: Json) -> int:
        found = self._api.pages("describe_rules", "Rules", {"ListenerArn": listener["ListenerArn"]})
        return sum(not rule.get("IsDefault") for rule in found)


def _about(arn: str, protocol: str, port: int, result: Result) -> Json:
    return {
        "arn": arn,
        "load_balancer": arn.split("/")[2] if arn.count("/") >= 3 else arn,
        "protocol": protocol,
        "port": port,
        "url": result.observed.base_url or None,
        "asked": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "rules": [],
        "target_groups": [],
        "quotas": [],
        "problem": None,
    }


def _shown_rule(rule: Rule, names: dict[str, str]) -> Json:
    return {
        "priority": rule.priority or None,
        "arn": rule.arn,
        "conditions": [condition_text(each) for each in rule.conditions],
        "transforms": [transform_text(each) for each in rule.transforms],
        "actions": [action_text(each, names) for each in rule.actions],
        "target_groups": [names[arn] for arn in rule.weights if arn in names],
    }


def _default_rule(listener: Json, names: dict[str, str]) -> Json:
    rule = Rule(listener["ListenerArn"], 0, actions=canonical_actions(listener.get("DefaultActions") or []))
    return {**_shown_rule(rule, names), "ours": False, "server": None}


def _server(tags: Mapping[str, str] | None) -> str | None:
    return (tags or {}).get(TAG_SERVICE)


def _quotas(
    limits: Mapping[str, int],
    observed: ObservedRoutes,
    rules_elsewhere: int,
    groups: Collection[TargetGroup],
    health: Mapping[str, Collection[Json]],
) -> list[Json]:
    """What of the balancer's quotas is used: of targets only where all groups are ours and were asked for."""
    balancer = observed.listener.load_balancer_arn
    attached = {group.arn for group in observed.groups if balancer in group.load_balancer_arns}
    attached |= {arn for rule in observed.rules for arn in rule.weights}
    used = {RULES: len(observed.rules) + rules_elsewhere, GROUPS: len(attached)}
    if attached <= set(health):
        used[TARGETS] = sum(len(targets) for targets in health.values())
    return [
        {"name": name, "used": count, "limit": limits.get(name, DOCUMENTED_LIMITS[name]), "asked": name in limits}
        for name, count in used.items()
    ]
