"""The lines of a frontend that find the rule of a request.

Rules see a path as the target may understand it, with ``.``, ``..`` and encoded letters resolved: no way of writing a
path may lead from one rule's into another's. The target gets the path as it came, unless that reads as another rule's:
then it gets the resolved one, so that both always mean the same.
"""

from __future__ import annotations

from .conditions import acls
from .routing_table import RoutingTable

# Only these can make a difference; all other paths are not looked at any closer.
_UNUSUAL = "{ pathq -m sub % } || { path -m sub /. }"
_IS_UNUSUAL = "{ var(txn.asked) -m found }"


def choice_lines(table: RoutingTable, port: int, folder: str) -> tuple[list[str], dict[str, str]]:
    """Returns the lines that leave the priority of the first matching rule in ``txn.rule``, and the maps they need.

    ``port`` is the listener's, ``folder`` where the maps will be.
    """
    files = {
        f"{kind}.{port}.map": "".join(f"{path} {priority}\n" for path, priority in sorted(entries.items()))
        for kind, entries in (("exact", table.exact), ("prefix", table.prefixes))
        if entries
    }
    literal = [f"{line} {_IS_UNUSUAL}" for line in _first_match(table, port, folder, "literal", "var(txn.asked_path)")]
    same = ["{ var(txn.literal),sub(txn.rule) -m int 0 }", "!{ var(txn.literal) -m found } !{ var(txn.rule) -m found }"]
    return [
        f"http-request set-var(txn.asked_path) path if {_UNUSUAL}",
        f"http-request set-var(txn.asked) pathq if {_UNUSUAL}",
        # With a condition HAProxy 2.6 merges slashes instead. The query is decoded too.
        "http-request normalize-uri percent-decode-unreserved",
        f"http-request normalize-uri path-strip-dot if {_IS_UNUSUAL}",
        f"http-request normalize-uri path-strip-dotdot full if {_IS_UNUSUAL}",
        *_first_match(table, port, folder, "rule", "path"),
        *literal,
        *[f"http-request set-pathq %[var(txn.asked)] if {_IS_UNUSUAL} {condition}" for condition in same],
    ], files


def _first_match(table: RoutingTable, port: int, folder: str, name: str, path: str) -> list[str]:
    """Leaves the priority of the first rule that ``path``, an expression, matches in ``txn.<name>``.

    Each line ends with a condition.
    """
    found = f"txn.{name}_simple" if table.general else f"txn.{name}"
    lines = []
    for kind, converter, entries in (("exact", "map_str_int", table.exact), ("prefix", "map_beg_int", table.prefixes)):
        if entries:
            lookup = f"{path},{converter}({folder}/{kind}.{port}.map)"
            lines.append(f"http-request set-var({found}) {lookup} if !{{ var({found}) -m found }}")
    for rule in table.general:
        earlier = f"!{{ var(txn.{name}) -m found }} !{{ var({found}) -m int lt {rule.priority} }}"
        matches = acls(rule.conditions, path)
        lines.append(f"http-request set-var(txn.{name}) int({rule.priority}) if {earlier} {matches}")
    if table.general and (table.exact or table.prefixes):
        lines.append(f"http-request set-var(txn.{name}) var({found}) if !{{ var(txn.{name}) -m found }}")
    return lines
