"""What changed in a server between two runs: what is another now, and what happened on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from records.history import Run

from monitor.facts import facts_of
from monitor.layout import render
from monitor.pages.run import ActionRow, Change, action_row
from monitor.pages.runs import MOST_LOOKED_AT, touching
from monitor.server import apart
from monitor.sources import Sources
from monitor.web import Answer, Request

MOST_CHOICES = 200


@dataclass(frozen=True)
class Stage:
    """A run between the two that touched the server."""

    id: str
    when: str
    summary: str
    events: tuple[str, ...]
    errors: tuple[str, ...]
    actions: tuple[ActionRow, ...]


@dataclass(frozen=True)
class CompareView:
    """The page. ``choices`` are the runs by id and in words; ``first`` and ``last`` are the ids of the two."""

    server: str
    choices: tuple[tuple[str, str], ...]
    first: str
    last: str
    says: str
    changes: tuple[Change, ...]
    stages: tuple[Stage, ...]


def page(request: Request, sources: Sources) -> Answer | None:
    """The comparison; None without a server."""
    server = request.asked("server")
    if not server:
        return None
    found = apart(sources.runs, MOST_LOOKED_AT)
    view = compare_view(found, server, request.asked("from"), request.asked("to"))
    return render("compare.html", request, view=view)


def compare_view(runs: Sequence[Run], server: str, first: str, last: str) -> CompareView:
    """What changed after the run ``first`` and up to ``last``; ``runs`` are the newest first.

    Without a ``last`` that is known it is the newest, and without a ``first`` the one before the last that changed the
    server.
    """
    ids = [run.id for run in runs]
    touched = list(touching(runs, server))
    end = ids.index(last) if last in ids else 0
    latest = next((run for run in touched if runs and run.id <= runs[end].id), None)
    begin = ids.index(first) if first in ids else _before(ids, latest)
    newest, oldest = min(end, begin), max(end, begin)
    between = [run for run in touched if oldest > ids.index(run.id) >= newest][::-1]
    return CompareView(
        server=server,
        choices=tuple((run.id, _called(run)) for run in _choices(runs, touched, (oldest, newest))),
        first=ids[oldest] if ids else "",
        last=ids[newest] if ids else "",
        says=_says(server, between, bool(ids)),
        changes=net_changes(between, server),
        stages=tuple(_stage(run, server) for run in between),
    )


def _before(ids: Sequence[str], latest: Run | None) -> int:
    if latest is None:
        return max(len(ids) - 1, 0)
    return min(ids.index(latest.id) + 1, len(ids) - 1)


def _choices(runs: Sequence[Run], touched: Sequence[Run], chosen: tuple[int, int]) -> list[Run]:
    """The runs that touched the server, the two that are compared, the newest and the oldest; the newest first."""
    if not runs:
        return []
    ids = {run.id for run in touched[:MOST_CHOICES]} | {runs[0].id, runs[-1].id} | {runs[each].id for each in chosen}
    return [run for run in runs if run.id in ids]


def net_changes(runs: Sequence[Run], server: str) -> tuple[Change, ...]:
    """Returns the facts of a server that are another after these runs, the oldest first, than before them."""
    first: dict[str, str] = {}
    now: dict[str, str] = {}
    for run in runs:
        for action in run.plan:
            if action.get("server") != server:
                continue
            step = f"{action.get('step') or ''}: "
            before = {f"{step}{name}": text for name, text in facts_of(action.get("before")).items()}
            after = {f"{step}{name}": text for name, text in facts_of(action.get("after")).items()}
            for name in {**before, **after}:
                first.setdefault(name, before.get(name, ""))
                now[name] = after.get(name, "")
    return tuple(Change(name, first[name], now[name]) for name in now if first[name] != now[name])


def _stage(run: Run, server: str) -> Stage:
    return Stage(
        id=run.id,
        when=_time(run.finished),
        summary=run.summary,
        events=tuple(event.text for event in run.events if event.server == server),
        errors=tuple(str(each.get("message")) for each in run.errors if each.get("server") == server),
        actions=tuple(action_row(each) for each in run.plan if each.get("server") == server),
    )


def _says(server: str, between: Sequence[Run], has_runs: bool) -> str:
    if not has_runs:
        return "No run has been reported yet."
    if not between:
        return f"No run between the two has touched {server}."
    return f"{'1 run' if len(between) == 1 else f'{len(between)} runs'} touched {server} on the way."


def _called(run: Run) -> str:
    return f"{_time(run.finished)}, {run.trigger}"[:80]


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
