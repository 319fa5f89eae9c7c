"""A request: that it waits for a run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.actions import ACTIONS
from monitor.duration import ago, in_words
from monitor.layout import render
from monitor.results import Result, asked_at, is_identity, read_result
from monitor.sources import Sources
from monitor.waiting import Wanted
from monitor.web import Answer, Request

RENEWED_SECONDS = 2
# A run that does something may take minutes; after so long something is wrong.
LATE_SECONDS = 600
FORGOTTEN_SECONDS = 24 * 3600

_VERDICTS = {
    "done": ("ok", "Done"),
    "failed": ("critical", "It is recorded, and something is in the way"),
    "superseded": ("none", "Somebody asked for the opposite before a run had come to it"),
    "refused": ("warning", "Nothing was done"),
}


@dataclass(frozen=True)
class Asked:
    """The page: ``waiting`` while no run has answered, ``late`` where none has for long."""

    severity: str
    headline: str
    waiting: bool
    late: bool
    facts: tuple[str, ...]
    messages: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    server: str | None = None
    run: str | None = None


def page(request: Request, sources: Sources) -> Answer | None:
    """The request with the id in the path; none where it cannot be one of this page's, or is long forgotten."""
    identity = request.arguments["id"]
    result = read_result(sources.results, identity) if is_identity(identity) else None
    written = asked_at(identity)
    if result is None and (written is None or abs((request.now - written).total_seconds()) > FORGOTTEN_SECONDS):
        return None
    if result is not None:
        view = answered_view(result, request.now)
    else:
        wanted = sources.waiting.of(identity)
        view = waiting_view(wanted, sources.is_taken(identity), written or request.now, request.now)
    return render("asked.html", request, severity=view.severity, view=view, refresh=RENEWED_SECONDS)


def waiting_view(wanted: Wanted | None, is_taken: bool, written: datetime, now: datetime) -> Asked:
    """What the page says of a request that no run has answered; ``is_taken``: a run has it in hand."""
    seconds = max(0.0, (now - written).total_seconds())
    late = seconds > LATE_SECONDS
    action = ACTIONS.get(wanted.action) if wanted is not None else None
    what = " ".join(filter(None, (action.button if action else wanted.action, wanted.server))) if wanted else "Asked"
    silence = f"No run has answered for {in_words(seconds)}"
    headline = f"{what}. {silence if late else 'The run that does it answers here'}"
    facts = (
        "A run has taken it" if is_taken else "No run has taken it yet",
        f"asked by {wanted.who}" if wanted is not None else "",
        f"from {wanted.origin}" if wanted is not None else "",
        ago(written, now),
    )
    server = wanted.server if wanted is not None else None
    told = tuple(fact for fact in facts if fact)
    return Asked("warning" if late else "none", headline, True, late, told, server=server)


def answered_view(result: Result, now: datetime) -> Asked:
    """What the page says of what came of a request."""
    severity, headline = _VERDICTS.get(result.status, ("none", result.status))
    what = " ".join(filter(None, (result.action, result.server))) or "something that is no request"
    facts = (
        what,
        f"asked by {result.who}",
        f"from {result.origin}" if result.origin else "",
        ago(result.answered, now),
    )
    told = tuple(fact for fact in facts if fact)
    return Asked(severity, headline, False, False, told, result.messages, result.changes, result.server, result.run)
