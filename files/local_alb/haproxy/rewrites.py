"""Transforms of rules as HAProxy rewrites.

The usual transforms are done for many rules at once, so that their cost does not grow with the number of rules: a
rule's own prefix is taken off the path through a map, and a Host without a part of the client's is set for all rules
that set the same. Everything else is one line for each rule.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from local_alb.model.world import Document, Rule

from .routing_table import simple_paths
from .text import quoted

# The ACL that compares the chosen rule's priority.
RULE = "var(txn.rule) -m int"


def stripped_depth(rule: Rule) -> int | None:
    """Returns how many leading segments the rule's rewrite of the path takes off, None where it does something else.

    Holds only if every path of the rule is the prefix itself or something below it: then counting segments does what
    the rule's expression says.
    """
    paths = simple_paths(rule)
    found = [transform for transform in rule.transforms if transform["Type"] == "url-rewrite"]
    if paths is None or not found:
        return None
    rewrite = found[0]["UrlRewriteConfig"]["Rewrites"][0]
    prefix = _literal_prefix(rewrite["Regex"])
    if prefix is None or rewrite["Replace"] != "/$1":
        return None
    if any(path not in (prefix, f"{prefix}/*") for path in paths):
        return None
    return prefix.count("/")


def _literal_prefix(regex: str) -> str | None:
    found = re.fullmatch(r"\^((?:/(?:[A-Za-z0-9_~@:-]|\\[.+$-])+)+)/\?\(\.\*\)\$", regex)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else None


def rewrite_lines(rules: Sequence[Rule], map_path: str) -> tuple[list[str], str]:
    """Returns the lines of a frontend that apply the transforms of ``rules``, and the text of the map they need.

    ``map_path`` is where that map will be. The lines rely on ``txn.rule`` holding the priority of the chosen rule.
    """
    depths: dict[int, int] = {}
    hosts: dict[str, list[str]] = {}
    lines = []
    transformed = [rule for rule in rules if rule.transforms and rule.actions[-1]["Type"] == "forward"]
    for rule in transformed:
        depth = stripped_depth(rule)
        for transform in rule.transforms:
            host = _fixed_host(transform)
            if host is not None:
                hosts.setdefault(host, []).append(str(rule.priority))
            elif depth is not None and transform["Type"] == "url-rewrite":
                depths[rule.priority] = depth
            else:
                lines.append(_own_line(rule, transform))
    for host, priorities in hosts.items():
        for start in range(0, len(priorities), 32):  # a line takes 64 words
            those = " ".join(priorities[start : start + 32])
            lines.append(
                f"http-request set-header Host {quoted(host)} if {{ {RULE} {those} }} {{ req.fhdr(host) -m found }}"
            )
    if depths:
        stripped = [f"http-request set-var(txn.strip) var(txn.rule),map_str_int({map_path})"]
        for depth in sorted(set(depths.values())):
            expression = quoted(f"^(?:/[^/?]+){{{depth}}}/?(.*)$")
            replacement = quoted("/\\1")
            condition = f"{{ var(txn.strip) -m int {depth} }}"
            stripped.append(f"http-request replace-pathq {expression} {replacement} if {condition}")
        lines = stripped + lines
    if transformed:
        # A transform that leaves no usable URL is answered with 500, as AWS says of transforms that fail.
        lines.append("http-request return status 500 default-errorfiles if { var(txn.rule) -m found } !{ path_beg / }")
    return lines, "".join(f"{priority} {depth}\n" for priority, depth in sorted(depths.items()))


def _fixed_host(transform: Document) -> str | None:
    """Returns the Host that the transform puts in the place of any other, None where it does something else."""
    if transform["Type"] != "host-header-rewrite":
        return None
    rewrite = transform["HostHeaderRewriteConfig"]["Rewrites"][0]
    host = str(rewrite["Replace"])
    return host if rewrite["Regex"] == "^.*$" and re.fullmatch(r"[\[\]A-Za-z0-9.:_-]+", host) else None


def _own_line(rule: Rule, transform: dict[str, object]) -> str:
    if transform["Type"] == "url-rewrite":
        action, config = "replace-pathq", transform["UrlRewriteConfig"]
    else:
        action, config = "replace-header Host", transform["HostHeaderRewriteConfig"]
    rewrite = config["Rewrites"][0]  # type: ignore[index]
    expression, replacement = whole_replacement(rewrite["Regex"], rewrite["Replace"])
    return f"http-request {action} {quoted(expression)} {quoted(replacement)} if {{ {RULE} {rule.priority} }}"


def whole_replacement(regex: str, replacement: str) -> tuple[str, str]:
    """Returns an expression over the whole text and its replacement in HAProxy's notation.

    HAProxy replaces all of the text where the expression matches; AWS only the part that matched. What stands around
    the match is kept by two more groups, except where the expression is plainly anchored.
    """
    anchored = regex.startswith("^") and regex.endswith("$") and "|" not in regex and not regex.endswith("\\$")
    shift = 0 if anchored else 1
    parts = []
    for piece in re.findall(r"\$\d|[^$]+|\$", replacement):
        if re.fullmatch(r"\$\d", piece):
            parts.append(f"\\{int(piece[1]) + shift}")
        else:
            parts.append(piece.replace("\\", "\\\\").replace("%", "%%"))
    text = "".join(parts)
    if anchored:
        return regex, text
    last = re.compile(regex).groups + 2
    return f"^(.*?)(?:{regex})(.*)$", f"\\1{text}\\{last}"
