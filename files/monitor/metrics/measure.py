"""What a measure is, and families of samples for the exposition by prometheus_client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prometheus_client.metrics_core import Metric

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Measure:
    """``name`` is as samples have it, that of a counter with ``_total``; ``kind`` is gauge, counter or info."""

    name: str
    meaning: str
    kind: str = "gauge"

    def family(self, samples: Iterable[tuple[Labels, float | None]]) -> Metric:
        """Returns the family of samples, those without a value left out."""
        name = self.name.removesuffix({"counter": "_total", "info": "_info"}.get(self.kind, ""))
        metric = Metric(name, self.meaning, self.kind)
        for labels, value in samples:
            if value is not None:
                metric.add_sample(self.name, {key: _plain(text) for key, text in labels.items()}, value)
        return metric


def _plain(text: str) -> str:
    """A label's value, which is a server's own word at times: halves of a pair cannot be encoded."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True)
class ServerMeasure:
    """A measure with one sample for each server, which ``value`` makes of its facts; None where nobody knows it."""

    measure: Measure
    value: Callable[[Any], float | None]


@dataclass
class Families:
    """The families in their order."""

    found: list[Metric] = field(default_factory=list)

    def add(self, measure: Measure, *samples: tuple[Labels, float | None]) -> None:
        """Adds a family, unless it has no sample."""
        family = measure.family(samples)
        if family.samples:
            self.found.append(family)

    def collect(self) -> list[Metric]:
        """Returns them, as the library's encoders ask for them."""
        return self.found


def seconds_of(moment: str | datetime | None) -> float | None:
    """Returns seconds since 1970 of a time as documents have it."""
    if moment is None:
        return None
    found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return found.timestamp()
