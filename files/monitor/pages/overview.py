"""The overview: how the fleet is, and a list of its servers, as the state file and the records have it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from markupsafe import Markup

from monitor.actions import ACTIONS
from monitor.duration import in_words
from monitor.figures.past import Figures
from monitor.freshness import interval, is_stale
from monitor.layout import fragment, render
from monitor.pages.server_filter import ATTENTION, HOSTS, MOST_ROWS, NAMED, NO_GROUP, ORDERS, ServerFilter
from monitor.pages.server_row import WORST_FIRST, Row, as_then, remote_row, server_row
from monitor.sources import Sources
from monitor.state import RunError, State, StateMissing, StateUnreadable
from monitor.web import Answer, Request

MOST_CHANGES_SHOWN = 8
MOST_ERRORS_SHOWN = 5
_ANSWERS = ("ok", "asleep", "degraded")
_SILENT = ("stopped", "on_other_hosts", "in_cluster", "disabled")
COLUMNS = (
    ("name", "Server"),
    ("uptime", "Uptime: day, month"),
    ("cpu", "CPU"),
    ("memory", "Memory"),
    ("restarts", "Restarts"),
    ("calls", "Calls"),
    ("latency", "p50 · p95"),
    ("tools", "Tools"),
    ("image", "Image"),
)


@dataclass(frozen=True)
class Count:
    """A number at the top, with the query of the list of those that are meant; None where there is no such list."""

    severity: str
    number: int
    text: str
    query: str | None


@dataclass(frozen=True)
class Group:
    """A group on a line: its worst severity, and how many of those that have to answer do. Its name is empty for those
    that have no group."""

    name: str
    severity: str
    answering: int
    counted: int
    query: str
    is_shown: bool


@dataclass(frozen=True)
class Column:
    """The head of a column; ``sorted`` is ascending, descending or none, as aria-sort has it."""

    title: str
    query: str
    sorted: str


@dataclass(frozen=True)
class ServerList:
    """The list as somebody wants to see it: ``sections`` are groups with their rows, or one without a group."""

    filter: ServerFilter
    total: int
    found: int
    sections: list[tuple[Group | None, list[Row]]]
    groups: list[Group]
    conditions: list[tuple[str, str]]
    hosts: dict[str, str]
    columns: list[Column]
    pages: list[tuple[int, str]]

    @property
    def orders(self) -> dict[str, str]:
        """The orders of the list, by the word for each."""
        return ORDERS


@dataclass(frozen=True)
class Overview:
    """What stands above and below the list: ``due`` says how often a run is due, where none has come for long."""

    fleet: str
    severity: str
    headline: str
    pace: list[str]
    due: str | None
    counts: list[Count]
    errors: list[RunError]
    warnings: tuple[str, ...]
    run: list[tuple[str, str]]
    changes: tuple[str, ...]
    more_changes: tuple[str, ...]


def page(request: Request, sources: Sources) -> Answer:
    """The overview, or why there is none."""
    try:
        state = sources.state()
    except StateMissing:
        return fault(request, "missing", f"{sources.state_file}")
    except StateUnreadable as error:
        return fault(request, "unreadable", str(error))
    view = overview_view(state, request.now)
    wanted = ServerFilter.of(request)
    past = sources.past
    made_of = (
        sources.state_identity,
        past.identity(request.now),
        wanted,
        int(request.now.timestamp()) // 60,
        request.base,
    )
    listed = past.drawn(made_of, lambda: _list(state, wanted, sources, request))
    answer = render(
        "overview.html",
        request,
        severity=view.severity,
        own_notices=("state",),
        actions=(ACTIONS["sync"],),
        view=view,
        listed=listed,
    )
    return replace(answer, may_be_compressed=True)


def _list(state: State, wanted: ServerFilter, sources: Sources, request: Request) -> Markup:
    figures = sources.past.figures(state, request.now)
    return fragment(
        "servers.html", base=request.base, list=server_list(state, wanted, figures, request.now, request.base)
    )


def fault(request: Request, kind: str, detail: str) -> Answer:
    """The page for want of a state: kind is missing or unreadable, detail the file or what is wrong with it."""
    severity = "none" if kind == "missing" else "critical"
    return render(
        "fault.html",
        request,
        severity=severity,
        own_notices=("state",),
        actions=(ACTIONS["sync"],),
        kind=kind,
        detail=detail[:1].upper() + detail[1:],
    )


def overview_view(state: State, now: datetime) -> Overview:
    """What the page says of a state, apart from the list."""
    severity, headline = state.severity, state.summary
    stale = is_stale(state, now)
    if stale:
        severity = "critical" if severity == "critical" else "warning"
        headline = f"No run has ended for {in_words((now - state.finished).total_seconds())}"
    return Overview(
        fleet=state.fleet,
        severity=severity,
        headline=headline,
        pace=_pace(state, now, stale),
        due=in_words(interval(state)) if stale else None,
        counts=[replace(each, severity="none") if stale and each.severity == "ok" else each for each in _counts(state)],
        errors=_run_errors(state),
        warnings=state.warnings,
        run=_run_facts(state),
        changes=state.changes[:MOST_CHANGES_SHOWN],
        more_changes=state.changes[MOST_CHANGES_SHOWN:],
    )


def server_list(state: State, wanted: ServerFilter, figures: Figures, now: datetime, base: str) -> ServerList:
    """Returns the list of the servers, remote ones among them, as somebody wants to see it."""
    order = {count.condition: rank for rank, count in enumerate(state.counts)}
    every = [
        *(server_row(each, order.get(each.condition, len(order)), figures, now, base) for each in state.servers),
        *(remote_row(each, order.get(each.condition, len(order)), figures, now, base) for each in state.remotes),
    ]
    if is_stale(state, now):
        every = [as_then(row) for row in every]
    found = wanted.ordered([row for row in every if wanted.admits(row)])
    groups = _groups(every, wanted)
    sections: list[tuple[Group | None, list[Row]]] = [(None, found)]
    if wanted.by_group:
        places = {group.name: place for place, group in enumerate(groups)}
        found = sorted(found, key=lambda row: places[row.group or ""])
    pages = -(-len(found) // MOST_ROWS)
    page = min(wanted.page, max(pages, 1))
    shown = found[(page - 1) * MOST_ROWS : page * MOST_ROWS]
    sections = [(None, shown)]
    if wanted.by_group:
        named = {group.name: group for group in groups}
        sections = [(named[name], list(rows)) for name, rows in groupby(shown, key=lambda row: row.group or "")]
    return ServerList(
        filter=wanted,
        total=len(every),
        found=len(found),
        sections=sections,
        groups=groups if any(group.name for group in groups) else [],
        conditions=sorted({row.condition: row.condition.replace("_", " ") for row in every}.items()),
        hosts=_hosts(every),
        columns=[Column(title, wanted.sorting(key), _sorted(wanted, key)) for key, title in COLUMNS],
        pages=[(each, wanted.query(page=each) or "?") for each in range(1, pages + 1)] if pages > 1 else [],
    )


def _sorted(wanted: ServerFilter, key: str) -> str:
    if wanted.order != key:
        return ""
    rising = key in ("name", "uptime", "image")
    return "ascending" if rising != wanted.backwards else "descending"


def _hosts(rows: Sequence[Row]) -> dict[str, str]:
    """Where servers may run, by the word for it: hosts by their names, where there are several."""
    names = sorted({name for row in rows for name in row.hosts})
    return HOSTS | ({f"{NAMED}{name}": name for name in names} if len(names) > 1 else {})


def _groups(rows: Sequence[Row], wanted: ServerFilter) -> list[Group]:
    """The groups, the worst first; those without a group last."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.group or "", []).append(row)
    groups = [_group(name, members, wanted) for name, members in found.items()]
    return sorted(groups, key=lambda each: (not each.name, WORST_FIRST.index(each.severity), each.name.lower()))


def _group(name: str, rows: Sequence[Row], wanted: ServerFilter) -> Group:
    counted = [row for row in rows if row.condition not in _SILENT]
    return Group(
        name=name,
        severity=min((row.severity for row in rows), key=WORST_FIRST.index),
        answering=sum(row.condition in _ANSWERS for row in counted),
        counted=len(counted),
        query=wanted.query(group=name or NO_GROUP),
        is_shown=wanted.group == (name or NO_GROUP),
    )


def _pace(state: State, now: datetime, stale: bool) -> list[str]:
    """When the last run was, how long it took, when the next is due."""
    passed = (now - state.finished).total_seconds()
    pace = [f"Reconciled {'just now' if passed < 5 else in_words(passed) + ' ago'}"]
    pace.append(f"took {in_words(max(1.0, (state.finished - state.started).total_seconds()))}")
    if not stale:
        left = interval(state) - passed
        pace.append(f"next in {in_words(left)}" if left > 0 else "the next is due")
    return pace


def _counts(state: State) -> Iterator[Count]:
    """The numbers at the top."""
    for count in state.counts:
        query = ServerFilter(condition=count.condition).query()
        yield Count(count.severity, count.servers, count.text, query)
    if sum(count.severity in ("critical", "warning") for count in state.counts) > 1:
        need = sum(count.servers for count in state.counts if count.severity in ("critical", "warning"))
        yield Count("plain", need, "to look at", ServerFilter(condition=ATTENTION).query())
    exceptional = sum(bool(server.exceptions) for server in state.servers)
    if exceptional:
        yield Count("warning", exceptional, "beyond the defaults", None)
    if state.remotes:
        worst = min((each.severity for each in state.remotes), key=WORST_FIRST.index)
        query = ServerFilter(host="elsewhere").query()
        yield Count("none" if worst == "ok" else worst, len(state.remotes), "remote", query)
    tools = sum(len(server.tools) for server in state.servers)
    if tools:
        yield Count("plain", tools, "tool" if tools == 1 else "tools", None)


def _run_errors(state: State) -> list[RunError]:
    """Errors that no server's row shows: those of the run itself."""
    shown = {server.name for server in state.servers if server.error}
    return [error for error in state.errors if error.server not in shown]


def _run_facts(state: State) -> list[tuple[str, str]]:
    return [
        ("Run", state.run_id),
        ("Result", state.result),
        ("Began", f"{state.started:%Y-%m-%d %H:%M:%S} UTC"),
        ("Ended", f"{state.finished:%Y-%m-%d %H:%M:%S} UTC"),
    ]
