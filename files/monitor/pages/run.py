"""One run: what started it, what it planned and did, what happened to which server, how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from records.history import Event, Run, run_of

from monitor.duration import ago, in_words
from monitor.facts import facts_of
from monitor.layout import render
from monitor.pages.runs import span_of
from monitor.server import apart
from monitor.sources import Sources
from monitor.web import Answer, Request


@dataclass(frozen=True)
class Change:
    """A fact that an action changes; empty is what is not there."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class ActionRow:
    """An action of the plan."""

    step: str
    server: str
    action: str
    reason: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class DiffLine:
    """A line of the diff: ``kind`` is added, removed, place or same."""

    kind: str
    text: str


@dataclass(frozen=True)
class RunView:
    """The page."""

    severity: str
    headline: str
    pace: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    events: tuple[Event, ...]
    errors: tuple[tuple[str, str], ...]
    actions: tuple[ActionRow, ...]
    more_actions: int
    diff: tuple[DiffLine, ...]


def page(request: Request, sources: Sources) -> Answer | None:
    """The report that a run is in; None where none is kept."""
    found = apart(run_of, sources.history, request.arguments["id"])
    if found is None:
        return None
    view = run_view(found, request.now)
    return render("run.html", request, severity=view.severity, view=view)


def run_view(run: Run, now: datetime) -> RunView:
    """What the page says of a report."""
    severity = run.severity if run.severity in ("ok", "warning", "critical") else "none"
    span = span_of(run)
    return RunView(
        severity=severity,
        headline=run.summary,
        pace=(f"Ended {ago(run.finished, now)}", f"took {in_words(max(1.0, run.seconds))}", *([span] if span else [])),
        facts=(
            ("Run", run.id),
            *((("Last of them", run.last_id),) if run.last_id != run.id else ()),
            ("Trigger", run.trigger),
            ("Result", run.result),
            ("Began", f"{run.started:%Y-%m-%d %H:%M:%S} UTC"),
            ("Ended", f"{run.finished:%Y-%m-%d %H:%M:%S} UTC"),
        ),
        events=run.events,
        errors=tuple((str(each.get("server") or each.get("step")), str(each.get("message"))) for each in run.errors),
        actions=tuple(action_row(each) for each in run.plan),
        more_actions=run.more_actions,
        diff=tuple(_diff_line(line) for line in run.diff.splitlines()),
    )


def action_row(action: dict[str, Any]) -> ActionRow:
    """What the page says of an action: of its facts those that are another afterwards."""
    before, after = facts_of(action.get("before")), facts_of(action.get("after"))
    names = [*after, *(name for name in before if name not in after)]
    changes = [Change(name, before.get(name, ""), after.get(name, "")) for name in names]
    return ActionRow(
        step=str(action.get("step") or ""),
        server=str(action.get("server") or ""),
        action=str(action.get("action") or ""),
        reason=str(action.get("reason") or ""),
        changes=tuple(each for each in changes if each.before != each.after),
    )


def _diff_line(line: str) -> DiffLine:
    if line.startswith(("@@", "--- ", "+++ ")):
        return DiffLine("place", line)
    return DiffLine({"+": "added", "-": "removed"}.get(line[:1], "same"), line)
