"""One server: how it is and was, what its entry became, its route, what happened to it, its tools, its last calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from records.call import Call
from records.conditions import GAP, Spell
from records.containers import ServerContainer
from records.history import Event
from records.line import Line
from records.query import Query
from records.sample import FULL, REDUCED, Sample

from monitor.actions import offered
from monitor.duration import ago, in_words
from monitor.figures.uptime import MONTH, SEVERITIES
from monitor.freshness import is_stale, known_until
from monitor.layout import LIVE_SECONDS, render
from monitor.listeners import Listener, Listeners, ListenersUnreadable, Rule, Target
from monitor.pages.chart import Chart, charts_of
from monitor.pages.overview import fault
from monitor.pages.server_facts import SHORT_ID, Fact, facts_of
from monitor.pages.server_row import Row, as_then, remote_row, server_row
from monitor.pages.unknown import unknown_server
from monitor.sources import Sources
from monitor.state import Remote, Server, StateMissing, StateUnreadable
from monitor.tools import Tool
from monitor.web import Answer, Request

MOST_EVENTS = 20
MOST_CALLS = 10
MOST_LINES = 20
MOST_SPELLS = 12
_SPELLS = {GAP: "nothing recorded", "invalid": "wrong entry", "unknown": "not known"}
TABS = (("Overview", ""), ("Logs", "/logs"), ("Calls", "/calls"), ("Runs", "/runs"), ("Connect", "/connect"))


@dataclass(frozen=True)
class Trouble:
    """A time in which it was not well, or in which nobody knows how it was."""

    severity: str
    condition: str
    begun: str
    lasted: str


@dataclass(frozen=True)
class RouteRule:
    """A rule that leads to the server: through which load balancer, and with which targets."""

    balancer: str
    priority: str
    conditions: tuple[str, ...]
    transforms: tuple[str, ...]
    arn: str


@dataclass(frozen=True)
class RouteTarget:
    """A target: ``state`` in the balancer's word, ``why`` its reason, ``asked`` when somebody last asked."""

    severity: str
    where: str
    state: str
    why: str
    asked: str


@dataclass(frozen=True)
class ContainerRow:
    """A container, or a pod with its node: ``part`` is what it is for."""

    id: str
    generation: str
    replica: str
    state: str
    part: str
    restarts: int = 0


@dataclass(frozen=True)
class Happening:
    """An event, and the query of the run's page."""

    at: str
    ago: str
    event: str
    text: str
    run: str
    """Empty where no run has seen it."""


@dataclass(frozen=True)
class ServerView:
    """The whole page. ``calls`` and ``lines`` are the last of each."""

    row: Row
    tabs: list[tuple[str, str]]
    is_remote: bool
    troubles: list[Trouble]
    charts: list[Chart]
    facts: tuple[Fact, ...]
    containers: list[ContainerRow]
    pods: list[ContainerRow]
    exceptions: tuple[str, ...]
    notes: tuple[str, ...]
    rules: list[RouteRule]
    targets: list[RouteTarget]
    happenings: list[Happening]
    tools: list[Tool]
    calls: list[Call]
    lines: list[Line]


@dataclass(frozen=True)
class Readings:
    """What was read of a server besides its state, each the oldest first but ``events``."""

    spells: Sequence[Spell] = ()
    hours: Sequence[Sample] = ()
    month: Sequence[Sample] = ()
    events: Sequence[Event] = ()
    calls: Sequence[Call] = ()
    lines: Sequence[Line] = ()
    listeners: Listeners | None = None
    containers: Sequence[ServerContainer] = ()
    tools: Sequence[Tool] = ()


def page(request: Request, sources: Sources) -> Answer:
    """The page of a server of the state, or that there is none of this name."""
    try:
        state = sources.state()
    except StateMissing:
        return fault(request, "missing", f"{sources.state_file}")
    except StateUnreadable as error:
        return fault(request, "unreadable", str(error))
    name = request.arguments["name"]
    every: tuple[Server | Remote, ...] = (*state.servers, *state.remotes)
    server = next((each for each in every if each.name == name), None)
    if server is None:
        return unknown_server(request, name, state.names)
    figures = sources.past.figures(state, request.now)
    if isinstance(server, Server):
        row = server_row(server, 0, figures, request.now, request.base)
    else:
        row = remote_row(server, 0, figures, request.now, request.base)
    if is_stale(state, request.now):
        row = replace(as_then(row), called=f"{row.called}, as of {ago(state.finished, request.now)}")
    read = _read(server.name, sources, known_until(state, request.now), request.now)
    view = server_view(server, row, read, request.now, request.base)
    actions = offered(server) if isinstance(server, Server) else ()
    return render("server.html", request, severity=row.severity, view=view, row=row, actions=actions, live=LIVE_SECONDS)


def _read(name: str, sources: Sources, until: datetime, now: datetime) -> Readings:
    ended, moment = int(until.timestamp()), int(now.timestamp())
    try:
        listeners = sources.listeners()
    except ListenersUnreadable:
        listeners = None
    return Readings(
        spells=sources.past.uptimes.spells(name, ended - MONTH, ended),
        hours=sources.samples.series(name, FULL, moment - FULL.seconds + FULL.step, moment),
        month=sources.samples.series(name, REDUCED, moment - REDUCED.seconds + REDUCED.step, moment),
        events=sources.past.events.of(name, MOST_EVENTS),
        calls=sources.calls.tail([name], Query(), MOST_CALLS).calls,
        lines=sources.logs.tail([name], Query(), MOST_LINES).lines,
        listeners=listeners,
        containers=sources.containers(name),
        tools=sources.tools(name),
    )


def server_view(server: Server | Remote, row: Row, read: Readings, now: datetime, base: str) -> ServerView:
    """What the page says of a server."""
    here = isinstance(server, Server)
    return ServerView(
        row=row,
        tabs=_tabs(row, base, is_remote=not here),
        is_remote=not here,
        troubles=list(_troubles(read.spells, now))[:MOST_SPELLS],
        charts=charts_of(server, row, read.hours, read.month, now) if isinstance(server, Server) else [],
        facts=facts_of(server, now),
        containers=_containers(server, [each for each in read.containers if each.pod is None]),
        pods=_containers(server, [each for each in read.containers if each.pod is not None]),
        exceptions=server.exceptions if isinstance(server, Server) else (),
        notes=server.notes,
        rules=[_rule(listener, rule) for listener, rule in read.listeners.rules_of(row.name)] if read.listeners else [],
        targets=list(_targets(read.listeners, row.name, now)),
        happenings=[_happening(event, now, base) for event in read.events],
        tools=_tools(server.tools, read.tools),
        calls=list(reversed(read.calls)),
        lines=list(read.lines),
    )


def _tabs(row: Row, base: str, *, is_remote: bool) -> list[tuple[str, str]]:
    query = urlencode({"server": row.name})
    return [
        (title, f"{base}{path}?{query}" if path else row.address)
        for title, path in TABS
        if not (is_remote and path in ("/logs", "/calls"))
    ]


def _troubles(spells: Sequence[Spell], now: datetime) -> Iterator[Trouble]:
    """What was not well, the newest first."""
    for number, spell in enumerate(reversed(spells)):
        severity = SEVERITIES.get(spell.condition, "warning")
        first = number == len(spells) - 1
        if severity == "ok" or (spell.condition == GAP and first):
            continue  # before the first record there is nothing to tell
        begun = datetime.fromtimestamp(spell.begun, now.tzinfo)
        condition = _SPELLS.get(spell.condition, spell.condition.replace("_", " "))
        yield Trouble(severity, condition, f"{begun:%Y-%m-%d %H:%M} UTC", in_words(spell.ended - spell.begun))


def _containers(server: Server | Remote, found: Sequence[ServerContainer]) -> list[ContainerRow]:
    """The containers or pods, those of the generation that serves first."""
    if not isinstance(server, Server):
        return []
    rows = [
        ContainerRow(
            each.id[:SHORT_ID] if each.pod is None else each.pod.name,
            each.generation,
            each.replica if each.pod is None else each.pod.node,
            ("running" if each.is_running else "ended") if each.pod is None else each.pod.state,
            "serves" if each.generation == server.generation else "of another generation",
            0 if each.pod is None else each.pod.restarts,
        )
        for each in found
    ]
    return sorted(rows, key=lambda each: (each.generation != server.generation, each.generation, each.replica))


def _tools(names: Sequence[str], listed: Sequence[Tool]) -> list[Tool]:
    """The tools that the last run found, with what is known of each."""
    known = {tool.name: tool for tool in listed}
    return [known.get(name) or Tool(name, "", "", "") for name in names]


def _rule(listener: Listener, rule: Rule) -> RouteRule:
    priority = "last" if rule.priority is None else str(rule.priority)
    return RouteRule(listener.load_balancer, priority, rule.conditions, rule.transforms, rule.arn)


def _targets(listeners: Listeners | None, name: str, now: datetime) -> Iterator[RouteTarget]:
    for group in listeners.target_groups_of(name) if listeners is not None else []:
        asked = ago(group.checked, now) if group.checked is not None else "never"
        for target in group.targets or ():
            where = f"{target.id}:{target.port}" + (", this host" if target.here else "")
            why = ": ".join(filter(None, (target.reason, target.description)))
            yield RouteTarget(_severity(target), where, target.state, why, asked)


def _severity(target: Target) -> str:
    return {"healthy": "ok", "unhealthy": "critical", "unavailable": "critical"}.get(target.state, "warning")


def _happening(event: Event, now: datetime, base: str) -> Happening:
    run = f"{base}/runs/{event.run}" if event.run else ""
    return Happening(
        f"{event.at:%Y-%m-%d %H:%M} UTC", ago(event.at, now), event.event.replace("_", " "), event.text, run
    )
