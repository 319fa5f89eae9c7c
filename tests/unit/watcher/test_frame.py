"""The engine's frames become lines again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from records.line import LONGEST
from records.moment import text_of
from watcher.logs.frame import Joiner

PIECE = 16_384

LINES = st.lists(
    st.tuples(
        st.sampled_from(["stdout", "stderr"]),
        st.one_of(
            st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"").rstrip(b"\r")),
            st.integers(PIECE - 2, 3 * PIECE + 2).map(lambda size: b"x" * size),
        ),
    ),
    max_size=12,
)


def pieces(raw: bytes) -> list[bytes]:
    """A line as Docker splits it: its newline may be a piece of its own."""
    whole = raw + b"\n"
    return [whole[at : at + PIECE] for at in range(0, len(whole), PIECE)]


@given(LINES, st.randoms(use_true_random=False))
def test_every_line_comes_out_whole_whatever_its_length_and_its_neighbour(lines, choose) -> None:  # type: ignore[no-untyped-def]
    waiting = {"stdout": [], "stderr": []}
    for number, (stream, raw) in enumerate(lines):
        time = text_of(number).encode()
        waiting[stream] += [(stream, time + b" " + piece) for piece in pieces(raw)]
    joiner, found = Joiner(), []
    while any(waiting.values()):
        stream = choose.choice([name for name, frames in waiting.items() if frames])
        found += joiner.feed(*waiting[stream].pop(0))
    assert list(joiner.rest()) == []
    for name, short in (("stdout", "out"), ("stderr", "err")):
        sent = [(text_of(number), raw) for number, (stream, raw) in enumerate(lines) if stream == name]
        assert [(each.time, each.raw) for each in found if each.stream == short] == sent
        assert all(each.size == len(each.raw) for each in found)


def test_a_line_whose_end_was_lost_ends_where_the_next_begins() -> None:
    joiner = Joiner()
    assert list(joiner.feed("stdout", text_of(1).encode() + b" " + b"a" * PIECE)) == []
    first, second = joiner.feed("stdout", text_of(2).encode() + b" next\n")
    assert (len(first.raw), second.raw) == (PIECE, b"next")


def test_half_a_line_is_kept_when_there_will_be_no_more() -> None:
    joiner = Joiner()
    assert list(joiner.feed("stderr", text_of(1).encode() + b" half")) == []
    (found,) = joiner.rest()
    assert (found.raw, found.stream) == (b"half", "err")


def test_a_line_without_end_takes_no_more_memory_than_can_be_kept() -> None:
    joiner, time = Joiner(), text_of(1).encode()
    for _ in range(1000):
        assert list(joiner.feed("stdout", time + b" " + b"x" * PIECE)) == []
    (found,) = joiner.rest()
    assert found.size == 1000 * PIECE
    assert len(found.raw) == 4 * LONGEST + 1
