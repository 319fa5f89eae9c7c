"""What containers write is harmless once it is kept."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records.line import LONGEST, harmless, head, level_of, parse

HEAD = head("2026-11-29T01:19:13.123456789Z", "out", "0123456789abcdef")


@given(st.binary(max_size=300))
def test_whatever_is_written_becomes_one_line_of_text_that_does_nothing(raw: bytes) -> None:
    text = harmless(raw).decode()
    acting = [each for each in text if unicodedata.category(each) in {"Cc", "Zl", "Zp", "Cs"} and each != "\t"]
    assert acting == []
    line = parse("time", HEAD + text.encode(), "1:0")
    assert line is not None
    assert (line.text, line.stream, line.container) == (text, "out", "0123456789ab")


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (b"plain \tline", "plain \tline"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        (b"nul \x00 cr \r lf \n", "nul \\x00 cr \\r lf \\n"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("Grüße 你好".encode(), "Grüße 你好"),
        ("\u202egnp.exe".encode(), "\\u202egnp.exe"),
        (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_colours_go_and_what_acts_is_written_out(raw: bytes, kept: str) -> None:
    assert harmless(raw).decode() == kept


def test_a_line_of_a_megabyte_is_cut_and_says_how_long_it_was() -> None:
    kept = harmless(b"x" * 1_000_000).decode()
    assert kept == "x" * LONGEST + "… (1000000 bytes in all)"
    assert harmless(b"x" * LONGEST) == b"x" * LONGEST


def test_a_torn_line_is_no_line() -> None:
    assert parse("time", HEAD[:-1], "1:0") is None
    assert parse("time", b"", "1:0") is None


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("2026-11-29 ERROR no such file", "error"),
        ("[warn] slow", "warning"),
        ("level=info msg=hello", "info"),
        ("DEBUG:root:x", "debug"),
        ("terror and informal", None),
    ],
)
def test_a_level_is_read_from_the_words_of_loggers(text: str, level: str | None) -> None:
    assert level_of(text) == level
