"""What the bridge counts is bounded, whatever clients invent and servers list."""

from __future__ import annotations

from pathlib import Path

import pytest
from bridge.metrics import _MEANINGS, _PREFIX, Metrics
from bridge.protocol.message import Failure, error_type, parse
from prometheus_client.parser import text_string_to_metric_families

DURATION = "mcp_server_operation_duration_seconds"


def counts(metrics: Metrics) -> dict[tuple[str, str, str], float]:
    """How many calls there were, by method, tool and kind of error."""
    page = metrics.render({}, {}).decode()
    found = [each for family in text_string_to_metric_families(page) for each in family.samples]
    names = [(each.name, *sorted(each.labels.items())) for each in found]
    assert len(set(names)) == len(names), "a series is there twice"
    key = ("mcp_method_name", "gen_ai_tool_name", "error_type")
    return {
        (each.labels[key[0]], each.labels[key[1]], each.labels[key[2]]): each.value
        for each in found
        if each.name == f"{DURATION}_count"
    }


def test_ten_thousand_tools_and_as_many_kinds_of_errors_are_a_bounded_page() -> None:
    metrics = Metrics()
    metrics.tools = [f"tool_{number}" for number in range(10_000)]
    for number in range(10_000):
        metrics.called("tools/call", "ok", 0.03, f"tool_{number}")
        metrics.called("tools/call", "error", 0.03, f"tool_{number}", str(-32000 - number % 700))
        metrics.called(f"invented/{number}", "ok", 0.03, "")
    found = counts(metrics)
    assert sum(found.values()) == metrics.calls == 30_000
    assert len(metrics.render({}, {})) < 1024 * 1024
    assert len(found) < 320
    assert len({tool for _method, tool, _error in found}) == 102
    assert found["_OTHER", "", ""] == 10_000


def test_a_tool_that_the_server_does_not_list_has_no_series_of_its_own() -> None:
    metrics = Metrics()
    metrics.called("tools/call", "error", 0.2, "invented", "-32602")
    metrics.tools = ["invented", "x" * 129]
    metrics.called("tools/call", "ok", 0.2, "invented")
    metrics.called("tools/call", "ok", 0.2, "x" * 129)
    assert counts(metrics) == {
        ("tools/call", "_OTHER", "-32602"): 1,
        ("tools/call", "invented", ""): 1,
        ("tools/call", "_OTHER", ""): 1,
    }


def test_a_name_that_would_break_the_page_is_one_label() -> None:
    name = 'a"} 1\n\\b \ud83d'
    metrics = Metrics()
    metrics.tools = [name]
    metrics.called("tools/call", "ok", 1.0, name)
    assert counts(metrics) == {("tools/call", 'a"} 1\n\\b ?', ""): 1}


def test_durations_fall_into_the_buckets_of_the_convention() -> None:
    metrics = Metrics()
    for seconds in (0.005, 0.01, 0.3, 299.0, 1000.0):
        metrics.called("ping", "ok", seconds)
    (family,) = [
        each for each in text_string_to_metric_families(metrics.render({}, {}).decode()) if each.name == DURATION
    ]
    buckets = {each.labels["le"]: each.value for each in family.samples if each.name.endswith("_bucket")}
    assert (buckets["0.01"], buckets["0.2"], buckets["0.5"], buckets["300.0"], buckets["+Inf"]) == (2, 2, 3, 4, 5)
    assert len(buckets) == 15
    (total,) = [each.value for each in family.samples if each.name.endswith("_sum")]
    assert total == pytest.approx(1299.315)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b'{"id":1,"result":{}}', ""),
        (b'{"id":1,"result":{"isError":true}}', "tool_error"),
        (b'{"id":1,"result":{"isError":"yes"}}', ""),
        (b'{"id":1,"error":{"code":-32602,"message":"x"}}', "-32602"),
        (b'{"id":1,"error":{"code":7,"message":"x"}}', "_OTHER"),
        (b'{"id":1,"error":{"code":true}}', "_OTHER"),
        (b'{"id":1,"error":{"code":"x\\"y"}}', "_OTHER"),
        (b'{"id":1,"error":{}}', "_OTHER"),
    ],
)
def test_what_went_wrong_is_one_of_few_words(answer: bytes, told: str) -> None:
    assert error_type(parse(answer)) == told


def test_what_the_bridge_answers_itself_is_told_by_its_outcome() -> None:
    assert error_type(Failure(1, "gone")) == ""
    metrics = Metrics()
    metrics.called("tools/list", "lost", 0.1)
    assert (counts(metrics), metrics.failed) == ({("tools/list", "", "lost"): 1}, 1)


def test_every_metric_stands_in_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert [name for name in (DURATION, *(_PREFIX + name for name in _MEANINGS)) if f"`{name}`" not in page] == []
