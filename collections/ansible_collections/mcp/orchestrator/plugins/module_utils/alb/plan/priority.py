# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule priorities: stable, allocated upwards into gaps, never anybody else's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import (
    HIGHEST_PRIORITY,
    DesiredRoutes,
    Route,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import RouteProblem


@dataclass(frozen=True)
class Allocation:
    """Each route's priority, and the routes for which there is none."""

    priorities: Mapping[str, int]
    problems: tuple[RouteProblem, ...]


def allocate(
    desired: DesiredRoutes,
    current: Mapping[str, int],
    foreign: Iterable[int],
    obsolete: Iterable[int],
    inside: Mapping[str, int] | None = None,
) -> Allocation:
    """Gives every route a priority.

    ``current`` are the priorities of the rules that routes have already, ``foreign`` and ``obsolete`` those of other
    rules; ``inside`` has for routes that give way the last priority before theirs. A route keeps its priority as long
    as it is in the range and no narrower route of ours comes after it.
    """
    others = set(foreign)
    fixed = {route.name: route.priority for route in desired.routes if route.priority is not None}
    ours = {*obsolete, *current.values()}
    assigned: dict[str, int] = {}
    problems = []
    for route in sorted(desired.routes, key=_narrowest_first):
        window = _window(route, desired, assigned, fixed)
        window = range(max(window.start, (inside or {}).get(route.name, 0) + 1), window.stop)
        given = {*assigned.values(), *fixed.values()}
        # What gives way is last, where routes that come later have room before it.
        places = window[::-1] if route.gives_way else window
        gaps = (number for number in places if number not in ours)
        # Where there is no gap, a rule of ours that has another place by now, or finds one, makes way.
        candidates = [fixed[route.name]] if route.name in fixed else chain([current.get(route.name)], gaps, places)
        refused = others if route.name in fixed else others | given
        choice = next((number for number in candidates if number in window and number not in refused), None)
        if choice is None:
            problems.append(RouteProblem(route.name, _why_not(route, desired, window, others)))
            problems += _crowding(route, desired, fixed)
        else:
            assigned[route.name] = choice
    problems += _blocked(assigned, current, {problem.server for problem in problems})
    for problem in problems:
        assigned.pop(problem.server, None)
    return Allocation(assigned, tuple(problems))


def _blocked(assigned: Mapping[str, int], current: Mapping[str, int], stuck: set[str]) -> list[RouteProblem]:
    """Returns a problem for each route whose priority is held by a rule of ours that cannot leave it."""
    problems: list[RouteProblem] = []
    while True:
        held = {current[name]: name for name in stuck if name in current}
        found = [name for name, number in assigned.items() if number in held and name not in stuck]
        if not found:
            return problems
        for name in found:
            number = assigned[name]
            problems.append(
                RouteProblem(name, f"priority {number} is still that of route '{held[number]}', which cannot move")
            )
            stuck.add(name)


def _window(route: Route, desired: DesiredRoutes, assigned: Mapping[str, int], fixed: Mapping[str, int]) -> range:
    """Returns the priorities that a route may have: after narrower routes, and before broader ones that are fixed."""
    after = [assigned[other.name] for other in desired.routes if takes_from(route, other) and other.name in assigned]
    before = [fixed[other.name] for other in desired.routes if takes_from(other, route) and other.name in fixed]
    start, end = (1, HIGHEST_PRIORITY) if route.name in fixed else (desired.priority_start, desired.priority_end)
    return range(max([start, *(number + 1 for number in after)]), min([end + 1, *before]))


def _why_not(route: Route, desired: DesiredRoutes, window: range, others: set[int]) -> str:
    if route.priority is None:
        span = f"between {window.start} and {window.stop - 1}" if window else "before the broader routes of ours"
        return (
            f"no priority {span} is free; widen the range from priority_start to priority_end, or fix fewer priorities"
        )
    if route.priority in others:
        return f"priority {route.priority} is taken by a rule that is not ours; give the route another"
    rivals = [other.name for other in desired.routes if takes_from(route, other) or takes_from(other, route)]
    return (
        f"priority {route.priority} is on the wrong side of {', '.join(rivals)}: of routes with nested paths, the "
        "narrower has to have the lower number"
    )


def _crowding(route: Route, desired: DesiredRoutes, fixed: Mapping[str, int]) -> list[RouteProblem]:
    """Returns a problem for each broader route whose fixed priority leaves a route no place before it."""
    return [
        RouteProblem(
            other.name, f"priority {other.priority} leaves route '{route.name}' ({route.path}) no place before it"
        )
        for other in desired.routes
        if other.name in fixed and takes_from(other, route)
    ]


def _narrowest_first(route: Route) -> tuple[int, int, str]:
    return (-len(route.path), -len(route.extra_conditions), route.name)


def takes_from(broad: Route, narrow: Route) -> bool:
    """Returns whether a route would take all requests of another if it came first."""
    return narrow.path.startswith(f"{broad.path}/") or (
        narrow.path == broad.path and len(narrow.extra_conditions) > len(broad.extra_conditions)
    )


def parking_place(taken: Iterable[int], above: int, desired: DesiredRoutes) -> int | None:
    """Returns a free priority after all that matters: from the end of the range downwards, or else beyond it upwards.

    ``above`` is the last priority that has to come before it. None where nothing is free.
    """
    used = set(taken)
    beyond = range(max(above, desired.priority_end) + 1, HIGHEST_PRIORITY + 1)
    return next((n for n in chain(range(desired.priority_end, above, -1), beyond) if n not in used), None)
