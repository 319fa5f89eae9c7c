"""What is kept of a server: no line twice, none missing, whatever ends the watcher."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records.line import harmless, head
from records.logs import Logs
from records.moment import text_of
from records.query import Query
from watcher.disk import Disk
from watcher.logs.journal import Journal
from watcher.logs.limit import Limit
from watcher.logs.seen import Progress
from watcher.logs.server_log import ServerLog
from watcher.segment_writer import SEGMENTS, SegmentWriter

CONTAINER = "0123456789ab"


class Place:
    """The directories of one watcher's records."""

    def __init__(self, root: Path, size: int = 1024 * 1024) -> None:
        self.root, self.size = root, size
        for name in ("logs", "calls"):
            (root / name).mkdir(exist_ok=True)

    def open(self) -> ServerLog:
        disk = Disk(self.root)
        paths = self.root / "logs" / "time", self.root / "calls" / "time"
        sinks = SegmentWriter(paths[0], self.size, disk), SegmentWriter(paths[1], self.size, disk)
        return ServerLog(*paths, sinks, lambda: None)

    def texts(self, kind: str = "logs") -> list[str]:
        return [line.text for line in Logs(self.root / kind).oldest_first("time", Query())]


STEPS = st.lists(
    st.sampled_from(["line", "line", "line", "call", "flush", "save", "crash", "cut", "same"]), max_size=60
)


@settings(max_examples=50, deadline=None)
@given(STEPS)
def test_after_any_crash_the_engine_is_asked_again_and_each_line_is_kept_once(tmp_path_factory, steps) -> None:  # type: ignore[no-untyped-def]
    place = Place(tmp_path_factory.mktemp("kept"), size=8 * 400)
    log, engine, tick = place.open(), [], 0

    def read_on() -> None:
        """What a follower does: asks the engine from the time on that is kept."""
        progress = log.progress(CONTAINER)
        since = progress.resume("9")
        for time, stream, text in engine:
            if time >= since and progress.stream(stream).is_new(time, text.encode()):
                log.keep(time, stream, CONTAINER, text.encode())

    for step in steps:
        if step in ("line", "call", "same"):
            tick += step != "same"
            stream = {"line": "out", "call": "call", "same": "err"}[step]
            entry = (text_of(tick), stream, f"{step} {len(engine)}")
            engine.append(entry)
            read_on()
        elif step == "flush":
            log.flush()
        elif step == "save":
            log.flush()
            log.save()
        else:
            if step == "cut":
                log.flush()
                _tear(place.root / "logs" / "time")
            log = place.open()
            read_on()
    log.flush()
    for kind in ("logs", "calls"):
        sent = [text for _, stream, text in engine if (stream == "call") == (kind == "calls")]
        kept = place.texts(kind)
        # The oldest may be gone for want of room; what is there is all the rest.
        assert sorted(kept) == sorted(sent[len(sent) - len(kept) :])
        assert len(kept) == len(sent) or len(list((place.root / kind / "time").glob("*.log"))) == SEGMENTS


def _tear(directory: Path) -> None:
    """Leaves half of the last line, as a host that lost power does."""
    files = sorted(directory.glob("*.log"))
    if files and files[-1].stat().st_size > 20:
        os.truncate(files[-1], files[-1].stat().st_size - 5)


def test_a_quiet_container_is_resumed_where_it_was_though_its_lines_have_been_rotated_away(tmp_path: Path) -> None:
    place = Place(tmp_path, size=8 * 300)
    log = place.open()
    log.progress(CONTAINER).stream("out").is_new(text_of(1), b"quiet")
    log.keep(text_of(1), "out", CONTAINER, b"quiet")
    for number in range(2, 200):
        log.progress("b" * 12).stream("out").is_new(text_of(number), b"loud")
        log.keep(text_of(number), "out", "b" * 12, b"loud")
        log.flush()
    log.save()
    assert "quiet" not in place.texts()
    again = place.open().progress(CONTAINER)
    assert again.has_begun
    assert not again.stream("out").is_new(text_of(1), b"quiet")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 400), max_size=80))
def test_a_log_never_takes_more_than_its_size(tmp_path_factory, sizes) -> None:  # type: ignore[no-untyped-def]
    directory = tmp_path_factory.mktemp("size") / "time"
    writer = SegmentWriter(directory, 8 * 500, Disk(directory.parent))
    for size in sizes:
        assert writer.write(b"x" * (size - 1) + b"\n")
        assert sum(path.stat().st_size for path in directory.glob("*.log")) <= 8 * 500


def test_files_and_directories_are_for_the_group_to_read_and_for_nobody_else(tmp_path: Path) -> None:
    tmp_path.chmod(0o2750)
    place = Place(tmp_path)
    (tmp_path / "logs").chmod(0o2750)
    before = os.umask(0)
    try:
        log = place.open()
        log.keep(text_of(1), "out", CONTAINER, b"x")
        log.flush()
        log.save()
    finally:
        os.umask(before)
    found = {path.name: path.stat().st_mode & 0o7777 for path in (tmp_path / "logs").rglob("*")}
    assert found == {"time": 0o2750, "00000001.log": 0o640, "position.json": 0o640}


def test_what_a_full_disk_did_not_take_is_said_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path)
    log = place.open()
    room = [True]
    monkeypatch.setattr(Disk, "has_room", property(lambda _: room[0]))
    for number in range(1, 6):
        room[0] = number not in (2, 3)
        log.keep(text_of(number), "out", CONTAINER, f"line {number}".encode())
        log.flush()
    assert place.texts() == ["line 1", "2 lines were lost: the disk was full", "line 4", "line 5"]


@pytest.mark.parametrize("content", ["", "[]", '{"containers": 5}', '{"containers": {"a": 5}}', '{"lines": 1}', "\0"])
def test_a_damaged_note_of_where_it_was_costs_nothing(tmp_path: Path, content: str) -> None:
    place = Place(tmp_path)
    log = place.open()
    log.progress(CONTAINER).stream("out").is_new(text_of(1), b"x")
    log.keep(text_of(1), "out", CONTAINER, b"x")
    log.flush()
    (tmp_path / "logs" / "time" / "position.json").write_text(content)
    assert not place.open().progress(CONTAINER).stream("out").is_new(text_of(1), b"x")


def test_a_flood_is_left_out_but_for_whole_seconds_of_it_and_counted() -> None:
    limit = Limit(1000)
    kept = [limit.takes(text_of(number * 1_000_000), 100) for number in range(100_000)]  # 100 s, 1,000 lines a second
    assert kept[:300] == [True] * 300  # the burst
    assert 1000 <= sum(kept) <= 1310  # 10 lines a second
    left_out = limit.report()
    assert left_out is not None
    assert left_out.lines == 100_000 - sum(kept)
    said = f"{left_out.lines} lines ({left_out.size} bytes) left out: more than is kept of one container in a second"
    assert left_out.text.decode() == said
    assert limit.report() is None


def test_what_a_quiet_container_wrote_is_kept_however_late_it_is_read() -> None:
    limit = Limit(1000)
    assert all(limit.takes(text_of(number * 1_000_000_000), 900) for number in range(10_000))


def test_a_clock_that_went_back_hides_nothing_new() -> None:
    progress = Progress()
    progress.stream("out").is_new(text_of(5_000_000_000), b"from the future")
    assert progress.resume(text_of(1_000_000_000)) <= text_of(1_000_000_000)
    assert progress.stream("out").is_new(text_of(1_500_000_000), harmless(b"now"))


def test_lines_can_go_to_the_journal_with_what_is_known_of_each(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(str(tmp_path / "journal"))
        journal = Journal("time", "mcp", str(tmp_path / "journal"))
        lines = head(text_of(1), "err", CONTAINER) + b"ERROR a=b\n" + head(text_of(2), "out", CONTAINER) + b"x\n"
        assert journal.write(lines)
        first, second = (journald.recv(65536).decode().splitlines() for _ in range(2))
    assert first == [
        "MESSAGE=ERROR a=b",
        "PRIORITY=3",
        "SYSLOG_IDENTIFIER=mcp-time",
        "MCP_SERVER=time",
        "MCP_STREAM=err",
        f"MCP_TIME={text_of(1)}",
        f"CONTAINER_ID={CONTAINER}",
    ]
    assert second[:2] == ["MESSAGE=x", "PRIORITY=6"]


def test_a_journal_that_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    journal = Journal("time", "mcp", str(tmp_path / "none"))
    assert not journal.write(b"x\n")
    assert not journal.write(b"x\n")
