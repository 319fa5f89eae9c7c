"""Children that are started before anybody asks. One of them is always watched: see upstream/spare_watch.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .child import CannotStart, Child

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.services import Services

    from .launcher import Launcher


class WarmChildren:
    """Keeps up to `limits.warm_processes` children that are started and not initialized, for the next sessions."""

    def __init__(self, services: Services, launcher: Launcher) -> None:
        self.on_taken: Callable[[Child], None] = _ignore
        """Is called with each child that a session gets, a warm one or another."""
        self._log = services.log
        self._most = services.limits.warm_processes
        self._launcher = launcher
        self._ready: list[Child] = []

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def first(self) -> Child | None:
        """The one that the next session gets; None where there is none."""
        return next((one for one in self._ready if one.lost is None), None)

    def take(self, tag: str) -> Child:
        """Returns a child for the session `tag`, a warm one where there is one. Raises CannotStart."""
        child = self.first
        if child is None:
            child = self._launcher.start(tag)
        else:
            self._ready.remove(child)
            child.tag = tag
        self.on_taken(child)
        return child

    def offer(self, child: Child) -> None:
        """Lets sessions take `child` from now on, and adds as many more as there may be and there is room for."""
        if child not in self._ready:
            self._ready.insert(0, child)
        try:
            while len(self._ready) < self._most and self._launcher.fits()[0] != 0:
                self._ready.append(self._begin())
        except CannotStart as error:
            self._log.warning(f"warm process: {error}")

    def withdraw(self, child: Child) -> None:
        """Takes a child back that nobody is to get, such as one that is lost."""
        if child in self._ready:
            self._ready.remove(child)

    def end(self) -> None:
        """Ends them all."""
        ready, self._ready = self._ready, []
        for child in ready:
            child.end()

    def _begin(self) -> Child:
        child = self._launcher.start("warm")
        child.on_lost = lambda why: self.withdraw(child)
        return child


def _ignore(_: Child) -> None:
    pass
