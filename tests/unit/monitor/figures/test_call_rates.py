"""How often servers are called, from what their records gain."""

from __future__ import annotations

from pathlib import Path

import pytest
from monitor.figures import call_rates
from monitor.figures.call_rates import CallRates
from records.growth import SECONDS as GROWTH_SECONDS
from records.line import CALL
from records.moment import SECOND, text_of
from watcher.disk import Disk
from watcher.segment_writer import SegmentWriter

from tests.e2e.support.waiting import until

NOW = 1_790_000_000


class Site:
    """Calls as the watcher keeps them, and a clock."""

    def __init__(self, folder: Path, size: int = 8 * 1024 * 1024) -> None:
        self.now = float(NOW)
        self.folder = folder
        self._writer = SegmentWriter(folder / "time", size, Disk(folder))
        self.rates = CallRates(folder, lambda: self.now)

    def call(self, at: float, milliseconds: float = 10.0, outcome: str = "ok", times: int = 1) -> None:
        stamp = text_of(int(at * SECOND))
        text = f"{stamp[:23]}Z 0123456789abcdef tools/call now {outcome} {milliseconds:.1f}"
        assert self._writer.write(f"{stamp} {CALL} 0123456789ab {text}\n".encode() * times)

    def calls(self) -> int:
        self.now += call_rates.LOOK_SECONDS
        return self.rates.of("time").calls


def test_the_calls_of_the_last_hour_are_counted(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.call(NOW - 3700, times=5)
    site.call(NOW - 3000, times=50)
    site.call(NOW - 10, outcome="error", times=10)
    rate = site.rates.of("time")
    assert (rate.calls, rate.errors) == (60, 10)
    assert rate.per_minute == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize(
    ("outcome", "errors"), [("ok", 0), ("error", 1), ("lost", 1), ("busy", 1), ("cancelled", 0), ("ended", 0)]
)
def test_what_the_client_ended_is_no_error(tmp_path: Path, outcome: str, errors: int) -> None:
    site = Site(tmp_path)
    site.call(NOW - 10, outcome=outcome)
    assert site.rates.of("time").errors == errors


def test_percentiles_are_true_to_a_twentieth(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.call(NOW - 60, 20.0, times=90)
    site.call(NOW - 50, 900.0, times=10)
    rate = site.rates.of("time")
    assert rate.p50 == pytest.approx(20, rel=0.05)
    assert rate.p95 == pytest.approx(900, rel=0.05)


def test_new_calls_are_added_and_old_ones_leave(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.call(NOW - 3500, times=3)
    assert site.rates.of("time").calls == 3
    site.call(NOW, times=2)
    until(lambda: site.calls() == 5, 10 * GROWTH_SECONDS + 5)
    site.now = NOW + 1800
    assert site.calls() == 2


def test_segments_that_begin_and_end_lose_no_call(tmp_path: Path) -> None:
    site = Site(tmp_path, size=8 * 2000)
    site.call(NOW - 20)
    assert site.rates.of("time").calls == 1
    for second in range(60):
        site.call(NOW + second / 10)
    site.now = NOW + 10
    until(lambda: site.calls() == 61, 10 * GROWTH_SECONDS + 5)


def test_a_flood_costs_no_more_than_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_rates, "MOST_AT_FIRST", 4096)
    site = Site(tmp_path)
    for second in range(600):
        site.call(NOW - 600 + second, times=10)
    rate = site.rates.of("time")
    assert rate.calls < 60
    assert rate.per_minute > 10


def test_a_server_that_nobody_called_has_no_rate(tmp_path: Path) -> None:
    assert Site(tmp_path).rates.of("time").p50 is None
    assert CallRates(tmp_path / "missing").all() == {}
