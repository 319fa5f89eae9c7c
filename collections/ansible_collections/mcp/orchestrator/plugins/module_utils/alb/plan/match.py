# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rule belongs to which desired route."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import TAG_SERVICE
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.pattern import any_overlap
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import Rule


@dataclass(frozen=True)
class Matching:
    """The rules of routes by route name, our rules that no route wants, and everybody else's."""

    kept: Mapping[str, Rule]
    obsolete: tuple[Rule, ...]
    foreign: tuple[Rule, ...]


def match_rules(desired: DesiredRoutes, rules: Iterable[Rule]) -> Matching:
    """Finds each route's rule among our own.

    The path decides, not the server: a path that goes from one server to another keeps its rule, so that it is never
    without one. Only then may a rule follow its server to a new path, and only if no other route wants the old one.
    """
    ours: list[Rule] = []
    foreign: list[Rule] = []
    for rule in sorted(rules, key=lambda rule: rule.priority):
        (ours if desired.owner.owns(rule.tags) else foreign).append(rule)
    kept: dict[str, Rule] = {}
    for fits in (_same_conditions_and_server, _same_conditions, _same_path(desired), _same_server(desired)):
        for route in desired.routes:
            if route.name in kept:
                continue
            found = next((rule for rule in ours if fits(rule, route)), None)
            if found is not None:
                kept[route.name] = found
                ours.remove(found)
    return Matching(kept, tuple(ours), tuple(foreign))


def _service(rule: Rule) -> str:
    return (rule.tags or {}).get(TAG_SERVICE, "")


def _same_conditions_and_server(rule: Rule, route: Route) -> bool:
    return _same_conditions(rule, route) and _service(rule) == route.name


def _same_conditions(rule: Rule, route: Route) -> bool:
    return rule.conditions == route.conditions


def _same_path(desired: DesiredRoutes) -> Callable[[Rule, Route], bool]:
    def fits(rule: Rule, route: Route) -> bool:
        # With further conditions several rules may share a path; changing one in place could unroute another.
        shared = any_overlap(route.patterns, _other_patterns(desired, route))
        return sorted(rule.path_values) == sorted(route.patterns) and not shared

    return fits


def _same_server(desired: DesiredRoutes) -> Callable[[Rule, Route], bool]:
    def fits(rule: Rule, route: Route) -> bool:
        lost = [value for value in rule.path_values if value not in route.patterns]
        return _service(rule) == route.name and not any_overlap(lost, _other_patterns(desired, route))

    return fits


def _other_patterns(desired: DesiredRoutes, route: Route) -> list[str]:
    return [pattern for other in desired.routes if other is not route for pattern in other.patterns]
