"""What is recorded of calls, and what is not."""

from __future__ import annotations

import asyncio
import os
import re

import pytest
from bridge.call_record import CallRecord, digest
from bridge.log import Log
from bridge.word import word
from hypothesis import given
from hypothesis import strategies as st
from records.call import MARK, call_of
from records.line import harmless, head, parse


class Gathered(Log):
    """A log that keeps what it gets."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def lines(self, lines: object) -> None:
        self.pieces.append(b"".join(lines))  # type: ignore[call-overload]


def recorded(*calls: tuple[str, str, str, str, float], record: str = "on") -> list[bytes]:
    log = Gathered()

    async def run() -> None:
        written = CallRecord(asyncio.get_running_loop(), log, record)
        for call in calls:
            written.ended(*call)
        written.flush()

    asyncio.run(run())
    return log.pieces


def test_a_call_is_one_line_with_a_digest_of_its_session() -> None:
    (piece,) = recorded(("the id", "tools/call", "get_time", "ok", 0.0123))
    form = rb"bridge: call: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [0-9a-f]{16} tools/call get_time ok 12\.3\n"
    assert re.fullmatch(form, piece)
    assert digest("the id").encode() in piece
    assert b"the id" not in piece


def test_calls_that_end_together_are_written_together_and_no_piece_can_be_torn() -> None:
    pieces = recorded(*[("id", "tools/call", f"tool-{number}", "ok", 0.1) for number in range(200)])
    assert 1 < len(pieces) < 10
    assert max(map(len, pieces)) <= 4096
    assert all(piece.endswith(b"\n") for piece in pieces)
    assert sum(piece.count(b"\n") for piece in pieces) == 200


def test_nothing_is_recorded_where_it_is_switched_off() -> None:
    assert recorded(("id", "tools/call", "x", "ok", 0.1), record="off") == []


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_a_client_calls_its_tool_the_record_is_one_line_that_is_read_back(method: str, tool: str) -> None:
    (piece,) = recorded(("id", method, tool, "ok", 0.1))
    assert piece.count(b"\n") == 1
    assert piece.isascii()
    text = harmless(piece.removesuffix(b"\n").removeprefix(MARK))
    line = parse("time", head("2026-11-29T01:19:13.123456789Z", "call", "0123456789ab") + text, "1:0")
    call = call_of(line) if line is not None else None
    assert call is not None
    assert call.outcome == "ok"
    if tool.isalnum() and tool.isascii():
        assert call.tool == tool[:64]


@pytest.mark.parametrize(
    ("text", "kept"),
    [("", "-"), ("-", "%2d"), ("a b", "a%20b"), ("a\nb", "a%0ab"), ("é", "%c3%a9"), ("x" * 99, "x" * 64)],
)
def test_a_word_is_one_word(text: str, kept: str) -> None:
    assert word(text) == kept


def test_a_log_that_is_not_read_loses_whole_lines_and_says_how_many() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    log = Log.__new__(Log)
    log._fd, log._dropped, log._torn, log._least = writing, 0, False, 1
    line = b"x" * 1023 + b"\n"
    for _ in range(40):
        log.lines([line] * 4)
    os.read(reading, 65536)
    log.lines([line])
    assert os.read(reading, 65536).startswith(b"bridge: warning: 96 log lines were dropped\n")
    os.close(reading)
    os.close(writing)
