"""One server in the list: what of it is worth a place there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from monitor import units
from monitor.drawing import sparkline
from monitor.duration import ago, in_words
from monitor.figures.call_rates import NOTHING as NO_CALLS
from monitor.figures.call_rates import Rate
from monitor.figures.past import Figures
from monitor.figures.uptime import Uptime
from monitor.figures.usage import NOTHING as NO_USAGE
from monitor.figures.usage import Usage
from monitor.state import Remote, Server

WORST_FIRST = ("critical", "warning", "ok", "none")
HERE, ELSEWHERE, OTHER_HOSTS = "here", "elsewhere", "other-hosts"
"""Where a server runs."""
MOST_EXCEPTIONS_SHOWN = 3
NEAR = 0.9
"""The share of a limit from which on it is marked."""


@dataclass(frozen=True)
class Gauge:
    """How much is used: ``text`` for people, ``limit`` beside it, ``path`` of the last day; ``near`` its limit."""

    value: float = -1.0
    text: str = ""
    limit: str = ""
    path: str = ""
    near: bool = False


@dataclass(frozen=True)
class Mark:
    """Something special about a server: ``kind`` is override, beyond, near, tools or update."""

    kind: str
    text: str


@dataclass(frozen=True)
class Row:
    """``rank`` orders the worst first; ``words`` is what is searched, in small letters. ``hosts``: those
    that run it, by name. ``latency`` is that of the last probe in milliseconds."""

    name: str
    address: str
    rank: tuple[int, int]
    condition: str
    severity: str
    called: str
    lasting: str
    note: str
    marks: tuple[Mark, ...]
    group: str | None
    host: str
    hosts: tuple[str, ...]
    day: Uptime
    month: Uptime
    cpu: Gauge
    memory: Gauge
    restarts: int
    oom_kills: int
    calls: Rate
    latency: float | None
    tools: int
    image: str
    version: str
    url: str
    path: str
    words: str

    @property
    def calls_text(self) -> str:
        """How often it is called."""
        return f"{units.rate(self.calls.per_minute)}/min" if self.calls.calls else ""

    @property
    def errors_text(self) -> str:
        """How many of the calls failed."""
        errors = self.calls.errors
        return f"{errors} error{'' if errors == 1 else 's'}" if errors else ""

    @property
    def latency_text(self) -> str:
        """How long calls take; where none is known, the last probe."""
        if self.calls.p50 is not None and self.calls.p95 is not None:
            return units.durations(self.calls.p50, self.calls.p95)
        return f"probe {units.duration(self.latency)}" if self.latency is not None else ""


NEVER = Uptime((), 1, None)


def server_row(server: Server, order: int, figures: Figures, now: datetime, base: str) -> Row:
    """Returns the row of a server; ``order`` is the place of its condition among those that occur."""
    usage = figures.usages.get(server.name, NO_USAGE)
    day, month = figures.uptimes.get(server.name, (NEVER, NEVER))
    url = urlsplit(server.url or "")
    return Row(
        name=server.name,
        address=address_of(server.name, base),
        rank=(WORST_FIRST.index(server.severity), order),
        condition=server.condition,
        severity=server.severity,
        called=_called(server),
        lasting=_lasting(server, now),
        note=server.error or (server.reason if server.condition == "unknown" else None) or "",
        marks=tuple(_marks(server, usage, figures, now)),
        group=server.group,
        host=OTHER_HOSTS if server.condition in ("on_other_hosts", "in_cluster") else HERE,
        hosts=server.hosts,
        day=day,
        month=month,
        cpu=_cpu(server, usage),
        memory=_memory(server, usage),
        restarts=usage.restarts,
        oom_kills=usage.oom_kills,
        calls=figures.calls.get(server.name, NO_CALLS),
        latency=server.latency_ms,
        tools=len(server.tools),
        image=server.image or "",
        version=server.package or server.software or "",
        url=server.url or "",
        path=url.path,
        words=" ".join(
            filter(
                None,
                (
                    server.name,
                    server.condition_text,
                    server.group,
                    server.image,
                    server.package,
                    url.path,
                    *server.hosts,
                    *server.tools,
                ),
            )
        ).lower(),
    )


def remote_row(remote: Remote, order: int, figures: Figures, now: datetime, base: str) -> Row:
    """Returns the row of a server that runs elsewhere."""
    day, month = figures.uptimes.get(remote.name, (NEVER, NEVER))
    change = figures.tool_changes.get(remote.name)
    reason = remote.reason if remote.status == "unknown" and remote.reason != "disabled" else None
    return Row(
        name=remote.name,
        address=address_of(remote.name, base),
        rank=(WORST_FIRST.index(remote.severity), order),
        condition=remote.condition,
        severity=remote.severity,
        called=remote.condition_text,
        lasting=_lasting(remote, now),
        note=remote.error or reason or "",
        marks=(Mark("tools", f"{change.text}, {ago(change.at, now)}"),) if change is not None else (),
        group=remote.group,
        host=ELSEWHERE,
        hosts=(),
        day=day,
        month=month,
        cpu=Gauge(),
        memory=Gauge(),
        restarts=0,
        oom_kills=0,
        calls=NO_CALLS,
        latency=remote.latency_ms,
        tools=len(remote.tools),
        image="",
        version=remote.software or "",
        url=remote.url or "",
        path=remote.url or "",
        words=" ".join(
            filter(None, (remote.name, remote.condition_text, remote.group, remote.url, *remote.tools))
        ).lower(),
    )


def as_then(row: Row) -> Row:
    """Returns the row of a server of which nobody knows whether it is still well: runs have been missing for long."""
    return replace(row, severity="none") if row.severity == "ok" else row


def address_of(name: str, base: str) -> str:
    """The address of a server's own page."""
    return f"{base}/servers/{quote(name, safe='')}"


def _called(server: Server) -> str:
    if server.condition == "stopped" and server.override:
        return "stopped"  # who has stopped it, and when, is a mark of its own
    if server.condition == "on_other_hosts" and server.hosts:
        return f"on {', '.join(server.hosts)}"
    return server.condition_text


def _lasting(server: Server | Remote, now: datetime) -> str:
    """For how long it has been so, where that is not as it should be."""
    if server.since is None or server.severity in ("ok", "none"):
        return ""
    return f"for {in_words((now - server.since).total_seconds())}"


def _marks(server: Server, usage: Usage, figures: Figures, now: datetime) -> Iterator[Mark]:
    if server.override is not None:
        by = f" by {server.override.by}" if server.override.by else ""
        at = f", {ago(server.override.at, now)}" if server.override.at is not None else ""
        yield Mark("override", f"{server.override.kind}{by}{at}")
    for each in usage.latest.near_limit if usage.latest is not None else ():
        yield Mark("near", f"{each.share:.0%} of its {_LIMITS.get(each.limit, each.limit)}")
    if server.exceptions:
        shown = server.exceptions[:MOST_EXCEPTIONS_SHOWN]
        more = len(server.exceptions) - len(shown)
        yield Mark("beyond", "Beyond the defaults: " + " · ".join([*shown, f"{more} more"] if more else shown))
    change = figures.tool_changes.get(server.name)
    if change is not None:
        yield Mark("tools", f"{change.text}, {ago(change.at, now)}")
    image = figures.images.get(server.name)
    # What was built here has a tag of its own, and no registry that could know more of it.
    if image is not None and image.is_outdated and server.package is None:
        asked = ago(datetime.fromtimestamp(image.asked, UTC), now)
        yield Mark("update", f"update available: the registry has another {image.image}, seen {asked}")


_LIMITS = {"cpu": "processor time", "memory": "memory", "processes": "processes"}


def _cpu(server: Server, usage: Usage) -> Gauge:
    latest = usage.latest
    limit = latest.cpu_limit if latest is not None and latest.cpu_limit else server.cpus
    return _gauge(
        None if latest is None else latest.cpu, usage.cpu, limit, latest.containers if latest else 1, units.cores
    )


def _memory(server: Server, usage: Usage) -> Gauge:
    latest = usage.latest
    limit = latest.memory_limit if latest is not None and latest.memory_limit else server.memory
    used = None if latest is None or latest.memory is None else float(latest.memory)
    return _gauge(used, usage.memory, limit, latest.containers if latest else 1, units.size)


def _gauge(
    used: float | None,
    day: tuple[float | None, ...],
    limit: float | None,
    containers: int,
    text: Callable[[float], str],
) -> Gauge:
    top = limit * max(containers, 1) if limit else None
    return Gauge(
        value=-1.0 if used is None else used,
        text="" if used is None else text(used),
        limit=text(top) if top and used is not None else "",
        path=sparkline(day, top),
        near=bool(top and used is not None and used >= NEAR * top),
    )
