"""How often the same trouble may start a run."""

from __future__ import annotations

from itertools import pairwise

from watcher.patience import AT_ONCE, FORGOTTEN_AFTER, LONGEST_PAUSE, REFILL_SECONDS, RUNS_IN_A_ROW, Patience
from watcher.trouble import Trouble

UNHEALTHY = Trouble("time", "is unhealthy")
REMOVED = Trouble("time", "was removed")


def run_whenever_due(trouble: Trouble, seconds: float) -> list[float]:
    """Returns when runs are started for a trouble that is there again three seconds after each."""
    patience, at, starts = Patience(), 0.0, []
    while (at := max(at, patience.due(trouble, at))) < seconds:
        starts.append(at)
        patience.started(frozenset({trouble}), at)
        at += 3.0
    return starts


def test_what_a_container_does_to_itself_is_answered_ever_more_slowly() -> None:
    starts = run_whenever_due(UNHEALTHY, 3600)
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses[: AT_ONCE - 1] == [3.0] * (AT_ONCE - 1)
    assert pauses[AT_ONCE - 1 : AT_ONCE + 2] == [10.0, 20.0, 40.0]
    assert pauses[-1] == LONGEST_PAUSE


def test_what_somebody_does_to_a_container_is_answered_at_once_twenty_times_in_a_row() -> None:
    assert run_whenever_due(REMOVED, 60) == [3.0 * number for number in range(20)]


def test_two_that_fight_over_a_container_do_not_keep_the_host_busy_for_ever() -> None:
    starts = run_whenever_due(REMOVED, 3600)
    assert len(starts) <= RUNS_IN_A_ROW + 3600 / REFILL_SECONDS + 1
    assert starts[-1] - starts[-2] >= REFILL_SECONDS - 1


def test_one_server_has_no_patience_for_another() -> None:
    patience = Patience()
    for at in range(10):
        patience.started(frozenset({UNHEALTHY}), float(at))
    assert patience.due(Trouble("orders", "is unhealthy"), 10.0) <= 10.0
    assert patience.due(UNHEALTHY, 10.0) > 10.0


def test_a_trouble_that_stayed_away_begins_anew() -> None:
    patience = Patience()
    for at in range(10):
        patience.started(frozenset({UNHEALTHY}), float(at))
    assert patience.due(UNHEALTHY, 10.0 + FORGOTTEN_AFTER) <= 10.0 + FORGOTTEN_AFTER
