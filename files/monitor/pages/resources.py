"""What the fleet uses: its sum now and over the retained time, and each server's share of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor import units
from monitor.drawing import sparkline
from monitor.figures.fleet_month import POINTS as MONTH_POINTS
from monitor.figures.fleet_month import Month
from monitor.figures.usage import POINTS, Usage
from monitor.layout import LIVE_SECONDS, render
from monitor.notices import WATCHER
from monitor.pages.server_row import address_of
from monitor.sources import Sources
from monitor.state import State, StateUnreadable
from monitor.web import Answer, Request

CHART_HEIGHT = 64
_KEYS: Mapping[str, Callable[[Consumer], Any]] = {
    "memory": lambda each: -each.memory,
    "cpu": lambda each: -each.cpu,
    "received": lambda each: -each.received,
    "sent": lambda each: -each.sent,
    "restarts": lambda each: (-each.oom_kills, -each.restarts),
    "name": lambda each: each.name,
}
ORDERS = {
    "memory": "memory",
    "cpu": "processor time",
    "received": "received",
    "sent": "sent",
    "restarts": "restarts and kills",
    "name": "name",
}
"""The orders of the list, by the word for each."""


@dataclass(frozen=True)
class Total:
    """A sum over all servers: ``now`` for people, ``limit`` the sum of the limits, ``most`` and ``path`` of the last
    day, ``month`` and ``month_path`` of the last 30."""

    title: str
    now: str
    limit: str
    most: str
    path: str
    month: str
    month_path: str


@dataclass(frozen=True)
class Consumer:
    """A server: numbers to order by, and texts, which are empty where a cluster does not tell. ``near`` says of which
    limits it stays near."""

    name: str
    address: str
    containers: int
    cpu: float
    cpu_text: str
    memory: int
    memory_text: str
    memory_share: int | None
    processes: int | None
    received: float
    received_text: str
    sent: float
    sent_text: str
    restarts: int
    oom_kills: int
    near: str


@dataclass(frozen=True)
class Resources:
    """The whole page. ``silent`` are the servers that should run and of which nothing is known now; ``is_live``: the
    watcher records."""

    totals: list[Total]
    consumers: list[Consumer]
    silent: list[str]
    order: str
    points: int
    month_points: int
    height: int
    orders: dict[str, str]
    is_live: bool

    @property
    def has_past(self) -> bool:
        """Whether anything is to be drawn."""
        return any(each.path or each.month_path for each in self.totals)


def page(request: Request, sources: Sources) -> Answer:
    """The page; without a state it has what the watcher records all the same."""
    try:
        state: State | None = sources.state()
    except StateUnreadable:
        state = None
    past = sources.past
    view = resources_view(state, past.usages.all(), past.fleet_month.month(), request.asked("sort"), request.base)
    # The page says itself that nothing is recorded.
    own = () if view.is_live else (WATCHER,)
    answer = render("resources.html", request, view=view, own_notices=own, live=LIVE_SECONDS)
    return replace(answer, may_be_compressed=True)


def resources_view(state: State | None, usages: Mapping[str, Usage], month: Month, order: str, base: str) -> Resources:
    """What the page says; ``order`` is one of ORDERS, or something else for the first of them."""
    order = order if order in ORDERS else "memory"
    live = {name: usage for name, usage in usages.items() if usage.latest is not None}
    consumers = [_consumer(name, usage, base) for name, usage in live.items()]
    return Resources(
        totals=_totals(usages, live, month),
        consumers=sorted(sorted(consumers, key=_KEYS["name"]), key=_KEYS[order]),
        # Without the watcher it would be all of them.
        silent=sorted(each.name for each in state.servers if each.desired == "running" and each.name not in live)
        if state and live
        else [],
        order=order,
        points=POINTS,
        month_points=MONTH_POINTS,
        height=CHART_HEIGHT,
        orders=ORDERS,
        is_live=bool(live),
    )


def _totals(usages: Mapping[str, Usage], live: Mapping[str, Usage], month: Month) -> list[Total]:
    latest = [usage.latest for usage in live.values() if usage.latest is not None]
    cpu, memory = _sum([usage.cpu for usage in usages.values()]), _sum([usage.memory for usage in usages.values()])
    cores = sum((each.cpu_limit or 0) * each.containers for each in latest)
    limit = sum((each.memory_limit or 0) * each.containers for each in latest)
    return [
        _total("CPU", sum(each.cpu or 0.0 for each in latest), cores, cpu, month.cpu, _cores),
        _total(
            "Memory", float(sum(each.memory or 0 for each in latest)), float(limit), memory, month.memory, units.size
        ),
    ]


def _cores(count: float) -> str:
    return f"{units.cores(count)} core{'' if count == 1 else 's'}"


def _total(
    title: str,
    now: float,
    limit: float,
    day: Sequence[float | None],
    month: Sequence[float | None],
    text: Callable[[float], str],
) -> Total:
    return Total(
        title=title,
        now=text(now),
        limit=text(limit) if limit else "",
        most=text(max(_most(day, now), now)),
        path=sparkline(day, None, CHART_HEIGHT),
        month=text(max(_most(month, now), now)),
        month_path=sparkline(month, None, CHART_HEIGHT),
    )


def _most(values: Sequence[float | None], otherwise: float) -> float:
    return max((value for value in values if value is not None), default=otherwise)


def _sum(days: Sequence[Sequence[float | None]]) -> list[float | None]:
    """The sum of the days of all servers; a gap is where none is known."""
    found: list[float | None] = []
    for place in range(POINTS):
        known = [value for day in days if (value := day[place]) is not None]
        found.append(sum(known) if known else None)
    return found


def _consumer(name: str, usage: Usage, base: str) -> Consumer:
    latest = usage.latest
    if latest is None:
        raise ValueError(name)
    limit = (latest.memory_limit or 0) * max(latest.containers, 1)
    cores = (latest.cpu_limit or 0) * max(latest.containers, 1)
    return Consumer(
        name=name,
        address=address_of(name, base),
        containers=latest.containers,
        cpu=latest.cpu or 0.0,
        cpu_text=_of(latest.cpu, cores, units.cores),
        memory=latest.memory or 0,
        memory_text=_of(latest.memory, limit, units.size),
        memory_share=round(100 * latest.memory / limit) if limit and latest.memory is not None else None,
        processes=latest.processes,
        received=latest.received or 0.0,
        received_text=_rate(latest.received),
        sent=latest.sent or 0.0,
        sent_text=_rate(latest.sent),
        restarts=usage.restarts,
        oom_kills=usage.oom_kills,
        near=", ".join(each.limit for each in latest.near_limit),
    )


def _of(used: float | None, limit: float, text: Callable[[float], str]) -> str:
    if used is None:
        return ""
    return text(used) + (f" of {text(limit)}" if limit else "")


def _rate(count: float | None) -> str:
    return "" if count is None else f"{units.size(count)}/s"
