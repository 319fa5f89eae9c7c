"""The record of calls."""

from __future__ import annotations

from pathlib import Path

from records.calls import Calls
from records.query import Query

from tests.unit.records.kept import keep, line

ENDED = "2026-11-29T01:19:13.123Z"
SESSION = "0011223344556677"


def test_calls_are_read_and_what_is_none_is_passed_over(tmp_path: Path) -> None:
    keep(
        tmp_path,
        "time",
        line(1, f"{ENDED} {SESSION} tools/call get_time ok 12.3", "call")
        + line(2, "no call", "call")
        + line(3, f"{ENDED} - tools/call %1b[31m%3Cb%3E error 0.5", "call"),
    )
    first, second = Calls(tmp_path).tail(["time"], Query(), 10).calls
    assert (first.session, first.method, first.tool, first.outcome, first.milliseconds) == (
        *(SESSION, "tools/call", "get_time"),
        *("ok", 12.3),
    )
    assert (second.session, second.tool) == ("", "\\x1b[31m<b>")


def test_calls_are_found_by_tool_and_outcome(tmp_path: Path) -> None:
    keep(
        tmp_path,
        "time",
        line(1, f"{ENDED} - tools/call get_time ok 1.0", "call")
        + line(2, f"{ENDED} - tools/call convert lost 1.0", "call"),
    )
    calls = Calls(tmp_path)
    assert [call.tool for call in calls.search(["time"], Query(text="get_time"))] == ["get_time"]
    assert [call.tool for call in calls.search(["time"], Query(regex=" lost "))] == ["convert"]
    assert [call.tool for call in calls.after({"time": "1:0"}, Query(), 1).calls] == ["get_time"]
