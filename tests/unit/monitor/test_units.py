"""Quantities as people read them."""

from __future__ import annotations

import pytest
from monitor import units


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (512 * 1024**2, "512 MiB"),
        (1024**3, "1 GiB"),
        (1.5 * 1024**4, "1536 GiB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    assert units.size(count) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (0.125, "0.12"), (1.5, "1.5"), (3, "3"), (20.0, "20")])
def test_cores(count: float, text: str) -> None:
    assert units.cores(count) == text


def test_durations_say_their_unit_once() -> None:
    assert units.durations(0.44, 80) == "0.4 · 80 ms"
    assert units.durations(80, 1800) == "80 ms · 1.8 s"
