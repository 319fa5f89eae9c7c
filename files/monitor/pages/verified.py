"""The page of verifications: which servers answer as their files expect, and what has changed since a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.duration import ago
from monitor.layout import render
from monitor.sources import Sources
from monitor.verified import Verified
from monitor.web import Answer, Request

MOST_LINES = 20
_ORDER = ("failed", "flaky", "passed")


@dataclass(frozen=True)
class Row:
    """One server: ``lines`` say what is wrong and what has changed, ``more`` how many of them are left out."""

    server: str
    severity: str
    summary: str
    at: datetime
    when: str
    took: str
    lines: tuple[str, ...]
    more: int


@dataclass(frozen=True)
class Verifications:
    """The page, the worst first."""

    headline: str
    severity: str
    rows: tuple[Row, ...]


def page(request: Request, sources: Sources) -> Answer:
    """The last verification of each server."""
    view = verified_view(sources.verified(), request.now)
    return render("verified.html", request, severity=view.severity, view=view)


def verified_view(servers: Sequence[Verified], now: datetime) -> Verifications:
    """What the page says."""
    rows = tuple(_row(each, now) for each in sorted(servers, key=lambda each: (_rank(each), each.server)))
    wrong = [row for row in rows if row.severity != "ok"]
    if not rows:
        return Verifications("No server has been verified yet", "none", ())
    if not wrong:
        return Verifications(_servers(len(rows), "as its files expect", "as their files expect"), "ok", rows)
    severity = "critical" if any(row.severity == "critical" for row in wrong) else "warning"
    return Verifications(_servers(len(wrong), "not as expected", "not as expected"), severity, rows)


def _servers(number: int, one: str, several: str) -> str:
    return f"1 server is {one}" if number == 1 else f"{number} servers are {several}"


def _rank(server: Verified) -> int:
    return {"critical": 0, "warning": 1, "ok": 2}[_severity(server)]


def _severity(server: Verified) -> str:
    if server.verdict == "failed" or any(each.breaking for each in server.changes):
        return "critical"
    return "warning" if server.verdict != "passed" else "ok"


def _row(server: Verified, now: datetime) -> Row:
    counts = {verdict: sum(case.verdict == verdict for case in server.cases) for verdict in _ORDER}
    parts = [f"{number} {verdict}" for verdict, number in counts.items() if number]
    breaking = sum(each.breaking for each in server.changes)
    changed = {"breaking": breaking, "harmless": len(server.changes) - breaking}
    told = " and ".join(f"{number} {kind}" for kind, number in changed.items() if number)
    parts += [f"{told} since its baseline"] if told else []
    lines = [
        f"{case.file}: {case.name} ({case.protocol}): {failure}" for case in server.cases for failure in case.failures
    ]
    changes = sorted(server.changes, key=lambda each: not each.breaking)
    lines += [f"{'breaking' if each.breaking else 'harmless'}: {each.where}: {each.text}" for each in changes]
    return Row(
        server=server.server,
        severity=_severity(server),
        summary=", ".join(parts),
        at=server.at,
        when=ago(server.at, now),
        took=f"{sum(case.seconds for case in server.cases) * 1000:.0f} ms",
        lines=tuple(lines[:MOST_LINES]),
        more=max(0, len(lines) - MOST_LINES),
    )
