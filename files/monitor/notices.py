"""What every page says at its top, when what it shows is not how things are now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from monitor.duration import in_words
from monitor.freshness import is_stale
from monitor.state import State

# The watcher writes a sample every few seconds.
WATCHER_SILENT_SECONDS = 180

STATE, WATCHER = "state", "watcher"


@dataclass(frozen=True)
class Notice:
    """A sentence, its severity, and the command that says more. A page that tells of ``about`` itself leaves it out."""

    about: str
    severity: str
    text: str
    command: str


def notices(state: State | str, sampled: float | None, now: datetime) -> Iterator[Notice]:
    """What is to be said of the last run's state, or why there is none, and of the watcher.

    ``sampled`` is when it last wrote a sample, in seconds since 1970; None where it never did.
    """
    if isinstance(state, str):
        yield Notice(STATE, "critical", f"{state[:1].upper()}{state[1:]}.", "systemctl status mcp-reconcile")
    elif is_stale(state, now):
        since = in_words((now - state.finished).total_seconds())
        yield Notice(STATE, "critical", f"No run has ended for {since}.", "systemctl status mcp-reconcile.timer")
    if sampled is not None and now.timestamp() - sampled > WATCHER_SILENT_SECONDS:
        since = in_words(now.timestamp() - sampled)
        text = f"The watcher has written nothing for {since}: logs, calls and resources end there."
        yield Notice(WATCHER, "warning", f"{text}", "systemctl status mcp-watcher")
