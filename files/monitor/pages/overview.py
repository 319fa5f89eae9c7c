"""The overview: how the fleet is, and each server of it. The state file says so; this and overview.html lay it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from monitor.duration import ago, in_words
from monitor.layout import render
from monitor.sources import Sources
from monitor.state import Remote, RunError, Server, State, StateMissing, StateUnreadable
from monitor.web import Answer, Request

DEFAULT_INTERVAL_SECONDS = 300
ONE_YEAR = 366 * 24 * 3600
# A state that is older than so many intervals means that nobody reconciles any more.
STALE_INTERVALS = 3
MOST_CHANGES_SHOWN = 8
MOST_EXCEPTIONS_SHOWN = 3
SHORT_ID = 12

_WORST_FIRST = ("critical", "warning", "ok", "none")


@dataclass(frozen=True)
class Fact:
    """A name and its value, or several; long values get a line for themselves."""

    name: str
    value: str | tuple[str, ...] | None
    wide: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The value as a list, one line each."""
        return (self.value or "",) if not isinstance(self.value, tuple) else self.value


@dataclass(frozen=True)
class Row:
    """One server on the page."""

    anchor: str
    server: Server
    origin: str
    path: str
    note: str | None
    beyond: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class RemoteRow:
    """One remote server on the page."""

    remote: Remote
    note: str | None
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Overview:
    """The whole page: ``due`` says how often a run is due, where none has come for long."""

    fleet: str
    severity: str
    headline: str
    pace: list[str]
    due: str | None
    figures: list[tuple[str, int, str]]
    rows: list[Row]
    remotes: list[RemoteRow]
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
    return render("overview.html", request, severity=view.severity, view=view)


def fault(request: Request, kind: str, detail: str) -> Answer:
    """The page for want of a state: kind is missing or unreadable, detail the file or what is wrong with it."""
    severity = "none" if kind == "missing" else "critical"
    return render("fault.html", request, severity=severity, kind=kind, detail=detail[:1].upper() + detail[1:])


def overview_view(state: State, now: datetime) -> Overview:
    """What the page says of a state."""
    order = {count.condition: rank for rank, count in enumerate(state.counts)}
    servers = sorted(state.servers, key=lambda server: (order.get(server.condition, len(order)), server.name.lower()))
    severity, headline = state.severity, state.summary
    stale = _is_stale(state, now)
    if stale:
        severity = "critical" if severity == "critical" else "warning"
        headline = f"No run has ended for {in_words((now - state.finished).total_seconds())}"
    return Overview(
        fleet=state.fleet,
        severity=severity,
        headline=headline,
        pace=_pace(state, now, stale),
        due=in_words(_interval(state)) if stale else None,
        figures=list(_figures(state)),
        rows=[_row(f"s{number}", server, now) for number, server in enumerate(servers, 1)],
        remotes=[_remote_row(remote, now) for remote in state.remotes],
        errors=_run_errors(state),
        warnings=state.warnings,
        run=_run_facts(state),
        changes=state.changes[:MOST_CHANGES_SHOWN],
        more_changes=state.changes[MOST_CHANGES_SHOWN:],
    )


def _row(anchor: str, server: Server, now: datetime) -> Row:
    note = server.error or (server.reason if server.condition == "unknown" else None)
    facts = tuple(fact for fact in _facts(server, now) if fact.value)
    address = urlsplit(server.url or "")
    origin = f"{address.scheme}://{address.netloc}" if address.netloc else ""
    path = (server.url or "").removeprefix(origin)
    return Row(anchor, server, origin, path, note, _beyond(server), facts)


def _beyond(server: Server) -> str:
    """What the server has that others have not, short enough for its row."""
    shown = server.exceptions[:MOST_EXCEPTIONS_SHOWN]
    more = len(server.exceptions) - len(shown)
    return " · ".join([*shown, f"{more} more"] if more else shown)


def _remote_row(remote: Remote, now: datetime) -> RemoteRow:
    facts = (
        Fact("Asked", _asked(remote, now)),
        Fact("Since", _since(remote, now)),
        Fact("Introduces itself as", remote.software),
        Fact("Speaks", remote.transport),
        Fact("Clients send", ", ".join(remote.headers)),
        Fact("Address", remote.url, wide=True),
        Fact("Of its entry", remote.notes, wide=True),
    )
    note = remote.error or (remote.reason if remote.status == "unknown" and remote.reason != "disabled" else None)
    return RemoteRow(remote, note, tuple(fact for fact in facts if fact.value))


def _facts(server: Server, now: datetime) -> Iterator[Fact]:
    yield Fact("Asked", _asked(server, now))
    yield Fact("Since", _since(server, now))
    yield Fact("Introduces itself as", server.software)
    yield Fact("Speaks", f"MCP {server.protocol}" if server.protocol else None)
    if server.container_id:
        yield Fact("Container", ", ".join(filter(None, (server.container, server.observed))))
        yield Fact("Container id", server.container_id[:SHORT_ID])
    elif server.desired != "invalid":
        yield Fact("Container", server.observed)
    yield Fact("Image", server.image)
    yield Fact("Built from", server.package)
    yield Fact("Generation", server.generation)
    yield Fact("Transport", server.transport)
    yield Fact("Limits", server.limits)
    yield Fact("Sessions", server.sessions)
    yield Fact("Network reach", server.network)
    yield Fact("On this host", server.endpoint)
    yield Fact("Rule priority", None if server.priority is None else str(server.priority))
    yield Fact("Log", server.logs)
    yield Fact("Command", server.command, wide=True)
    yield Fact("Address", server.url, wide=True)
    yield Fact("Rule", server.rule_arn, wide=True)
    yield Fact("Target group", server.target_group_arn, wide=True)
    yield Fact("Notes", server.notes, wide=True)


def _since(server: Server | Remote, now: datetime) -> str | None:
    """Since when it is in its condition."""
    return f"{server.since:%Y-%m-%d %H:%M:%S} UTC, {ago(server.since, now)}" if server.since is not None else None


def _asked(server: Server | Remote, now: datetime) -> str | None:
    if server.checked is None:
        return server.reason
    took = (
        f", answered in {server.latency_ms:.0f} ms" if server.status == "ok" and server.latency_ms is not None else ""
    )
    slept = f", {server.reason}" if server.status == "asleep" and server.reason else ""
    return f"{ago(server.checked, now)}{took}{slept}"


def _pace(state: State, now: datetime, stale: bool) -> list[str]:
    """When the last run was, how long it took, when the next is due."""
    pace = [f"Reconciled {ago(state.finished, now)}"]
    pace.append(f"took {in_words(max(1.0, (state.finished - state.started).total_seconds()))}")
    if not stale:
        left = _interval(state) - (now - state.finished).total_seconds()
        pace.append(f"next in {in_words(left)}" if left > 0 else "the next is due")
    return pace


def _interval(state: State) -> int:
    interval = state.interval_seconds or 0
    return interval if 0 < interval <= ONE_YEAR else DEFAULT_INTERVAL_SECONDS


def _is_stale(state: State, now: datetime) -> bool:
    return (now - state.finished).total_seconds() > STALE_INTERVALS * _interval(state)


def _figures(state: State) -> Iterator[tuple[str, int, str]]:
    """Severity, number and word of each figure at the top."""
    for count in state.counts:
        yield count.severity, count.servers, count.text
    exceptional = sum(bool(server.exceptions) for server in state.servers)
    if exceptional:
        yield "warning", exceptional, "beyond the defaults"
    if state.remotes:
        worst = min((each.severity for each in state.remotes), key=_WORST_FIRST.index)
        yield ("none" if worst == "ok" else worst), len(state.remotes), "remote"
    tools = sum(len(server.tools) for server in state.servers)
    if tools:
        yield "plain", tools, "tool" if tools == 1 else "tools"


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
