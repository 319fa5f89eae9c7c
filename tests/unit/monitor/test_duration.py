from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from monitor.duration import ago, in_words

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "no time"), (1, "1 second"), (59.6, "1 minute"), (179, "2 minutes"), (3600, "1 hour"), (86400 * 5, "5 days")],
)
def test_a_time_is_told_in_its_largest_unit(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (-30, "just now"), (180, "3 minutes ago"), (-7200, "2 hours ahead of this clock")],
)
def test_a_moment_is_told_from_now(seconds: float, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words
