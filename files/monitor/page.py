"""The page as a person sees it: everything is worked out here, and page.html only lays it out."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import jinja2

from monitor.duration import ago, in_words
from monitor.state import Problem, Remote, Server, State

HERE = Path(__file__).parent
STYLE = (HERE / "style.css").read_text("utf-8")
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

# The page brings its style along and needs nothing else: no script, no font, no picture but its own tab icon.
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

REFRESH_SECONDS = 60
DEFAULT_INTERVAL_SECONDS = 300
ONE_YEAR = 366 * 24 * 3600
# A state that is older than so many intervals means that nobody reconciles any more.
STALE_INTERVALS = 3
MOST_CHANGES_SHOWN = 8
MOST_EXCEPTIONS_SHOWN = 3
SHORT_ID = 12

# How much a condition wants to be seen, and what it is called; the order is that of the page.
CONDITIONS = {
    "failing": "failing",
    "invalid": "wrong entry",
    "degraded": "degraded",
    "unknown": "not known",
    "ok": "answers",
    "disabled": "disabled",
}
_COUNTED = {
    "ok": "answering",
    "degraded": "degraded",
    "failing": "failing",
    "invalid": "with a wrong entry",
    "unknown": "not known",
    "disabled": "disabled",
}
_TONES = {"ok": "ok", "degraded": "warn", "failing": "bad", "invalid": "bad", "unknown": "warn", "disabled": "idle"}
_ICON_COLOURS = {"ok": "#2c9c5e", "warn": "#cf8a1d", "bad": "#d64a3f", "idle": "#8b929a"}

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Fact:
    """A name and its value, or several; long values get a line for themselves."""

    name: str
    value: str | tuple[str, ...] | None
    wide: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        return (self.value or "",) if not isinstance(self.value, tuple) else self.value


@dataclass(frozen=True)
class Row:
    """One server on the page."""

    anchor: str
    server: Server
    tone: str
    called: str
    origin: str
    path: str
    note: str | None
    beyond: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class RemoteRow:
    """One remote server on the page."""

    remote: Remote
    called: str
    facts: tuple[Fact, ...]


def render_state(state: State, now: datetime, base: str) -> str:
    """The page for a state; ``base`` is the path that the monitor stands at."""
    order = list(CONDITIONS)
    servers = sorted(state.servers, key=lambda server: (order.index(server.condition), server.name.lower()))
    rows = [_row(f"s{number}", server, state.fleet, now) for number, server in enumerate(servers, 1)]
    anchors = {row.server.name: row.anchor for row in rows}
    tone, verdict = _verdict(state)
    stale = _is_stale(state, now)
    if stale:
        tone = "bad" if tone == "bad" else "warn"
        verdict = f"Nobody has reconciled for {in_words((now - state.finished).total_seconds())}"
    return _templates.get_template("page.html").render(
        style=STYLE,
        refresh=REFRESH_SECONDS,
        icon=_icon(tone),
        base=base,
        fleet=state.fleet,
        tone=tone,
        verdict=verdict,
        pace=_pace(state, now, stale),
        due=in_words(_interval(state)) if stale else None,
        counts=list(_counts(state)),
        rows=rows,
        remotes=[_remote_row(remote) for remote in state.remotes],
        problems=[(problem, anchors.get(problem.server or "")) for problem in _news(state)],
        warnings=state.warnings,
        run=_run_facts(state),
        changes=state.changes[:MOST_CHANGES_SHOWN],
        more_changes=state.changes[MOST_CHANGES_SHOWN:],
    )


def render_fault(kind: str, detail: str, base: str) -> str:
    """The page for want of a state: kind is missing or unreadable, detail the file or what is wrong with it."""
    return _templates.get_template("fault.html").render(
        style=STYLE,
        refresh=REFRESH_SECONDS,
        icon=_icon("idle" if kind == "missing" else "bad"),
        base=base,
        kind=kind,
        detail=detail[:1].upper() + detail[1:],
    )


def _row(anchor: str, server: Server, fleet: str, now: datetime) -> Row:
    condition = server.condition
    note = server.error or (server.reason if condition == "unknown" else None)
    facts = tuple(fact for fact in _facts(server, fleet, now) if fact.value)
    address = urlsplit(server.url or "")
    origin = f"{address.scheme}://{address.netloc}" if address.netloc else ""
    path = (server.url or "").removeprefix(origin)
    return Row(anchor, server, _TONES[condition], CONDITIONS[condition], origin, path, note, _beyond(server), facts)


def _beyond(server: Server) -> str:
    """What the server has that others have not, short enough for its row."""
    shown = server.exceptions[:MOST_EXCEPTIONS_SHOWN]
    more = len(server.exceptions) - len(shown)
    return " · ".join([*shown, f"{more} more"] if more else shown)


def _remote_row(remote: Remote) -> RemoteRow:
    facts = (
        Fact("Speaks", {"http": "MCP over HTTP", "sse": "MCP over SSE"}.get(remote.type or "")),
        Fact("Clients send", ", ".join(remote.headers)),
        Fact("Address", remote.url, wide=True),
        Fact("Of its entry", remote.notes, wide=True),
    )
    return RemoteRow(remote, "remote" if remote.enabled else "disabled", tuple(fact for fact in facts if fact.value))


def _facts(server: Server, fleet: str, now: datetime) -> Iterator[Fact]:
    container = f"{fleet}-{server.name}"
    yield Fact("Asked", _asked(server, now))
    yield Fact("Introduces itself as", server.software)
    yield Fact("Speaks", f"MCP {server.protocol}" if server.protocol else None)
    if server.container:
        yield Fact("Container", f"{container}, {server.observed}")
        yield Fact("Container id", server.container[:SHORT_ID])
    elif server.desired != "invalid":
        yield Fact("Container", server.observed)
    yield Fact("Image", server.image)
    yield Fact("Built from", server.package)
    yield Fact("Generation", server.generation)
    yield Fact("Transport", _transport(server))
    yield Fact("Limits", _limits(server))
    yield Fact("May go", _reach(server.network))
    yield Fact("On this host", server.endpoint)
    yield Fact("Rule priority", None if server.priority is None else str(server.priority))
    yield Fact("Log", f"docker logs {container}" if server.container else None)
    yield Fact("Command", server.command, wide=True)
    yield Fact("Address", server.url, wide=True)
    yield Fact("Rule", server.rule_arn, wide=True)
    yield Fact("Target group", server.target_group_arn, wide=True)
    yield Fact("Of its entry", server.notes, wide=True)


def _transport(server: Server) -> str | None:
    if server.transport in (None, "stdio"):
        return server.transport and "stdio, through the bridge"
    port = f", on port {server.port} of its container" if server.port else ""
    return f"{server.transport.upper()} of its own{port}"


def _limits(server: Server) -> str | None:
    if server.memory is None or server.cpus is None or server.pids is None:
        return None
    cores = "1 core" if server.cpus == 1 else f"{server.cpus:g} cores"
    return f"{server.memory / 1024**2:.0f} MiB of memory, {cores}, {server.pids} processes"


def _reach(network: str | tuple[str, ...] | None) -> str | None:
    if isinstance(network, tuple):
        return f"to {', '.join(network)} and nowhere else"
    words = {
        None: None,
        "internet": "anywhere",
        "none": "nowhere",
        "fleet": "to servers of the fleet that say the same",
    }
    return words.get(network, f"where the engine's network {network} leads")


def _asked(server: Server, now: datetime) -> str | None:
    if server.checked is None:
        return server.reason
    took = (
        f", answered in {server.latency_ms:.0f} ms" if server.status == "ok" and server.latency_ms is not None else ""
    )
    return f"{ago(server.checked, now)}{took}"


def _verdict(state: State) -> tuple[str, str]:
    """The page's one sentence, and its tone."""
    wanted = [server for server in state.servers if server.desired != "disabled"]
    down = [server.name for server in wanted if server.condition in ("failing", "invalid")]
    if down:
        if len(down) == len(wanted):
            return "bad", "No server answers" if len(wanted) > 1 else f"{down[0]} does not answer"
        names = f"{down[0]} does not" if len(down) == 1 else f"{len(down)} do not"
        return "bad", f"{sum(server.status == 'ok' for server in wanted)} of {len(wanted)} servers answer, {names}"
    if state.result != "ok":
        return "bad", "The last run failed"
    if not wanted:
        return "idle", "No servers to run"
    if any(server.condition == "unknown" for server in wanted):
        return "warn", f"{sum(server.status == 'ok' for server in wanted)} of {len(wanted)} servers are known to answer"
    return "ok", "The server answers" if len(wanted) == 1 else f"All {len(wanted)} servers answer"


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


def _counts(state: State) -> Iterator[tuple[str, int, str]]:
    """Tone, number and word of each figure at the top."""
    conditions = Counter(server.condition for server in state.servers)
    for condition, word in _COUNTED.items():
        if conditions[condition]:
            yield _TONES[condition], conditions[condition], word
    exceptional = sum(bool(server.exceptions) for server in state.servers)
    if exceptional:
        yield "warn", exceptional, "beyond the defaults"
    if state.remotes:
        yield "idle", len(state.remotes), "remote"
    tools = sum(len(server.tools) for server in state.servers)
    if tools:
        yield "plain", tools, "tool" if tools == 1 else "tools"


def _news(state: State) -> list[Problem]:
    """Errors that no server's row tells: those of the run itself."""
    shown = {server.name for server in state.servers if server.error}
    return [problem for problem in state.problems if problem.server not in shown]


def _run_facts(state: State) -> list[tuple[str, str]]:
    return [
        ("Run", state.run_id),
        ("Result", state.result),
        ("Began", f"{state.started:%Y-%m-%d %H:%M:%S} UTC"),
        ("Ended", f"{state.finished:%Y-%m-%d %H:%M:%S} UTC"),
    ]


def _icon(tone: str) -> str:
    circle = f'<circle cx="8" cy="8" r="6" fill="{_ICON_COLOURS[tone]}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">{circle}</svg>'
    return f"data:image/svg+xml,{quote(svg)}"
