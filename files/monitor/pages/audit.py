"""The audit list: who asked for what, what came of it, and what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.access.refusals import Refusal
from monitor.duration import ago
from monitor.layout import render
from monitor.results import Entry, audit_entries
from monitor.sources import Sources
from monitor.web import Answer, Request

MOST_ROWS = 200
_SEVERITIES = {"done": "ok", "failed": "critical", "refused": "warning", "superseded": "none"}
KINDS = (("", "everything"), ("requests", "requests"), ("refused", "refused logins and actions"))


@dataclass(frozen=True)
class Row:
    """One line: ``link`` is the id of a request."""

    at: datetime
    when: str
    severity: str
    who: str
    origin: str
    what: str
    came: str
    text: str
    link: str = ""


@dataclass(frozen=True)
class Audit:
    """The page, the newest first."""

    headline: str
    rows: tuple[Row, ...]
    kind: str
    more: bool


def page(request: Request, sources: Sources) -> Answer:
    """The list, all of it or one kind."""
    kind = request.asked("kind")
    entries = audit_entries(sources.audit, MOST_ROWS) if kind != "refused" else []
    refusals = sources.refusals.read()[:MOST_ROWS] if kind != "requests" else []
    view = audit_view(entries, refusals, kind, request.now)
    return render("audit.html", request, view=view, kinds=KINDS)


def audit_view(entries: Sequence[Entry], refusals: Sequence[Refusal], kind: str, now: datetime) -> Audit:
    """What the page says of both."""
    rows = [*(_asked(each, now) for each in entries), *(_refused(each, now) for each in refusals)]
    rows.sort(key=lambda row: row.at, reverse=True)
    shown = tuple(rows[:MOST_ROWS])
    return Audit("Who did what" if shown else "Nobody has asked for anything yet", shown, kind, len(rows) >= MOST_ROWS)


def _asked(entry: Entry, now: datetime) -> Row:
    what = " ".join(filter(None, (entry.action or "no request", entry.server)))
    return Row(
        at=entry.at,
        when=ago(entry.at, now),
        severity=_SEVERITIES.get(entry.status, "none"),
        who=entry.who,
        origin=entry.origin,
        what=what,
        came=entry.status,
        text=entry.message,
        link=entry.id,
    )


def _refused(refusal: Refusal, now: datetime) -> Row:
    return Row(
        at=refusal.at,
        when=ago(refusal.at, now),
        severity="warning",
        who=refusal.user or "unknown",
        origin=refusal.client,
        what=refusal.kind,
        came="refused",
        text=refusal.text,
    )
