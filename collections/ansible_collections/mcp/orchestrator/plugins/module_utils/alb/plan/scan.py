# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How closely a run has to look: what tags and names tell, so that it need not be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.observed_routes import ObservedRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import (
    NO_PORTS,
    TAG_ATTRIBUTES,
    TAG_SERVICE,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import Rule
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import TargetGroup


def infer_tags(desired: DesiredRoutes, observed: ObservedRoutes) -> ObservedRoutes:
    """Fills in the tags that a quick scan did not read, for everything that is where only ours can be.

    A target group is taken for ours by its full name, which ends in a digest of fleet, listener, server and settings,
    and a rule by the group it forwards to. That is enough to see that nothing has to be done; before anything is
    done, the tags themselves are read.
    """
    route_by_group = {desired.group_names[route.name]: route for route in desired.routes if not route.shares}
    groups = tuple(
        replace(group, tags=desired.group_tags(route_by_group[group.name], observed.base_url))
        if group.tags is None and group.name in route_by_group
        else group
        for group in observed.groups
    )
    route_by_arn = {group.arn: route_by_group[group.name] for group in groups if group.name in route_by_group}
    return replace(
        observed, groups=groups, rules=tuple(_infer_rule_tags(desired, rule, route_by_arn) for rule in observed.rules)
    )


def _infer_rule_tags(desired: DesiredRoutes, rule: Rule, route_by_arn: Mapping[str, Route]) -> Rule:
    owner = next((route_by_arn[arn] for arn in rule.weights if arn in route_by_arn), None)
    if owner is None:
        return rule
    sharing = [route for route in desired.routes if route.shares == owner.name]
    route = next((route for route in sharing if route.conditions == rule.conditions), owner)
    return replace(rule, tags=desired.rule_tags(route))


def needs_full_scan(desired: DesiredRoutes, observed: ObservedRoutes) -> bool:
    """Returns whether there may be target groups of ours that no route wants, or targets of ours to take away.

    Those on the load balancer a quick scan sees. Of others only the last-applied digest tells that the last run left
    none, and where nothing is desired there is no group to bear it.
    """
    if not desired.routes:
        return True
    group_names = set(desired.group_names.values())
    return any(
        group.name not in group_names
        and desired.owner.may_own_group(group.name)
        and (group.tags is None or desired.owner.owns(group.tags))
        and not _has_left(desired, group)
        for group in observed.groups
    )


def is_as_desired(desired: DesiredRoutes, group: TargetGroup) -> bool:
    """Returns whether a group's tags say that the last run of this host left it in the desired state."""
    own = (route for route in desired.routes if not route.shares)
    route = next((route for route in own if desired.group_names[route.name] == group.name), None)
    if route is None:
        return _has_left(desired, group)
    tags = desired.group_tags(route, "")
    return all((group.tags or {}).get(key) == tags[key] for key in (TAG_ATTRIBUTES, desired.owner.port_tag))


def _has_left(desired: DesiredRoutes, group: TargetGroup) -> bool:
    """Returns whether a target group is one of a server that other hosts run, with no target of this host in it."""
    tags = group.tags or {}
    return tags.get(TAG_SERVICE) in desired.on_other_hosts and tags.get(desired.owner.port_tag, NO_PORTS) == NO_PORTS
