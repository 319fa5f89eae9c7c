"""The history of runs: what started each, what it did, how it ended; all of them, or those that touched one server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from urllib.parse import urlencode

from records.history import Event, Run

from monitor.duration import ago, in_words
from monitor.layout import render
from monitor.server import apart
from monitor.sources import Sources
from monitor.web import Answer, Request

MOST_RUNS = 50
MOST_LOOKED_AT = 1000
"""The reports that are kept."""
MOST_EVENTS = 4
_STEP = 100


@dataclass(frozen=True)
class RunRow:
    """A report in the list; ``id`` leads to its page. ``what`` are events in sentences, ``more`` how many are left."""

    id: str
    when: str
    moment: datetime
    trigger: str
    severity: str
    summary: str
    span: str
    took: str
    did: str
    what: tuple[str, ...]
    more: int


@dataclass(frozen=True)
class RunsView:
    """The page: ``older`` is the URL of those before, ``server`` empty for all."""

    headline: str
    server: str
    rows: tuple[RunRow, ...]
    older: str


def page(request: Request, sources: Sources) -> Answer:
    """The newest runs, or with ``before`` those older than that."""
    server = request.asked("server")
    found = apart(_read, sources, server, request.asked("before") or None)
    view = runs_view(found, server, request.base, request.now)
    return render("runs.html", request, severity="none", view=view)


def _read(sources: Sources, server: str, before: str | None) -> list[Run]:
    return list(islice(touching(newest_first(sources, before), server), MOST_RUNS + 1))


def newest_first(sources: Sources, before: str | None) -> Iterator[Run]:
    """Yields all reports, or with ``before`` those older than the one with that id."""
    for _ in range(MOST_LOOKED_AT // _STEP):
        found = sources.runs(_STEP, before)
        yield from found
        if len(found) < _STEP:
            return
        before = found[-1].id


def touching(runs: Iterable[Run], server: str) -> Iterator[Run]:
    """Yields the runs that did something to a server, or to which something of it happened; all without one."""
    return (run for run in runs if not server or _touches(run, server))


def _touches(run: Run, server: str) -> bool:
    return server in (*(event.server for event in run.events), *(each.get("server") for each in run.plan))


def runs_view(found: Sequence[Run], server: str, base: str, now: datetime) -> RunsView:
    """What the page says of these reports, the newest first, of which one more than is shown may be given."""
    shown = found[:MOST_RUNS]
    query = urlencode({"server": server} if server else {}) if shown else ""
    last = urlencode({"before": shown[-1].id}) if len(found) > MOST_RUNS else ""
    return RunsView(
        headline=f"Runs that touched {server}" if server else "Runs",
        server=server,
        rows=tuple(run_row(run, now, server) for run in shown),
        older=f"{base}/runs?{'&'.join(filter(None, (query, last)))}" if last else "",
    )


def run_row(run: Run, now: datetime, server: str = "") -> RunRow:
    """What the list says of a report; with a server, of what happened to that one."""
    events = [_told(event, server) for event in run.events if server in ("", event.server)]
    changes = len(run.plan) + run.more_actions
    problems = len(run.errors)
    did = [_count(changes, "change")] if changes else []
    did += [_count(problems, "error")] if problems else []
    return RunRow(
        id=run.id,
        when=ago(run.finished, now),
        moment=run.finished,
        trigger=run.trigger,
        severity="critical" if run.result != "ok" and run.severity == "ok" else _known(run.severity),
        summary=run.summary,
        span=span_of(run),
        took=in_words(max(1.0, run.seconds)),
        did=", ".join(did) or "nothing to do",
        what=tuple(events[:MOST_EVENTS]),
        more=max(len(events) - MOST_EVENTS, 0),
    )


def _told(event: Event, server: str) -> str:
    return event.text if server or event.server is None else f"{event.server}: {event.text}"


def span_of(run: Run) -> str:
    """How many runs the report is of, and over which time; empty for one."""
    if run.count < 2:
        return ""
    length = in_words((run.finished - run.started).total_seconds())
    return f"{run.count} runs in {length} that found and did the same"


def _known(severity: str) -> str:
    return severity if severity in ("ok", "warning", "critical") else "none"


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"
