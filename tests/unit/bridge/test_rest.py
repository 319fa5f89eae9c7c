"""When a server may sleep, and when a sleeping one is looked at."""

from __future__ import annotations

import math
import time

from bridge.limits import Limits
from bridge.upstream.rest import Rest, seconds_to_check
from hypothesis import given
from hypothesis import strategies as st


@given(st.floats(0, 1, exclude_max=True), st.floats(60, 86400), st.floats(0, 4e9))
def test_each_interval_of_the_clock_has_one_deep_check(offset: float, interval: float, now: float) -> None:
    wait = seconds_to_check(offset, interval, now)
    assert 0 < wait <= interval
    after = (now + wait - offset * interval) % interval
    assert min(after, interval - after) < 1e-3


def test_the_deep_checks_of_a_fleet_are_spread_over_the_interval() -> None:
    quarters = [0] * 4
    for number in range(400):
        rest = Rest(Limits(), f"/mcp/server-{number}")
        quarters[int(seconds_to_check(rest._offset, 3600, 0) / 900.0001)] += 1
    assert min(quarters) > 60


def test_a_server_that_is_used_or_kept_awake_has_time_left() -> None:
    rest, now = Rest(Limits(sleep_after=10), "x"), time.monotonic()
    assert 9 < rest.left(now) <= 10
    assert rest.left(now + 11) == 0
    rest.in_use = lambda: True
    assert rest.left(now + 11) > 0
    rest.in_use = lambda: False
    assert rest.keep_awake("slow")
    assert not rest.keep_awake("slow")
    assert rest.left(now + 11) == math.inf
    assert Rest(Limits(sleep_after=0), "x").left(now + 1e6) == math.inf


def test_the_probe_of_a_run_is_no_user() -> None:
    rest = Rest(Limits(), "x")
    assert rest.user({b"user-agent": b"mcp-orchestrator-probe/9"}) != rest.use
    assert rest.user({b"user-agent": b"python-httpx"}) == rest.use
    assert rest.user({}) == rest.use
