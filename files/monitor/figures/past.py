"""All that is known of the past, and what was drawn of it last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from markupsafe import Markup
from records.history import Event
from records.images import FILE as IMAGES
from records.images import ServerImage, images
from records.samples import Samples

from monitor.figures.call_rates import CallRates, Rate
from monitor.figures.events import Events
from monitor.figures.fleet_month import FleetMonth
from monitor.figures.uptime import Uptime, Uptimes
from monitor.figures.usage import Usage, Usages
from monitor.file_cache import FileCache
from monitor.freshness import known_until
from monitor.state import State

MOST_DRAWN = 32


@dataclass(frozen=True)
class Figures:
    """What is known of the past, by server: ``uptimes`` of the last day and month, the rest of what is lately."""

    uptimes: Mapping[str, tuple[Uptime, Uptime]] = field(default_factory=dict)
    usages: Mapping[str, Usage] = field(default_factory=dict)
    calls: Mapping[str, Rate] = field(default_factory=dict)
    tool_changes: Mapping[str, Event] = field(default_factory=dict)
    images: Mapping[str, ServerImage] = field(default_factory=dict)


class Past:
    """The figures of the records below ``directory``."""

    def __init__(self, directory: Path) -> None:
        self.uptimes = Uptimes(directory / "history")
        self.usages = Usages(Samples(directory / "samples"))
        self.fleet_month = FleetMonth(Samples(directory / "samples"))
        self.calls = CallRates(directory / "calls")
        self.events = Events(directory / "history")
        self._images = FileCache(directory / "samples" / IMAGES, lambda path: images(path.parent))
        self._drawn: OrderedDict[Hashable, Markup] = OrderedDict()

    def figures(self, state: State, now: datetime) -> Figures:
        """Returns the figures of the servers of a state."""
        until = int(known_until(state, now).timestamp())
        return Figures(
            {name: self.uptimes.of(name, until) for name in state.names},
            self.usages.all(),
            self.calls.all(),
            self.events.tool_changes(now),
            self._images.content(),
        )

    def identity(self, now: datetime) -> Hashable:
        """Returns what differs as soon as a figure does."""
        self.usages.all()
        self.calls.all()
        return self.uptimes.identity, self.usages.identity, self.calls.identity, self._images.identity

    def drawn(self, made_of: Hashable, draw: Callable[[], Markup]) -> Markup:
        """Returns what was drawn of the same, or draws it: many look at the same page."""
        found = self._drawn.pop(made_of, None) or draw()
        self._drawn[made_of] = found
        while len(self._drawn) > MOST_DRAWN:
            self._drawn.popitem(last=False)
        return found
