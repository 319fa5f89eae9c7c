"""What a server used over a time, as a drawing with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from records.sample import FULL, REDUCED, Ring, Sample

from monitor import units
from monitor.drawing import sparkline
from monitor.pages.server_row import Row
from monitor.state import Server

POINTS = 120
HEIGHT = 64


@dataclass(frozen=True)
class Chart:
    """``path`` goes over POINTS points from ``begin`` until now; ``top`` is the value at its upper edge, ``most`` the
    highest and ``mean`` the mean of all."""

    title: str
    span: str
    path: str
    points: int
    height: int
    top: str
    most: str
    mean: str


def charts_of(server: Server, row: Row, hours: Sequence[Sample], month: Sequence[Sample], now: datetime) -> list[Chart]:
    """Returns the charts of the last hours and of the month, without those of which nothing is known."""
    until = int(now.timestamp())
    containers = max((each.containers for each in (*hours, *month)), default=1)
    cores = server.cpus * containers if server.cpus else None
    memory = float(server.memory * containers) if server.memory else None
    found = []
    for span, ring, samples in (("6 hours", FULL, hours), ("30 days", REDUCED, month)):
        found += [
            _chart(
                "CPU",
                span,
                ring,
                samples,
                until,
                lambda each: each.cpu / 1000,
                lambda each: each.cpu_most / 1000,
                cores,
                _cores,
            ),
            _chart(
                "Memory",
                span,
                ring,
                samples,
                until,
                lambda each: float(each.memory),
                lambda each: float(each.memory_most),
                memory,
                units.size,
            ),
        ]
    return [chart for chart in found if chart.path]


def _chart(
    title: str,
    span: str,
    ring: Ring,
    samples: Sequence[Sample],
    until: int,
    value: Callable[[Sample], float],
    highest: Callable[[Sample], float],
    limit: float | None,
    text: Callable[[float], str],
) -> Chart:
    samples = [each for each in samples if each.is_measured]
    values = spread([(each.time, value(each)) for each in samples], until - ring.seconds, until, POINTS)
    known = [value(each) for each in samples]
    most = max((highest(each) for each in samples), default=0.0)
    top = limit or most
    return Chart(
        title=title,
        span=span,
        path=sparkline(values, top, HEIGHT),
        height=HEIGHT,
        points=POINTS,
        top=text(top) if limit else "",
        most=text(most),
        mean=text(sum(known) / len(known)) if known else "",
    )


def spread(values: Sequence[tuple[int, float]], since: int, until: int, points: int) -> list[float | None]:
    """Returns the means of so many equal parts of a time; None where there is no value."""
    places: list[list[float]] = [[] for _ in range(points)]
    for time, value in values:
        if since <= time < until:
            places[(time - since) * points // (until - since)].append(value)
    return [sum(place) / len(place) if place else None for place in places]


def _cores(count: float) -> str:
    return f"{units.cores(count)} core{'' if count == 1 else 's'}"
