"""The page of a request, and the audit list."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from monitor.access.refusals import LOGIN
from monitor.pages import asked, audit
from monitor.sources import Sources
from monitor.waiting import MOST_KEPT, Waiting, Wanted
from monitor.web import Answer, Request

NOW = datetime(2026, 11, 29, 7, 0, tzinfo=UTC)
ID = "20261129T065900123456Z-1f3a9c02"


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    (tmp_path / "results").mkdir()
    (tmp_path / "monitor").mkdir()
    return Sources(tmp_path / "state.json", tmp_path)


def result(status: str = "done", **more: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "id": ID,
        "action": "stop",
        "server": "time",
        "who": {"uid": 999, "user": "mcp-monitor", "name": "admin"},
        "from": "page 10.0.0.7",
        "status": status,
        "message": "time: stopped by admin",
        "messages": ["time: stopped by admin", "<b>second</b>"],
        "servers": {"time": {"condition": "stopped", "text": "", "changes": ["stop — asked for"], "error": None}},
        "run": "20261129T065901Z-5b1e",
        "taken": "2026-11-29T06:59:01Z",
        "answered": "2026-11-29T06:59:04Z",
        **more,
    }


def page(sources: Sources, identity: str = ID, now: datetime = NOW) -> Answer | None:
    return asked.page(Request(arguments={"id": identity}, now=now), sources)


def body(answer: Answer | None) -> str:
    assert answer is not None
    return str(answer.body)


def test_while_no_run_has_answered_the_page_waits_and_says_so_when_it_takes_long(sources: Sources) -> None:
    assert "The run that does it answers here" in body(page(sources))
    late = body(page(sources, now=NOW + timedelta(minutes=20)))
    assert "No run has answered for 21 minutes" in late
    assert "journalctl -u mcp-reconcile" in late


@pytest.mark.parametrize(
    ("status", "headline"),
    [
        ("done", "Done"),
        ("failed", "something is in the way"),
        ("refused", "Nothing was done"),
        ("superseded", "the opposite"),
        ("new", "new"),
    ],
)
def test_what_came_of_it_is_told_in_full_and_the_page_rests(sources: Sources, status: str, headline: str) -> None:
    (sources.results / f"{ID}.json").write_text(json.dumps(result(status)))
    text = body(page(sources))
    assert headline in text
    assert "asked by admin" in text
    assert "&lt;b&gt;second&lt;/b&gt;" in text
    assert "time: stop — asked for" in text
    assert "renew.js" not in text


def test_a_request_that_could_not_be_read_has_an_answer_as_well(sources: Sources) -> None:
    bare = result("refused", action=None, server=None, servers={}, run=None, **{"from": None})
    (sources.results / f"{ID}.json").write_text(json.dumps(bare))
    assert "Nothing was done" in body(page(sources))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": 1}', "[" * 100_000])
def test_an_answer_that_is_none_is_waited_for(sources: Sources, content: str) -> None:
    (sources.results / f"{ID}.json").write_text(content)
    assert "The run that does it answers here" in body(page(sources))


@pytest.mark.parametrize("identity", ["x", "..", "../state", "%2e", ID.replace("Z", "z"), f"{ID}.json", "9" * 40])
def test_what_is_no_id_of_a_request_is_no_page(sources: Sources, identity: str) -> None:
    assert page(sources, identity) is None


@pytest.mark.parametrize("days", [7, -7])
def test_a_request_of_last_or_next_week_that_nobody_answered_is_no_page(sources: Sources, days: int) -> None:
    assert page(sources, now=NOW + timedelta(days=days)) is None


def test_a_request_that_waits_says_what_it_asks_for(sources: Sources) -> None:
    sources.waiting.note(ID, Wanted("pull", "<b>time", "alice", "API 10.0.0.7"))
    text = body(page(sources))
    assert "Pull and roll &lt;b&gt;time. The run that does it answers here" in text
    assert "asked by alice" in text
    assert "Pull and roll &lt;b&gt;time. No run has answered for 21 minutes" in body(
        page(sources, now=NOW + timedelta(minutes=20))
    )


def test_of_requests_that_wait_the_oldest_is_forgotten_first() -> None:
    waiting = Waiting()
    for number in range(MOST_KEPT + 1):
        waiting.note(str(number), Wanted("sync", None, "alice", ""))
    assert waiting.of("0") is None
    assert waiting.of("1") == waiting.of(str(MOST_KEPT)) == Wanted("sync", None, "alice", "")


def line(**more: Any) -> str:
    kept = {key: value for key, value in result().items() if key not in ("version", "messages", "servers", "answered")}
    return json.dumps({"time": "2026-11-29T06:59:04Z", "event": "request", **kept, **more}) + "\n"


def test_the_audit_list_has_requests_and_refusals_the_newest_first(sources: Sources) -> None:
    lapsed = {"time": "2026-11-29T06:59:30Z", "event": "lapsed", "server": "time", "message": "its entry has changed"}
    sources.audit.write_text(line() + "{broken\n" + json.dumps(lapsed) + "\n")
    sources.audit.with_name("audit.jsonl.1").write_text(line(action="start", time="2026-11-28T00:00:00Z"))
    sources.refusals.note(LOGIN, None, "203.0.113.9", "the password is wrong, or there is no such user")
    text = body(audit.page(Request(now=NOW), sources))
    places = [text.index(each) for each in ("203.0.113.9", "its entry has changed", "stop time", "start time")]
    assert places == sorted(places)
    assert "203.0.113.9" not in body(audit.page(Request(now=NOW, query={"kind": ("requests",)}), sources))
    assert "stop time" not in body(audit.page(Request(now=NOW, query={"kind": ("refused",)}), sources))


def test_an_empty_audit_list_says_what_will_be_there(sources: Sources) -> None:
    assert "refused logins" in body(audit.page(Request(now=NOW), sources))
