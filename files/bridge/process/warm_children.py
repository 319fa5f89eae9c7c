"""Children that are started before anybody asks, while clients come often enough to make it worth their memory."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .child import CannotStart, Child

if TYPE_CHECKING:
    from bridge.limits import Limits
    from bridge.log import Log

    from .child import Launcher


class Spares:
    """Keeps up to `count` started, not yet initialised children for a while after each session's start."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, launcher: Launcher, log: Log, limits: Limits, count: int
    ) -> None:
        self._loop = loop
        self._launcher = launcher
        self._log = log
        self._limits = limits
        self._count = count
        self._ready: list[Child] = []
        self._wanted = 0.0
        self._closed = False

    def __len__(self) -> int:
        return len(self._ready)

    def take(self, tag: str) -> Child:
        """A child for the session `tag`, a spare one where there is one. Raises CannotStart."""
        self._wanted = time.monotonic()
        self._loop.call_soon(self._fill)
        while self._ready:
            child = self._ready.pop()
            if child.lost is None:
                child.tag = tag
                return child
        return self._launcher.start(tag)

    def tick(self, now: float) -> None:
        """Lets the spares go when no session has been opened for long."""
        if self._ready and now - self._wanted > self._limits.spare_seconds:
            self._end()

    def close(self) -> None:
        self._closed = True
        self._end()

    def _end(self) -> None:
        ready, self._ready = self._ready, []
        for child in ready:
            child.end()

    def _fill(self) -> None:
        try:
            while len(self._ready) < self._count and not self._closed:
                child = self._launcher.start("spare")
                child.on_lost = lambda why, child=child: self._lost(child)  # type: ignore[misc]
                self._ready.append(child)
        except CannotStart as error:
            self._log.warning(f"spare: {error}")

    def _lost(self, child: Child) -> None:
        if child in self._ready:
            self._ready.remove(child)
