"""Reading what is kept: the last lines, what is looked for, and what comes."""

from __future__ import annotations

from pathlib import Path

import pytest
from records.logs import Logs
from records.query import Query, QueryRefused

from tests.unit.records.kept import at, keep, line

ALL = Query()


def texts(lines: object) -> list[str]:
    return [each.text for each in lines]  # type: ignore[attr-defined]


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    keep(
        tmp_path,
        "time",
        line(1, "INFO one") + line(2, "ERROR Two", "err"),
        line(3, "three") + line(4, "four out of out", container="ba9876543210"),
    )
    keep(tmp_path, "orders", line(2.5, "order one"))
    return Logs(tmp_path)


def test_the_last_lines_of_several_servers_come_in_the_order_of_their_times(logs: Logs) -> None:
    page = logs.tail(logs.servers(), ALL, 3)
    assert texts(page.lines) == ["order one", "three", "four out of out"]
    assert [each.server for each in page.lines] == ["orders", "time", "time"]


@pytest.mark.parametrize("query", [ALL, Query(text="line"), Query(regex="line")])
def test_lines_of_one_time_are_in_the_order_in_which_they_were_written(tmp_path: Path, query: Query) -> None:
    keep(tmp_path, "time", b"".join(line(1, f"line {number}") for number in range(50)))
    assert texts(Logs(tmp_path).tail(["time"], query, 3).lines) == ["line 47", "line 48", "line 49"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(text="TWO"), ["ERROR Two"]),
        (Query(text="out"), ["four out of out"]),  # not the stream before the text
        (Query(text="0123456789ab"), []),
        (Query(stream="err"), ["ERROR Two"]),
        (Query(container="ba98"), ["four out of out"]),
        (Query(since=at(2), until=at(4)), ["ERROR Two", "three"]),
        (Query(level="error"), ["ERROR Two"]),
        (Query(level="info"), ["INFO one", "ERROR Two", "three", "four out of out"]),
        (Query(regex="^(INFO|three)"), ["INFO one", "three"]),
        (Query(regex="t[wh]"), ["three"]),
        (Query(regex="o.t", text="four"), ["four out of out"]),
        (Query(regex="out 0123"), []),
    ],
)
def test_a_query_finds_what_it_says(logs: Logs, query: Query, found: list[str]) -> None:
    assert texts(logs.tail(["time"], query, 100).lines) == found
    assert texts(logs.search(["time"], query)) == found[::-1]
    assert texts(logs.oldest_first("time", query)) == found
    assert texts(logs.after({"time": "1:0"}, query).lines) == found


@pytest.mark.parametrize(
    "wrong",
    [
        {"stream": "stdin"},
        {"level": "loud"},
        {"text": "x" * 201},
        {"regex": "("},
        {"regex": r"(a)\1"},
        {"regex": "(a{99}){99}"},
        {"regex": "a{1000}"},
        {"regex": "a\nb"},
    ],
)
def test_what_cannot_be_looked_for_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(QueryRefused):
        Query(**wrong)


def test_an_expression_that_keeps_a_matcher_busy_for_ever_does_not(tmp_path: Path) -> None:
    keep(tmp_path, "time", line(1, "a" * 30_000 + "!"))
    assert texts(Logs(tmp_path).search(["time"], Query(regex="^(a+)+$"))) == []


def test_following_tells_each_line_once(tmp_path: Path) -> None:
    place = keep(tmp_path, "time", line(1, "one"))
    logs = Logs(tmp_path)
    page = logs.tail(["time"], ALL, 10)
    with (place / "00000001.log").open("ab") as file:
        file.write(line(2, "two") + line(3, "torn")[:-5])
    page = logs.after(page.position, ALL)
    assert texts(page.lines) == ["two"]
    with (place / "00000001.log").open("ab") as file:
        file.write(line(3, "torn")[-5:])
    (place / "00000002.log").write_bytes(line(4, "four"))
    page = logs.after(page.position, ALL)
    assert texts(page.lines) == ["torn", "four"]
    assert logs.after(page.position, ALL).lines == []
    assert not page.skipped


def test_following_says_when_lines_were_deleted_before_they_were_read(tmp_path: Path) -> None:
    place = keep(tmp_path, "time", line(1, "one"))
    logs = Logs(tmp_path)
    position = logs.end(["time"])
    (place / "00000001.log").unlink()
    (place / "00000003.log").write_bytes(line(3, "three"))
    page = logs.after(position, ALL)
    assert (texts(page.lines), page.skipped) == (["three"], {"time"})


def test_following_stops_at_the_limit_and_goes_on_there(tmp_path: Path) -> None:
    keep(tmp_path, "time", b"".join(line(number, f"line {number}") for number in range(10)))
    logs = Logs(tmp_path)
    page = logs.after({"time": "0:0"}, ALL, 4)
    page = logs.after(page.position, ALL, 4)
    assert texts(page.lines) == ["line 4", "line 5", "line 6", "line 7"]


@pytest.mark.parametrize("name", ["..", ".", "../time", "/etc", "time/../time", "", "time\0"])
def test_a_name_that_a_request_brings_opens_nothing(tmp_path: Path, name: str) -> None:
    keep(tmp_path / "logs", "time", line(1, "one"))
    keep(tmp_path, "outside", line(1, "secret"))
    logs = Logs(tmp_path / "logs")
    assert logs.tail([name], ALL, 10).lines == []
    assert list(logs.search([name], ALL)) == []
    assert logs.after({name: "0:0"}, ALL).lines == []
    assert list(logs.oldest_first(name, ALL)) == []


@pytest.mark.parametrize("position", ["", "1", "-1:0", "1:-5", "../1:0", "9" * 40 + ":0", "1:99999999", "\uff17:0"])
def test_a_position_that_somebody_made_up_breaks_nothing(logs: Logs, position: str) -> None:
    assert len(logs.after({"time": position}, ALL).lines) <= 4


def test_a_link_in_place_of_a_server_is_no_server(tmp_path: Path) -> None:
    keep(tmp_path / "elsewhere", "x", line(1, "secret"))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "time").symlink_to(tmp_path / "elsewhere" / "x")
    assert Logs(tmp_path / "logs").servers() == []


def test_no_directory_is_an_empty_log(tmp_path: Path) -> None:
    logs = Logs(tmp_path / "none")
    assert logs.servers() == []
    assert logs.tail(["time"], ALL, 10).lines == []


def test_more_than_the_first_window_is_read_backwards_without_a_gap(tmp_path: Path) -> None:
    lines = [line(number, f"line {number} " + "x" * (number % 97)) for number in range(3000)]
    keep(tmp_path, "time", b"".join(lines))
    found = Logs(tmp_path).tail(["time"], ALL, 5000)
    assert [int(each.split()[1]) for each in texts(found.lines)] == list(range(3000))
    # A line's position is where it ends.
    third = found.lines[2].position
    assert texts(Logs(tmp_path).after({"time": third}, ALL, 1).lines)[0].startswith("line 3 ")
