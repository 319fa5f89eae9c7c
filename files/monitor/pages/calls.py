"""Who called what: the record of calls of stdio servers, without anything that a call carried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from records.call import OUTCOMES, Call
from records.calls import CallPage, Calls
from records.moment import moment
from records.query import Query, QueryRefused

from monitor.layout import render
from monitor.server import apart
from monitor.sources import Sources
from monitor.web import Answer, Request

MOST_CALLS = 5000
"""Calls that the sums are of."""
MOST_ROWS = 200
SECONDS = 4.0
MOST_TOOLS = 50

OUTCOME_WORDS = {
    "ok": "answered",
    "error": "answered with an error",
    "lost": "lost, the server died",
    "busy": "turned away, no room",
    "cancelled": "cancelled by the client",
    "ended": "ended with its session",
}
_GOOD = ("ok", "cancelled", "ended")


@dataclass(frozen=True)
class ToolRow:
    """The calls of one tool, or of one other method, together. Times are in milliseconds."""

    server: str
    name: str
    calls: int
    errors: int
    p50: float
    p95: float
    longest: float


@dataclass(frozen=True)
class CallRow:
    """A call on the page."""

    ended: str
    server: str
    name: str
    outcome: str
    is_good: bool
    milliseconds: float
    session: str


@dataclass(frozen=True)
class CallsView:
    """The page; what was asked for is in ``server``, ``text``, ``outcome`` and ``since``."""

    headline: str
    says: str
    server: str
    text: str
    outcome: str
    since: str
    servers: Sequence[str]
    tools: tuple[ToolRow, ...]
    more_tools: int
    rows: tuple[CallRow, ...]
    older: str


def page(request: Request, sources: Sources) -> Answer:
    """The last calls that are meant."""
    there = sources.calls.servers()
    server = request.asked("server")
    problem, found = None, CallPage([], {})
    try:
        found = apart(_found, sources.calls, [name for name in there if server in ("", name)], request)
    except (QueryRefused, ValueError) as error:
        problem = str(error)
    view = calls_view(found.calls, there, request, problem)
    return render("calls.html", request, status=400 if problem else 200, view=view, outcomes=OUTCOME_WORDS)


def _found(calls: Calls, servers: Sequence[str], request: Request) -> CallPage:
    now = request.now.timestamp()
    since, until = request.asked("since").strip(), request.asked("until").strip()
    query = Query(
        text=request.asked("q").strip(),
        since=moment(since, now) if since else "",
        until=moment(until, now) if until else "",
    )
    return calls.tail(servers, query, MOST_CALLS, SECONDS)


def calls_view(calls: Sequence[Call], there: Sequence[str], request: Request, problem: str | None = None) -> CallsView:
    """What the page says of these calls, the oldest first."""
    server, outcome = request.asked("server"), request.asked("outcome")
    meant = [call for call in calls if not outcome or call.outcome == outcome]
    shown = meant[-MOST_ROWS:][::-1]
    tools = _tools(meant)
    asked = {name: request.asked(name) for name in ("server", "q", "outcome", "since") if request.asked(name)}
    is_more = len(meant) > MOST_ROWS or len(calls) >= MOST_CALLS
    last = shown[-1].ended if shown else calls[0].ended if calls else ""
    return CallsView(
        headline=f"Calls of {server}" if server else "Calls of all servers",
        says=f"This cannot be looked for: {problem}." if problem else _says(meant, calls, there, server),
        server=server,
        text=request.asked("q"),
        outcome=outcome if outcome in OUTCOMES else "",
        since=request.asked("since"),
        servers=there if not server or server in there else sorted([*there, server]),
        tools=tuple(tools[:MOST_TOOLS]),
        more_tools=max(len(tools) - MOST_TOOLS, 0),
        rows=tuple(_row(call) for call in shown),
        older=f"{request.base}/calls?{urlencode({**asked, 'until': last})}" if is_more and last else "",
    )


def _says(meant: Sequence[Call], calls: Sequence[Call], there: Sequence[str], server: str) -> str:
    if not there or (server and server not in there):
        return (
            "No call is recorded. Calls are those of servers that speak stdio: their bridge writes each down when it"
            " has ended, and the watcher keeps it. Servers that speak HTTP themselves are not looked into."
        )
    if not meant:
        return "No call is like that."
    errors = sum(call.outcome not in _GOOD for call in meant)
    limit = f"the last {len(calls)}" if len(calls) >= MOST_CALLS else "all that are kept"
    wrong = "none of them went wrong" if not errors else f"{errors} of them went wrong"
    return f"{len(meant)} {'call' if len(meant) == 1 else 'calls'} out of {limit}; {wrong}."


def _tools(calls: Sequence[Call]) -> list[ToolRow]:
    """The sums, those with errors first, and then by the number of calls."""
    by_name: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        by_name.setdefault((call.server, call.tool or call.method), []).append(call)
    rows = [_tool(server, name, group) for (server, name), group in by_name.items()]
    return sorted(rows, key=lambda row: (-row.errors, -row.calls, row.server, row.name))


def _tool(server: str, name: str, calls: Sequence[Call]) -> ToolRow:
    times = sorted(call.milliseconds for call in calls)
    return ToolRow(
        server=server,
        name=name,
        calls=len(calls),
        errors=sum(call.outcome not in _GOOD for call in calls),
        p50=_percentile(times, 50),
        p95=_percentile(times, 95),
        longest=times[-1],
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that so many of a hundred do not exceed."""
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)]


def _row(call: Call) -> CallRow:
    return CallRow(
        ended=call.ended,
        server=call.server,
        name=call.tool or call.method,
        outcome=OUTCOME_WORDS.get(call.outcome, call.outcome),
        is_good=call.outcome in _GOOD,
        milliseconds=call.milliseconds,
        session=call.session[:8],
    )
