"""The page of calls."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from monitor.pages.calls import MOST_ROWS, calls_view, page
from monitor.sources import Sources
from monitor.web import Request
from records.calls import Calls
from records.query import Query

from tests.unit.records.kept import at, keep, line

NOW = datetime(2026, 11, 29, 7, 0, tzinfo=UTC)


def call(second: float, tool: str = "get", outcome: str = "ok", took: float = 12.5, session: str = "ab" * 8) -> bytes:
    ended = at(second)[:23] + "Z"
    return line(second, f"{ended} {session} tools/call {tool} {outcome} {took}", "call")


def request(**query: str) -> Request:
    return Request(path="/calls", query={name: (value,) for name, value in query.items()}, now=NOW)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    keep(tmp_path / "calls", "time", call(1) + call(2, "now", "error", 900.0) + call(3, "now", "lost", 5.0))
    keep(tmp_path / "calls", "orders", call(4, "buy") + call(5, "buy", "cancelled"))
    return Sources(tmp_path / "state.json", tmp_path)


def test_a_server_without_calls_is_the_one_that_is_chosen(sources: Sources) -> None:
    assert "<option selected>quiet</option>" in str(page(request(server="quiet"), sources).body)


def view(sources: Sources, **query: str):  # type: ignore[no-untyped-def]
    calls = sources.calls.tail(sources.calls.servers(), Query(), 5000).calls
    return calls_view(calls, sources.calls.servers(), request(**query))


def test_calls_are_summed_by_tool_those_with_errors_first(sources: Sources) -> None:
    found = view(sources)
    assert [(row.server, row.name, row.calls, row.errors) for row in found.tools] == [
        ("time", "now", 2, 2),
        ("orders", "buy", 2, 0),
        ("time", "get", 1, 0),
    ]
    assert (found.tools[0].p50, found.tools[0].p95, found.tools[0].longest) == (5.0, 900.0, 900.0)
    assert found.says == "5 calls out of all that are kept; 2 of them went wrong."


def test_the_last_calls_come_first_without_their_payload_and_with_a_part_of_the_session(sources: Sources) -> None:
    found = view(sources)
    assert [row.name for row in found.rows] == ["buy", "buy", "now", "now", "get"]
    assert found.rows[0].session == "abababab"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"server": "time"}, ["now", "now", "get"]),
        ({"q": "buy"}, ["buy", "buy"]),
        ({"outcome": "lost"}, ["now"]),
        ({"since": at(4)}, ["buy", "buy"]),
        ({"q": "nothing"}, []),
    ],
)
def test_the_form_narrows_the_calls(sources: Sources, query: dict[str, str], names: list[str]) -> None:
    body = str(page(request(**query), sources).body)
    rows = body[body.index("The last calls") :] if names else ""
    assert [each.partition("<")[0] for each in rows.split('<th scope="row">')[1:]] == names


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({"since": "then"}, 400, "is not a time"),
        ({"q": "x" * 300}, 400, "longer than 200 characters"),
        ({"server": "../time"}, 200, "No call is recorded"),
        ({"outcome": "<b>"}, 200, "No call is like that"),
    ],
)
def test_what_cannot_be_shown_is_said(sources: Sources, query: dict[str, str], status: int, says: str) -> None:
    answer = page(request(**query), sources)
    assert answer.status == status
    assert says in str(answer.body)
    assert "<b>" not in str(answer.body)


def test_older_calls_are_a_page_away(tmp_path: Path) -> None:
    keep(tmp_path / "calls", "time", b"".join(call(number) for number in range(MOST_ROWS + 50)))
    sources = Sources(tmp_path / "state.json", tmp_path)
    found = view(sources)
    assert len(found.rows) == MOST_ROWS
    assert f"until={found.rows[-1].ended}".replace(":", "%3A") in found.older


def test_words_of_clients_are_text(tmp_path: Path) -> None:
    keep(tmp_path / "calls", "time", call(1, "%3Cscript%3Ealert(1)%3C/script%3E%1b%00") + line(2, "torn", "call"))
    body = str(page(request(), Sources(tmp_path / "state.json", tmp_path)).body)
    assert "&lt;script&gt;alert(1)" in body
    assert "<script>alert" not in body
    assert "\x00" not in body
    assert "\x1b" not in body


def test_a_reader_of_calls_knows_no_other_directory(tmp_path: Path) -> None:
    assert Calls(tmp_path / "none").servers() == []
