# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observing a listener: first with four calls, and closer only where these leave a doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError, ApiError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.observed_routes import (
    Listener,
    LoadBalancer,
    ObservedRoutes,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import Rule, rule_from_api
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import (
    TargetGroup,
    target_from_api,
    target_group_from_api,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.scan import is_as_desired

TAG_BATCH = 20  # DescribeTags takes at most 20 ARNs

Tags = Mapping[str, str]


class Caller(Protocol):
    """What observing needs of the API."""

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Calls one operation and returns its answer. Raises ApiError."""

    def pages(self, operation: str, key: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Calls one Describe operation to its last page, and returns all that is under ``key``. Raises ApiError."""


class Observer:
    """Looks at one listener. All methods raise ApiError where the service refuses."""

    def __init__(self, api: Caller, pool: ThreadPoolExecutor) -> None:
        self._api = api
        self._pool = pool

    def quick_scan(self, desired: DesiredRoutes) -> ObservedRoutes:
        """Looks with four calls: the listener, its rules, its load balancer's target groups, and 20 groups' tags.

        What the tags of the other groups and of the rules are is taken from the groups' names: see ``infer_tags``.
        """
        listener = self._listener(desired.owner.listener_arn)
        rules = self._pool.submit(self._rules, listener.arn)
        groups = self._target_groups({"LoadBalancerArn": listener.load_balancer_arn})
        group_names = set(desired.group_names.values())
        likely = [group for group in groups if group.name in group_names or desired.owner.may_own_group(group.name)]
        likely.sort(key=lambda group: (group.name not in group_names, group.name))
        tags = self._tags([group.arn for group in likely[:TAG_BATCH]])
        seen = tuple(replace(group, tags=tags.get(group.arn)) for group in groups)
        return _with_last_applied(ObservedRoutes(listener, tuple(rules.result()), seen), desired.owner)

    def full_scan(self, desired: DesiredRoutes, scanned: ObservedRoutes, trust_tags: bool) -> ObservedRoutes:
        """Looks closer: all target groups of the region, all tags, and what the tags cannot tell.

        With ``trust_tags`` a group whose tags say that it is in the desired state is not asked for its targets and
        attributes.
        """
        arn = scanned.listener.load_balancer_arn
        balancer = self._pool.submit(self._load_balancer, arn, with_attributes=not trust_tags)
        groups = [
            group
            for group in self._target_groups({})
            if arn in group.load_balancer_arns or desired.owner.may_own_group(group.name)
        ]
        likely = [group.arn for group in groups if desired.owner.may_own_group(group.name)]
        tags = self._tags([*likely, *(rule.arn for rule in scanned.rules)])
        groups = [replace(group, tags=tags.get(group.arn)) for group in groups]
        unknown = [
            group
            for group in groups
            if desired.owner.owns(group.tags) and not (trust_tags and is_as_desired(desired, group))
        ]
        detailed = {group.arn: group for group in self._pool.map(self._details, unknown)}
        return _with_last_applied(
            ObservedRoutes(
                listener=scanned.listener,
                rules=tuple(replace(rule, tags=tags.get(rule.arn, {})) for rule in scanned.rules),
                groups=tuple(detailed.get(group.arn, group) for group in groups),
                load_balancer=balancer.result(),
            ),
            desired.owner,
        )

    def limits(self) -> dict[str, int]:
        """Returns the account's quotas by name, see DescribeAccountLimits."""
        found = self._api.pages("describe_account_limits", "Limits", {})
        return {limit["Name"]: int(limit["Max"]) for limit in found if str(limit.get("Max", "")).isdigit()}

    def count_rules_elsewhere(self, listener: Listener) -> int:
        """Returns how many rules there are of the load balancer's other listeners, the default ones left out."""
        arguments = {"LoadBalancerArn": listener.load_balancer_arn}
        return sum(
            len(self._rules(found["ListenerArn"]))
            for found in self._api.pages("describe_listeners", "Listeners", arguments)
            if found["ListenerArn"] != listener.arn
        )

    def _listener(self, arn: str) -> Listener:
        answer = self._api.call("describe_listeners", {"ListenerArns": [arn]})
        if not answer.get("Listeners"):
            raise AlbError(f"the listener {arn} does not exist; correct listener_arn")
        found = answer["Listeners"][0]
        return Listener(arn, found["LoadBalancerArn"], found.get("Protocol", "HTTP"), int(found.get("Port", 80)))

    def _load_balancer(self, arn: str, with_attributes: bool) -> LoadBalancer:
        found = self._api.call("describe_load_balancers", {"LoadBalancerArns": [arn]})["LoadBalancers"][0]
        idle_timeout = self._idle_timeout(arn) if with_attributes else None
        return LoadBalancer(arn, found.get("DNSName", ""), found.get("VpcId", ""), idle_timeout)

    def _idle_timeout(self, arn: str) -> int | None:
        """Returns the seconds after which a silent connection is cut; None where this role may not ask."""
        try:
            found = self._api.call("describe_load_balancer_attributes", {"LoadBalancerArn": arn})["Attributes"]
        except ApiError as error:
            if error.is_fatal:
                raise
            return None
        seconds = [entry["Value"] for entry in found if entry["Key"] == "idle_timeout.timeout_seconds"]
        return int(seconds[0]) if seconds and seconds[0].isdigit() else None

    def _rules(self, listener_arn: str) -> list[Rule]:
        answers = self._api.pages("describe_rules", "Rules", {"ListenerArn": listener_arn})
        return [rule_from_api(answer) for answer in answers if not answer.get("IsDefault")]

    def _target_groups(self, which: Mapping[str, Any]) -> list[TargetGroup]:
        try:
            answers = self._api.pages("describe_target_groups", "TargetGroups", which)
        except ApiError as error:
            if error.name != "TargetGroupNotFound":
                raise
            answers = []  # some implementations refuse where a load balancer has none
        return [target_group_from_api(answer) for answer in answers]

    def _tags(self, arns: Sequence[str]) -> dict[str, Tags]:
        batches = [arns[start : start + TAG_BATCH] for start in range(0, len(arns), TAG_BATCH)]
        return {arn: tags for found in self._pool.map(self._tag_batch, batches) for arn, tags in found.items()}

    def _tag_batch(self, arns: Sequence[str]) -> dict[str, Tags]:
        answer = self._api.call("describe_tags", {"ResourceArns": list(arns)})
        return {
            found["ResourceArn"]: {tag["Key"]: tag.get("Value", "") for tag in found.get("Tags", [])}
            for found in answer["TagDescriptions"]
        }

    def _details(self, group: TargetGroup) -> TargetGroup:
        which = {"TargetGroupArn": group.arn}
        health = self._api.call("describe_target_health", which)
        attributes = self._api.call("describe_target_group_attributes", which)
        return replace(
            group,
            targets=tuple(target_from_api(answer) for answer in health["TargetHealthDescriptions"]),
            attributes={found["Key"]: found.get("Value", "") for found in attributes["Attributes"]},
        )


def _with_last_applied(observed: ObservedRoutes, owner: Owner) -> ObservedRoutes:
    for group in observed.groups:
        tags = group.tags or {}
        if owner.owns(tags) and owner.last_applied_tag in tags:
            return replace(observed, last_applied=tags[owner.last_applied_tag], last_applied_group=group.name)
    return observed
