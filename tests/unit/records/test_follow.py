"""Following for one reader: everything where there is little, the newest where there is more than anybody reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from records.follow import MOST_LINES, Follower
from records.growth import SECONDS, Growth
from records.logs import Logs
from records.query import Query

from tests.unit.records.kept import keep, line


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def follower(place: Path, clock: Clock, query: Query | None = None, **options: bool) -> Follower:
    logs = Logs(place)
    return Follower(logs, Growth(place, clock), query or Query(), logs.end(logs.servers()), **options)


def append(segment: Path, content: bytes) -> None:
    with segment.open("ab") as file:
        file.write(content)


def told(each: Follower, clock: Clock) -> list[str]:
    clock.now += SECONDS
    return [found.text for found in each.step().lines]


def test_a_line_is_told_once_by_whatever_server_it_is_written(tmp_path: Path, clock: Clock) -> None:
    time, orders = keep(tmp_path, "time", line(1, "old")), keep(tmp_path, "orders", line(1, "old"))
    each = follower(tmp_path, clock)
    assert told(each, clock) == []
    append(time / "00000001.log", line(4, "second"))
    append(orders / "00000001.log", line(3, "first"))
    assert told(each, clock) == ["first", "second"]
    assert told(each, clock) == []


def test_a_new_segment_and_a_torn_line_are_followed(tmp_path: Path, clock: Clock) -> None:
    place = keep(tmp_path, "time", line(1, "old"))
    each = follower(tmp_path, clock)
    append(place / "00000001.log", line(2, "two"))
    (place / "00000002.log").write_bytes(line(3, "three") + line(4, "four")[:-4])
    assert told(each, clock) == ["two", "three"]
    assert told(each, clock) == []
    append(place / "00000002.log", line(4, "four")[-4:])
    assert told(each, clock) == ["four"]


def test_a_server_that_begins_to_write_later_is_followed_where_all_are(tmp_path: Path, clock: Clock) -> None:
    keep(tmp_path, "time", line(1, "old"))
    every, one = follower(tmp_path, clock, all_servers=True), follower(tmp_path, clock)
    keep(tmp_path, "new", line(5, "hello"))
    assert told(every, clock) == ["hello"]
    assert told(one, clock) == []


def test_of_a_flood_a_step_tells_a_bounded_part_says_so_and_goes_on_with_what_is_new(
    tmp_path: Path, clock: Clock
) -> None:
    place = keep(tmp_path, "time", line(1, "old"))
    each = follower(tmp_path, clock)
    append(place / "00000001.log", b"".join(line(2, f"flood {number}") for number in range(20_000)))
    clock.now += SECONDS
    step = each.step()
    assert (len(step.lines), step.left_out) == (MOST_LINES + 20, {"time"})
    assert [found.text for found in step.lines][-1] == "flood 19999"
    append(place / "00000001.log", line(3, "after it"))
    assert told(each, clock) == ["after it"]


def test_no_line_of_a_flood_is_told_twice(tmp_path: Path, clock: Clock) -> None:
    place = keep(tmp_path, "time", line(1, "old"))
    each = follower(tmp_path, clock)
    append(place / "00000001.log", b"".join(line(2, f"flood {number}") for number in range(MOST_LINES + 5)))
    found = told(each, clock)
    assert len(found) == len(set(found)) == MOST_LINES + 5
    assert told(each, clock) == []


def test_a_server_that_floods_does_not_hide_what_another_says(tmp_path: Path, clock: Clock) -> None:
    loud, quiet = keep(tmp_path, "a-loud", line(1, "old")), keep(tmp_path, "quiet", line(1, "old"))
    each = follower(tmp_path, clock)
    append(loud / "00000001.log", b"".join(line(2, f"flood {number}") for number in range(20_000)))
    append(quiet / "00000001.log", line(3, "a word"))
    assert told(each, clock)[-1] == "a word"


def test_in_a_flood_a_rare_line_that_is_looked_for_is_found(tmp_path: Path, clock: Clock) -> None:
    place = keep(tmp_path, "time", line(1, "old"))
    by_text, by_expression = (follower(tmp_path, clock, each) for each in (Query(text="rare"), Query(regex="r.re")))
    flood = b"".join(line(2, f"flood {number}") for number in range(20_000))
    append(place / "00000001.log", flood + line(3, "rare"))
    clock.now += SECONDS
    for each in (by_text, by_expression):
        step = each.step()
        assert ([found.text for found in step.lines], step.left_out) == (["rare"], frozenset())


def test_lines_that_were_deleted_before_they_were_read_are_said_to_be_left_out(tmp_path: Path, clock: Clock) -> None:
    place = keep(tmp_path, "time", line(1, "old"))
    each = follower(tmp_path, clock)
    (place / "00000001.log").unlink()
    (place / "00000003.log").write_bytes(line(3, "three"))
    clock.now += SECONDS
    step = each.step()
    assert ([found.text for found in step.lines], step.left_out) == (["three"], {"time"})


def test_many_followers_look_at_the_disk_once(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path, "time", line(1, "old"))
    growth = Growth(tmp_path, clock)
    looks: list[int] = []
    monkeypatch.setattr(growth, "_look", lambda: looks.append(1) or {})
    for _ in range(50):
        growth.ends()
    assert len(looks) == 1
    clock.now += SECONDS
    growth.ends()
    assert len(looks) == 2


def test_a_server_that_goes_and_a_directory_that_is_not_there_break_nothing(tmp_path: Path, clock: Clock) -> None:
    place = keep(tmp_path, "time", line(1, "old"))
    each = follower(tmp_path, clock, all_servers=True)
    (place / "00000001.log").unlink()
    place.rmdir()
    assert told(each, clock) == []
    keep(tmp_path, "time", line(2, "again"))
    assert told(each, clock) == ["again"]
    assert told(follower(tmp_path / "none", clock, all_servers=True), clock) == []
