"""When a run is to be started, and why. Pure: it is told what is seen and what time it is, and asked for a decision.

One run at a time. While one is under way nothing is judged, because it is the one that changes the containers; when it
is over, one look tells what it has left, and what of that it cannot have known is the reason for one more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .patience import Patience
from .trouble import NOT_FIXED, Listing, Mark, Trouble, changes, standing

NAMED = 3
CUT_SHORT = Trouble("", "the last run was cut short")
AGAIN = "is ready again"
REQUEST = "request"
LONGEST_ID = 64
EDITED = Trouble("", "edit")
DUE = Trouble("", "timer")
# Longer than a run waits for its lock when nobody holds it: one that has not begun by then was never started.
START_SECONDS = 20.0
FIRST_RUN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Told:
    """What a run reports: the servers of containers that serve, by id, and those it could not or would not mend.

    ``names`` are those of the containers that serve, by id. ``failed`` are the servers for which it met an error that
    another run may not meet, ``silent`` those of which it found nothing that serves.
    """

    serving: Mapping[str, str] = field(default_factory=dict)
    unwell: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()


class Conductor:
    """Decides for one fleet. ``interval``: seconds from the end of a run to the next, where no timer does that."""

    def __init__(self, interval: float | None = None) -> None:
        self._interval = interval
        self._patience = Patience()
        self._told = Told()
        self._failed: frozenset[str] = frozenset()  # what the last run that came to a report could not do
        self._left: Listing | None = None  # as the last run left it
        self._seen: Listing = {}
        self._accepted: frozenset[Mark] = frozenset()  # what the last run knew of, and left
        self._wanted: frozenset[Trouble] = frozenset()  # from what is seen
        self._asked: frozenset[Trouble] = frozenset()  # from elsewhere; the next run answers it
        self._under_way = False
        self._started: float | None = None
        self._ended: float | None = None

    def recall(self, told: Told, at: float, age: float | None) -> None:
        """Begins where an earlier watcher ended: with what the last run told ``age`` seconds ago; None: there was none.

        Whoever installs or upgrades the watcher is about to do a run himself, which is given time to begin.
        """
        self._told, self._failed = told, told.failed
        latest = (self._interval or 0.0) - FIRST_RUN_SECONDS
        self._ended = at - (latest if age is None else min(age, latest))

    @property
    def under_way(self) -> bool:
        """Whether a run is."""
        return self._under_way

    def ask(self, trouble: Trouble) -> None:
        """Wants a run for something that no listing shows. One that is under way does not count: it may have passed."""
        self._asked |= {trouble}

    def look(self, now: Listing) -> None:
        """Takes a listing that was made while no run was under way."""
        if self._left is None:
            self._left = now
            self._accepted = frozenset(mark for mark in standing(now) if _is_known(mark, self._told, frozenset()))
            self._ask_for_what_was_lost(self._told, now)
        self._seen = now
        shown = standing(now)
        self._accepted &= shown
        self._wanted = frozenset(trouble for _, trouble in shown - self._accepted) | changes(self._left, now)

    def join(self, part: Listing) -> None:
        """Takes the objects of a cluster, which were not in sight when the last run ended."""
        if self._left is not None:
            self._left = {**part, **self._left}
            self._ask_for_what_was_lost(self._told, self._left)

    def begin(self) -> None:
        """A run is under way, whoever started it. What was asked for until now is what it answers."""
        self._under_way, self._started = True, None
        self._asked = self._wanted = frozenset()

    def end(self, now: Listing | None, at: float, told: Told | None) -> None:
        """The run is over.

        Args:
            now: what it left; None where no engine answers.
            at: the time.
            told: what it reports; None where it did not come so far.
        """
        self._under_way, self._ended = False, at
        if told is None:
            self._asked |= {CUT_SHORT}
        elif told != Told():
            # The first failure may be an accident, such as an engine that took too long to answer.
            self._asked |= {Trouble(server, NOT_FIXED) for server in told.failed - self._failed}
            self._failed, self._told = told.failed, told
        if now is None:
            return
        self._ask_for_what_was_lost(told or Told(), now)
        self._ask_for_what_lasts(told or Told(), now)
        self._accepted = frozenset(
            mark for mark in standing(now) if told and _is_known(mark, told, self._accepted | standing(self._seen))
        )
        self._left = now
        self.look(now)

    def decide(self, at: float) -> frozenset[Trouble]:
        """Returns why a run is to be started now; empty where none is."""
        if self._under_way or (self._started is not None and at - self._started < START_SECONDS):
            return frozenset()
        due = frozenset(each for each in self._wanted | self._asked if self._patience.due(each, at) <= at)
        if not due and self._interval is not None and (self._ended is None or at - self._ended >= self._interval):
            return frozenset({DUE})
        return due

    def started(self, troubles: frozenset[Trouble], at: float) -> None:
        """A run was started for these troubles. It is under way when its lock is held."""
        self._patience.started(troubles, at)
        self._started = at

    def _ask_for_what_was_lost(self, told: Told, now: Listing) -> None:
        """Compares a listing with a report: what was done to a container while the run was under way."""
        self._asked |= {
            Trouble(server, "was removed")
            for each, server in told.serving.items()
            if each not in now and _is_in_sight(each, now)
        }
        self._asked |= {
            Trouble(now[each].server, "was renamed")
            for each, name in told.names.items()
            if each in now and now[each].name != name
        }

    def _ask_for_what_lasts(self, told: Told, now: Listing) -> None:
        """Compares two listings with a run between them, which itself may have removed what is gone, but not these, and
        its report with what serves by now."""
        served = frozenset(told.serving.values())
        self._asked |= {
            Trouble(each.server, AGAIN) for each in now.values() if each.serves and each.server in told.silent
        }
        self._asked |= {
            Trouble(each.server, what)
            for each in {**(self._left or {}), **self._seen}.values()
            if each.lasts and each.id not in now and each.server in served and _is_in_sight(each.id, now)
            for what in each.troubles_since(None)
        }


def request(file: str) -> Trouble:
    """Returns the reason for a run that is to answer a request. Whoever writes it chooses the name of its file."""
    identity = re.sub(r"[^A-Za-z0-9._-]", "_", file.removesuffix(".json"))
    return Trouble("", f"{REQUEST} {identity[:LONGEST_ID]}")


def _is_in_sight(identity: str, now: Listing) -> bool:
    """Whether a listing would show what has this id, if it were there: that of a cluster's object has a slash."""
    return "/" not in identity or any("/" in each for each in now)


def _is_known(mark: Mark, told: Told, before: frozenset[Mark]) -> bool:
    """Whether a run knows of a trouble that it left: it says so, or saw it and left a container that does not serve.

    A server that it calls well has broken since it looked.
    """
    container, trouble = mark
    return trouble.server in told.unwell or (container not in told.serving and mark in before)


def reason(troubles: frozenset[Trouble]) -> str:
    """Returns troubles as one line, the first few by name; it is what the run's report calls its trigger."""
    asked = sorted(each.what for each in troubles if not each.server and each.what.startswith(REQUEST))
    if asked:
        return asked[0]
    if EDITED in troubles or troubles == {DUE}:
        return EDITED.what if EDITED in troubles else DUE.what
    words = [str(each) for each in sorted(troubles)]
    more = [f"and {len(words) - NAMED} more"] if len(words) > NAMED else []
    return "watcher: " + ", ".join(words[:NAMED] + more)
