"""Lines through values."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from monitor.drawing import HEIGHT, sparkline


def test_a_line_goes_from_bottom_to_top() -> None:
    assert sparkline([0.0, 1.0, 2.0]) == f"M0 {HEIGHT - 1}h.1 L1 8 2 1"


def test_a_gap_breaks_the_line() -> None:
    assert sparkline([None, 1.0, None, 1.0], 1.0) == "M1 1h.1 M3 1h.1"


@pytest.mark.parametrize("values", [[], [None, None]])
def test_without_a_value_there_is_no_line(values: list[float | None]) -> None:
    assert sparkline(values) == ""


@example([0.0], 5e-324)
@given(st.lists(st.none() | st.floats(0, 1e12), max_size=60), st.none() | st.floats(0, 1e12))
def test_a_line_stays_within_its_edges(values: list[float | None], top: float | None) -> None:
    heights = re.findall(r"\d+ (\d+)", sparkline(values, top))
    assert all(1 <= int(each) <= HEIGHT - 1 for each in heights)
    assert len(heights) == sum(value is not None for value in values)
