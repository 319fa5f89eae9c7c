# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule priorities: stable, allocated upwards into gaps, never anybody else's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.action import Problem
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.route import HIGHEST_PRIORITY, Route, Wish


@dataclass(frozen=True)
class Allocation:
    """Each route's priority, and the routes for which there is none."""

    priorities: Mapping[str, int]
    problems: tuple[Problem, ...]


def allocate(wish: Wish, current: Mapping[str, int], foreign: Iterable[int], doomed: Iterable[int]) -> Allocation:
    """Give every route a priority.

    ``current`` are the priorities of the rules that routes have already, ``foreign`` and ``doomed`` those of other
    rules. A route keeps its priority as long as it is in the range and no narrower route of ours comes after it.
    """
    others = set(foreign)
    fixed = {route.name: route.priority for route in wish.routes if route.priority is not None}
    taken = others | set(doomed) | set(current.values()) | set(fixed.values())
    assigned: dict[str, int] = {}
    problems = []
    for route in sorted(wish.routes, key=_narrowest_first):
        floor = max((assigned[name] for name in _narrower(route, wish.routes) if name in assigned), default=0)
        own = current.get(route.name)
        if route.name in fixed:
            choice: int | None = route.priority
            if choice in others:
                problems.append(Problem(route.name, f"priority {choice} is taken by a rule that is not ours"))
                continue
        elif own is not None and _may_stay(own, floor, wish) and own not in fixed.values():
            choice = own
        else:
            candidates = range(max(wish.priority_start, floor + 1), wish.priority_end + 1)
            choice = next((number for number in candidates if number not in taken), None)
            if choice is None:
                between = f"between {candidates.start} and {wish.priority_end}"
                problems.append(Problem(route.name, f"no priority {between} is free; widen the range"))
                continue
        if choice is not None:
            assigned[route.name] = choice
            taken.add(choice)
    return Allocation(assigned, tuple(problems))


def _may_stay(own: int, floor: int, wish: Wish) -> bool:
    return wish.priority_start <= own <= wish.priority_end and own > floor


def _narrowest_first(route: Route) -> tuple[int, int, str]:
    return (-len(route.path), -len(route.extra_conditions), route.name)


def _narrower(route: Route, routes: Iterable[Route]) -> list[str]:
    """Name the routes whose requests this route would take if it came first."""
    return [
        other.name
        for other in routes
        if other.path.startswith(f"{route.path}/")
        or (other.path == route.path and len(other.extra_conditions) > len(route.extra_conditions))
    ]


def parking_place(taken: Iterable[int], above: int, wish: Wish) -> int | None:
    """Find a free priority after all that matters: from the end of the range, or else from the very end.

    ``above`` is the last priority that has to come before it. None where nothing is free.
    """
    used = set(taken)
    candidates = [*range(wish.priority_end, above, -1), *range(HIGHEST_PRIORITY, max(above, wish.priority_end), -1)]
    return next((number for number in candidates if number not in used), None)
