"""How old a state may be before it no longer says how things are."""

from __future__ import annotations

from datetime import datetime

from monitor.state import State

DEFAULT_INTERVAL_SECONDS = 300
ONE_YEAR = 366 * 24 * 3600
# A state that is older than so many intervals means that nobody reconciles any more.
STALE_INTERVALS = 3


def interval(state: State) -> int:
    """The seconds between two runs, as the last one said."""
    said = state.interval_seconds or 0
    return said if 0 < said <= ONE_YEAR else DEFAULT_INTERVAL_SECONDS


def is_stale(state: State, now: datetime) -> bool:
    """Whether runs have been missing for so long that nobody reconciles any more."""
    return (now - state.finished).total_seconds() > STALE_INTERVALS * interval(state)


def known_until(state: State, now: datetime) -> datetime:
    """Where what is told of the past ends: when the last run did; this minute once runs are missing, a gap."""
    return now.replace(second=0, microsecond=0) if is_stale(state, now) else state.finished
