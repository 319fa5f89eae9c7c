"""The lines of a pod, whatever the pieces in which they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st
from watcher.cluster.logs import frames
from watcher.logs.frame import Joiner

LINES = st.lists(st.binary(max_size=40).filter(lambda each: b"\n" not in each and b"\r" not in each), max_size=8)


def line(number: int, text: bytes) -> bytes:
    return b"2026-11-29T01:00:%02d.000000000Z %b\n" % (number, text)


def kept(pieces: list[bytes]) -> list[tuple[str, int]]:
    """What a recorder makes of pieces: the time of each line, and how long it is."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def read() -> list[tuple[str, int]]:
        joiner = Joiner()
        found = [each async for frame in frames(body()) for each in [*joiner.feed("stdout", frame)]]
        return [(each.time, each.size) for each in [*found, *joiner.rest()]]

    return asyncio.run(read())


@given(LINES, st.lists(st.integers(1, 30), max_size=30))
def test_pieces_make_no_difference(texts: list[bytes], sizes: list[int]) -> None:
    whole = b"".join(line(number, text) for number, text in enumerate(texts))
    pieces, rest = [], whole
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    wanted = [(f"2026-11-29T01:00:{number:02d}.000000000Z", len(text)) for number, text in enumerate(texts)]
    assert kept([*pieces, rest]) == kept([whole]) == wanted


def test_a_line_of_any_length_is_one_line() -> None:
    text = b"x" * 1_000_000
    assert kept([line(1, text), line(2, b"after")]) == [
        ("2026-11-29T01:00:01.000000000Z", 1_000_000),
        ("2026-11-29T01:00:02.000000000Z", 5),
    ]


def test_what_the_kubelet_itself_says_has_the_time_of_the_line_before() -> None:
    assert kept([line(1, b"a"), b"failed to watch the file\n"])[1] == ("2026-11-29T01:00:01.000000000Z", 24)
