"""Which rule a path belongs to, prepared so that looking it up costs the same for 2 and for 100 rules.

A rule whose only condition is made of exact paths and of prefixes (``/mcp/x`` and ``/mcp/x/*``) is *simple*. Simple
rules become two maps, from exact path and from longest prefix to a priority. Because each entry already holds the
lowest priority of everything that matches there, one lookup gives what trying the rules one by one would give.
All other rules are *general* and are tried in order, as long as their priority is lower than the one found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from local_alb.model.world import Rule


@dataclass(frozen=True)
class RoutingTable:
    """Priorities by exact path and by prefix, and the rules that have to be tried one by one."""

    exact: dict[str, int]
    prefixes: dict[str, int]
    general: tuple[Rule, ...]


def routing_table(rules: Sequence[Rule]) -> RoutingTable:
    """Returns the table of one listener's rules, in any order."""
    exact: dict[str, int] = {}
    prefixes: dict[str, int] = {}
    general = []
    for rule in sorted(rules, key=lambda rule: rule.priority):
        paths = simple_paths(rule)
        if paths is None:
            general.append(rule)
            continue
        for path in paths:
            # The rules come in order of priority: whoever was first stays.
            if path.endswith("*"):
                prefixes.setdefault(path[:-1], rule.priority)
            else:
                exact.setdefault(path, rule.priority)
    return RoutingTable(
        exact={path: min(priority, _lowest(path, prefixes)) for path, priority in exact.items()},
        prefixes={prefix: _lowest(prefix, prefixes) for prefix in prefixes},
        general=tuple(general),
    )


def simple_paths(rule: Rule) -> list[str] | None:
    """Returns the path patterns of a simple rule, None of a general one."""
    if len(rule.conditions) != 1 or rule.conditions[0]["Field"] != "path-pattern":
        return None
    paths = rule.conditions[0]["PathPatternConfig"].get("Values")
    if not paths:
        return None
    for path in paths:
        stem = path[:-1] if path.endswith("*") else path
        # An empty prefix cannot be a map's key, and a "#" or a blank would end it.
        if not stem.startswith("/") or "*" in stem or "?" in stem:
            return None
    return list(paths)


def _lowest(path: str, prefixes: dict[str, int]) -> int:
    found = [prefixes[path[:length]] for length in range(1, len(path) + 1) if path[:length] in prefixes]
    return min(found, default=2**31)
