"""The pure road from rules to HAProxy: whatever the rules, the prepared tables say what trying them in turn would."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from local_alb.haproxy.rewrites import rewrite_lines, stripped_depth, whole_replacement
from local_alb.haproxy.routing_table import RoutingTable, routing_table
from local_alb.haproxy.text import quoted, wildcard_regex
from local_alb.model.world import LOCAL_LISTENER_ARN, Document, Rule

# Few letters, so that paths and patterns often meet.
STEM = st.text("ab/", max_size=5).map(lambda text: f"/{text}")
SIMPLE = st.one_of(STEM, STEM.map(lambda stem: f"{stem}*"))
PATTERN = st.one_of(SIMPLE, st.text("ab/*?", min_size=1, max_size=5))


def rule(priority: int, paths: list[str], *more: Document, transforms: tuple[Document, ...] = ()) -> Rule:
    condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": paths}, "Values": paths}
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": []}}
    return Rule(f"arn:{priority}", LOCAL_LISTENER_ARN, priority, (condition, *more), (action,), transforms)


def rules(patterns: st.SearchStrategy[str]) -> st.SearchStrategy[list[Rule]]:
    lists = st.lists(st.lists(patterns, min_size=1, max_size=3), max_size=8)
    priorities = st.permutations(range(1, 9))
    return st.tuples(lists, priorities).map(
        lambda drawn: [rule(priority, paths) for paths, priority in zip(drawn[0], drawn[1], strict=False)]
    )


def matches(pattern: str, path: str) -> bool:
    return re.match(wildcard_regex(pattern), path) is not None


def one_by_one(all_rules: list[Rule], path: str) -> int | None:
    """What AWS documents: rules are tried in order of priority, and the first that matches is taken."""
    for item in sorted(all_rules, key=lambda candidate: candidate.priority):
        if any(matches(pattern, path) for pattern in item.conditions[0]["Values"]):
            return item.priority
    return None


def by_table(table: RoutingTable, path: str) -> int | None:
    """What the rendered lines do: one look into each map, then general rules of lower priority only."""
    simple = table.exact.get(path)
    if simple is None:
        longest = max((prefix for prefix in table.prefixes if path.startswith(prefix)), key=len, default=None)
        simple = table.prefixes[longest] if longest is not None else None
    for item in table.general:
        if simple is not None and simple < item.priority:
            break
        if any(matches(pattern, path) for pattern in item.conditions[0]["Values"]):
            return item.priority
    return simple


@settings(max_examples=500, deadline=None)
@given(rules(PATTERN), STEM)
def test_the_table_answers_as_trying_the_rules_in_turn_would(all_rules: list[Rule], path: str) -> None:
    assert by_table(routing_table(all_rules), path) == one_by_one(all_rules, path)


@given(rules(SIMPLE))
def test_exact_paths_and_prefixes_never_need_to_be_tried_in_turn(all_rules: list[Rule]) -> None:
    assert routing_table(all_rules).general == ()


def test_a_rule_with_any_other_condition_is_tried_in_turn() -> None:
    header = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X", "Values": ["a"]}}
    assert len(routing_table([rule(1, ["/a"], header), rule(2, ["/b"])]).general) == 1


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_wildcard_pattern_matches_what_aws_says_it_does(pattern: str, text: str) -> None:
    # An independent reading: "*" is any text, "?" one character.
    def fits(left: str, right: str) -> bool:
        if not left:
            return not right
        if left[0] == "*":
            return fits(left[1:], right) or (bool(right) and fits(left, right[1:]))
        if left[0] == "\\" and left[1:2] in ("*", "?", "\\") and left[1:2]:
            return right[:1] == left[1] and fits(left[2:], right[1:])
        return bool(right) and (left[0] == "?" or left[0] == right[0]) and fits(left[1:], right[1:])

    expression = re.compile(wildcard_regex(pattern)[:-1] + r"\Z", re.DOTALL)
    assert bool(expression.match(text)) == fits(pattern, text)


def haproxy_replace(expression: str, replacement: str, text: str) -> str:
    """What HAProxy's replace-pathq does: the whole text is replaced where the expression matches."""
    found = re.search(expression, text)
    if not found:
        return text
    filled = re.sub(r"\\(\d|\\)", lambda part: found[int(part[1])] or "" if part[1].isdigit() else "\\", replacement)
    return filled.replace("%%", "%")


EXPRESSIONS = st.sampled_from(
    ["^/a/?(.*)$", "^/(a|b)/(.*)$", "a", "(a)(b)", "^/a", "b$", "a|b", "^/a|b$", "(/a)+", "[ab]+", "^(.*)$", "/x"]
)
REPLACEMENTS = st.sampled_from(["/", "/$1", "x$1y", "$1$1", "100%", "a\\b", "/fixed", "$", "cost$"])


@settings(max_examples=300)
@given(EXPRESSIONS, REPLACEMENTS, STEM)
def test_a_rewrite_replaces_the_part_that_matched(regex: str, replace: str, path: str) -> None:
    groups = re.compile(regex).groups
    if "$1" in replace and not groups:
        return

    def fill(found: re.Match[str]) -> str:
        return re.sub(r"\$1", lambda _: found[1] or "", replace)

    expected = re.sub(regex, fill, path, count=1)
    assert haproxy_replace(*whole_replacement(regex, replace), path) == expected


def strip(prefix: str) -> tuple[Document, ...]:
    regex = f"^{prefix}/?(.*)$"
    return ({"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": regex, "Replace": "/$1"}]}},)


def test_taking_off_a_rules_own_prefix_costs_one_line_however_many_rules_do_it() -> None:
    def lines(count: int) -> int:
        many = [
            rule(number, [f"/mcp/s{number}", f"/mcp/s{number}/*"], transforms=strip(f"/mcp/s{number}"))
            for number in range(1, count + 1)
        ]
        return len(rewrite_lines(many, "/maps/strip.map")[0])

    assert lines(2) == lines(100)


def sets_host(host: str) -> Document:
    return {
        "Type": "host-header-rewrite",
        "HostHeaderRewriteConfig": {"Rewrites": [{"Regex": "^.*$", "Replace": host}]},
    }


def test_setting_the_same_host_costs_a_line_for_many_rules_and_no_line_has_more_words_than_haproxy_takes() -> None:
    def lines(count: int) -> list[str]:
        many = [
            rule(
                number,
                [f"/mcp/s{number}", f"/mcp/s{number}/*"],
                transforms=(*strip(f"/mcp/s{number}"), sets_host("localhost:8000")),
            )
            for number in range(1, count + 1)
        ]
        return rewrite_lines(many, "/maps/strip.map")[0]

    assert len(lines(100)) - len(lines(1)) == 3
    assert max(len(line.split()) for line in lines(100)) <= 64


@given(st.lists(st.text("abc-_~", min_size=1, max_size=3), min_size=1, max_size=3), STEM)
def test_counting_segments_does_what_the_rules_expression_says(segments: list[str], rest: str) -> None:
    prefix = "/" + "/".join(segments)
    transforms = strip(re.escape(prefix).replace(r"\~", "~").replace(r"\_", "_"))
    depth = stripped_depth(rule(1, [prefix, f"{prefix}/*"], transforms=transforms))
    assert depth == len(segments)
    for path in (prefix, f"{prefix}?a/b", f"{prefix}{rest}", f"{prefix}{rest}?x={rest}"):
        said = re.sub(f"^{re.escape(prefix)}/?(.*)$", lambda found: f"/{found[1]}", path)
        assert re.sub(f"^(?:/[^/?]+){{{depth}}}/?(.*)$", lambda found: f"/{found[1]}", path) == said


def test_a_prefix_that_is_not_the_rules_own_is_rewritten_by_its_expression() -> None:
    for paths in (["/mcp/x*"], ["/mcp/*"], ["/mcp/x", "/mcp/x/*", "/y"]):
        assert stripped_depth(rule(1, paths, transforms=strip("/mcp/x"))) is None


@given(st.text())
def test_a_quoted_word_cannot_end_early_or_name_a_variable(text: str) -> None:
    inside = quoted(text)[1:-1]
    assert not re.search(r'(?<!\\)(?:\\\\)*["$]', re.sub(r"\\[\\\"$]", "", inside))
