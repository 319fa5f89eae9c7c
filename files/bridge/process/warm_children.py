"""Children that are started before anybody asks, while clients come often enough to make it worth their memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .child import CannotStart, Child

if TYPE_CHECKING:
    from bridge.services import Services

    from .launcher import Launcher


class WarmChildren:
    """Keeps up to `limits.warm_processes` children that are started and not initialized, for a while after each
    session's start."""

    def __init__(self, services: Services, launcher: Launcher) -> None:
        self._loop = services.loop
        self._log = services.log
        self._limits = services.limits
        self._launcher = launcher
        self._ready: list[Child] = []
        self._wanted = 0.0
        self._closed = False

    def __len__(self) -> int:
        return len(self._ready)

    def take(self, tag: str) -> Child:
        """Returns a child for the session `tag`, a warm one where there is one. Raises CannotStart."""
        self._wanted = time.monotonic()
        self._loop.call_soon(self._fill)
        while self._ready:
            child = self._ready.pop()
            if child.lost is None:
                child.tag = tag
                return child
        return self._launcher.start(tag)

    def tick(self, now: float) -> None:
        """Ends the warm children when no session has been opened for long. `now`: monotonic seconds."""
        if self._ready and now - self._wanted > self._limits.unneeded_seconds:
            self._end()

    def close(self) -> None:
        """Ends them, and starts no more."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        ready, self._ready = self._ready, []
        for child in ready:
            child.end()

    def _fill(self) -> None:
        try:
            while len(self._ready) < self._limits.warm_processes and not self._closed and self._launcher.fits()[0] != 0:
                child = self._launcher.start("warm")
                child.on_lost = lambda why, child=child: self._lost(child)  # type: ignore[misc]
                self._ready.append(child)
        except CannotStart as error:
            self._log.warning(f"warm process: {error}")

    def _lost(self, child: Child) -> None:
        if child in self._ready:
            self._ready.remove(child)
