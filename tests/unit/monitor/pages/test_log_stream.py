"""The stream of logs, event by event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from monitor.pages import log_stream
from monitor.pages.log_stream import HEARTBEAT_SECONDS, LONGEST_SECONDS, MOST_FOLLOWERS, LogStream, follow
from monitor.pages.logs import MOST_LINES
from monitor.sources import Sources
from monitor.web import Answer, Request
from records.growth import Growth
from records.logs import Logs
from records.query import Query

from tests.unit.records.kept import at, keep, line


class Clock:
    """Time that passes while somebody waits, and what happens then."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def stream(place: Path, clock: Clock, query: Query | None = None) -> LogStream:
    logs = Logs(place)
    return LogStream(
        logs, Growth(place, clock), query or Query(), logs.servers(), is_all=True, sleep=clock.sleep, clock=clock
    )


def parsed(event: bytes) -> tuple[str, str, Any]:
    """Name, id and data of an event, as a browser reads it."""
    fields = dict(each.split(": ", 1) for each in event.decode().strip().split("\n") if not each.startswith(":"))
    return fields.get("event", ""), fields.get("id", ""), json.loads(fields.get("data", "null"))


def next_event(events: Iterator[bytes]) -> tuple[str, str, Any]:
    """The next event that is more than a sign of life."""
    for event in events:
        if event.startswith(b"event:"):
            return parsed(event)
    raise AssertionError("the stream has ended")


def texts(event: tuple[str, str, Any]) -> list[str]:
    return [row[5] for row in event[2]]


def append(place: Path, content: bytes) -> None:
    with (place / "00000001.log").open("ab") as file:
        file.write(content)


def test_what_is_written_comes_with_the_time_from_which_to_go_on(tmp_path: Path, clock: Clock) -> None:
    place = keep(tmp_path, "time", line(1, "old"))
    events = stream(tmp_path, clock).events("", has_past=False)
    assert next(events).startswith(b"retry:")
    next(events)  # a sign of life: the stream looks
    append(place, line(2, "two") + line(3, "three"))
    event = next_event(events)
    assert (event[0], event[1], texts(event)) == ("lines", at(3), ["two", "three"])


def test_a_browser_that_comes_back_gets_what_it_missed(tmp_path: Path, clock: Clock) -> None:
    keep(tmp_path, "time", line(1, "seen long ago") + line(10, "seen") + line(11, "missed"))
    event = next_event(stream(tmp_path, clock).events(at(10), has_past=False))
    assert texts(event) == ["seen", "missed"]  # what it has it knows by its key


def test_a_search_tells_what_it_finds_and_then_goes_on_with_what_comes(tmp_path: Path, clock: Clock) -> None:
    keep(tmp_path, "orders", line(5, "ERROR five") + line(6, "fine"))
    place = keep(tmp_path, "time", line(1, "ERROR one"))
    events = stream(tmp_path, clock, Query(text="error")).events("", has_past=True)
    found = [next_event(events), next_event(events)]
    assert [(event[0], texts(event)) for event in found] == [("found", ["ERROR five"]), ("found", ["ERROR one"])]
    assert next_event(events) == ("searched", at(5), {"whole": True, "count": 2})
    append(place, line(7, "fine again") + line(8, "ERROR eight"))
    assert texts(next_event(events)) == ["ERROR eight"]


@pytest.mark.parametrize("query", [Query(text="hit"), Query(regex="hit")])
def test_a_search_that_finds_much_tells_the_newest(tmp_path: Path, clock: Clock, query: Query) -> None:
    for server, start in (("a", 0), ("b", 1000)):
        keep(tmp_path, server, b"".join(line(start + number, f"hit {server}") for number in range(500)))
    told: list[str] = []
    events = stream(tmp_path, clock, query).events("", has_past=True)
    while (event := next_event(events))[0] == "found":
        told += texts(event)
    assert event[2]["count"] == MOST_LINES
    assert told.count("hit b") >= MOST_LINES
    keep(tmp_path, "a", line(1, "nothing"))
    assert len(told) <= 2 * MOST_LINES + 50


def test_what_is_left_out_is_said(tmp_path: Path, clock: Clock) -> None:
    place = keep(tmp_path, "time", line(1, "old"))
    events = stream(tmp_path, clock).events("", has_past=False)
    next(events), next(events)
    append(place, b"".join(line(2, f"flood {number}") for number in range(50_000)))
    assert next_event(events) == ("left", "", ["time"])
    assert next_event(events)[0] == "lines"


def test_a_quiet_stream_gives_signs_of_life_and_ends_after_a_while(tmp_path: Path, clock: Clock) -> None:
    keep(tmp_path, "time", line(1, "old"))
    events = list(stream(tmp_path, clock).events("", has_past=False))
    assert set(events[1:]) == {b": still here\n\n"}
    assert len(events) - 1 == pytest.approx(LONGEST_SECONDS / HEARTBEAT_SECONDS, abs=2)


def request(headers: dict[str, str] | None = None, **query: str) -> Request:
    return Request(path="/logs/follow", query={name: (value,) for name, value in query.items()}, headers=headers or {})


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    keep(tmp_path / "logs", "time", line(1, "one"))
    return Sources(tmp_path / "state.json", tmp_path)


def test_only_so_many_follow_at_once_and_who_leaves_makes_room(sources: Sources) -> None:
    answers = [follow(request(), sources) for _ in range(MOST_FOLLOWERS)]
    refused = follow(request(), sources)
    assert refused is not None
    assert (refused.status, refused.headers["Retry-After"]) == (503, "10")
    for answer in answers:
        assert answer is not None
        for _ in range(2):  # a server may close more than once
            answer.body.close()  # type: ignore[union-attr]
    admitted = follow(request(), sources)
    assert admitted is not None
    assert admitted.status == 200
    admitted.body.close()  # type: ignore[union-attr]
    assert log_stream._followers._count == 0


def test_what_cannot_be_followed_takes_no_place(sources: Sources) -> None:
    wrong = follow(request(q="(", regex="1"), sources)
    assert wrong is not None
    assert wrong.status == 400
    assert follow(request(server="none"), sources) is None
    assert log_stream._followers._count == 0


@pytest.mark.parametrize("made_up", ["", "now", "9" * 500, "2026-11-29", "\n\nevent: lines"])
def test_a_time_that_somebody_made_up_begins_with_what_comes(sources: Sources, made_up: str) -> None:
    answer = follow(request({"last-event-id": made_up}), sources)
    assert isinstance(answer, Answer)
    body = iter(answer.body)  # type: ignore[arg-type]
    assert next(body) == b"retry: 1000\n\n"
    answer.body.close()  # type: ignore[union-attr]


def test_no_text_ends_its_event(tmp_path: Path, clock: Clock) -> None:
    place = keep(tmp_path, "time", line(1, "old"))
    events = stream(tmp_path, clock).events("", has_past=False)
    next(events), next(events)
    append(place, line(2, 'data: 1\\n\\nevent: left "quoted" \r \x0b \u2028 </script>'))
    (event,) = [next_event(events)]
    assert texts(event) == ['data: 1\\n\\nevent: left "quoted" \r \x0b \u2028 </script>']
