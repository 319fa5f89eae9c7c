"""Times, as the records have them and as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records.moment import moment, nanoseconds_of, text_of


@given(st.integers(0, 4 * 10**18))
def test_a_time_is_read_back_to_the_nanosecond(nanoseconds: int) -> None:
    assert nanoseconds_of(text_of(nanoseconds)) == nanoseconds


def test_the_time_of_podman_with_a_zone_is_the_same_time() -> None:
    assert text_of(nanoseconds_of("2026-11-29T03:19:13.5+02:00")) == "2026-11-29T01:19:13.500000000Z"


@pytest.mark.parametrize(
    ("given_text", "found"),
    [
        ("2h", "2026-11-28T23:00:00.000000000Z"),
        ("90s", "2026-11-29T00:58:30.000000000Z"),
        ("2026-11-29", "2026-11-29T00:00:00.000000000Z"),
        ("2026-11-29T01:19", "2026-11-29T01:19:00.000000000Z"),
        ("2026-11-29 01:19:13+01:00", "2026-11-29T00:19:13.000000000Z"),
        ("999999999d", "1970-01-01T00:00:00.000000000Z"),
    ],
)
def test_people_write_how_long_ago_or_when(given_text: str, found: str) -> None:
    now = nanoseconds_of("2026-11-29T01:00:00Z") / 1e9
    assert moment(given_text, now) == found


@pytest.mark.parametrize("wrong", ["", "soon", "2 weeks", "-5m", "2026-13-01"])
def test_anything_else_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="write for example 2h"):
        moment(wrong, 0)
