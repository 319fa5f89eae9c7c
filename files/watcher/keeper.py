"""Follows the engine's events, a cluster's objects and the runs, and has runs started when the conductor says so."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Protocol

from .conductor import EDITED, Conductor, Told, reason, request
from .engine.client import Engine
from .engine.model import FLEET_LABEL, Event
from .errors import PeerError
from .inputs import Inputs
from .runs import Locks, Report, Starter
from .trouble import Listing, Trouble, Watched, listing_of

log = logging.getLogger("watcher")

ACTIONS = {
    "container": ["die", "stop", "destroy", "pause", "rename", "health_status"],
    "network": ["disconnect"],
}
# Events that come together are answered together.
DEBOUNCE_SECONDS = 0.2
# How long a run may have begun, or ended, without being noticed.
POLL_SECONDS = 1.0
# What no event told of is seen then.
LOOK_SECONDS = 30.0
ENGINE_STARTED = Trouble("", "the engine is back")


class Objects(Protocol):
    """What a fleet has in a cluster."""

    def listing(self) -> Mapping[str, Watched] | None:
        """Returns the objects by id, as they were last seen; None where they have not been seen yet."""


class Keeper:
    """Keeps one fleet. Its two tasks, ``follow`` and ``keep``, may fail and be started again at any time."""

    def __init__(
        self,
        engine: Engine,
        fleet: str,
        conductor: Conductor,
        *,
        locks: Locks,
        report: Report,
        starter: Starter,
        inputs: Inputs,
    ) -> None:
        self.objects: Objects | None = None
        """Those of a fleet that is in a cluster; who follows them calls ``look_soon``."""
        self._engine = engine
        self._fleet = fleet
        self._conductor = conductor
        self._locks = locks
        self._report = report
        self._starter = starter
        self._inputs = inputs
        self._wake = asyncio.Event()
        self._here: Listing = {}
        self._has_joined = False
        self._connected = False
        self._looked = float("-inf")
        self._version = report.version()
        self._whole_run = False  # the run under way holds the lock that whole runs hold
        self._followed = self._edited = inputs.edited()  # what the last run has read, and what was last seen
        self._tried = self._waiting = frozenset[str]()  # the same of requests
        conductor.recall(report.read(), time.monotonic(), report.age())

    async def follow(self) -> None:
        """Follows the engine's events until the engine ends. Raises PeerError then."""
        async with self._engine.events(ACTIONS) as events:
            # What happened until now no event tells: the replay holds 256 events of all kinds.
            if self._connected:
                self._conductor.ask(ENGINE_STARTED)
            self._connected = True
            self.look_soon()
            async for event in events:
                if self._concerns(event):
                    log.debug("%s %s %s", event.action, event.detail, event.attributes.get("name", event.container))
                    self.look_soon()

    async def keep(self) -> None:
        """Looks whenever there may be something to see, and starts the runs that are called for."""
        while True:
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass
            else:
                await asyncio.sleep(DEBOUNCE_SECONDS)
                self._wake.clear()
                self._looked = float("-inf")
            await self._step(time.monotonic())

    def look_soon(self) -> None:
        """Something may have happened."""
        self._wake.set()

    def _concerns(self, event: Event) -> bool:
        if event.kind == "network":  # its labels are not the container's
            return True
        if event.attributes.get(FLEET_LABEL) != self._fleet:
            return False
        return event.action != "health_status" or event.detail in ("unhealthy", "")

    async def _step(self, at: float) -> None:
        edited, waiting = self._inputs.edited(), self._inputs.requests()
        held = self._locks.held()
        if held:
            self._under_way()
        elif self._conductor.under_way or self._report.version() != self._version:
            await self._over(at)
        elif at - self._looked >= LOOK_SECONDS:
            now = await self._listing()
            if now is not None and not self._locks.held():
                self._looked = at
                self._conductor.look(now)
        self._edited, self._waiting = edited, waiting
        if edited != self._followed:
            self._conductor.ask(EDITED)
        if not held and waiting - self._tried:
            self._conductor.ask(request(min(waiting - self._tried)))
        await self._decide(at)

    def _under_way(self) -> None:
        if not self._conductor.under_way:
            log.debug("a run is under way")
            # An edit that is as new as the run may have come too late for it, so that the former look counts.
            self._followed, self._tried = self._edited, self._waiting
            self._conductor.begin()
            self._whole_run = False
        self._whole_run = self._whole_run or self._locks.whole_run()

    async def _over(self, at: float) -> None:
        version = self._report.version()
        now = await self._listing()
        if self._locks.held():  # the next one has begun meanwhile
            return
        log.debug("a run is over")
        self._conductor.end(now, at, self._told(version))
        self._version, self._looked, self._whole_run = version, at, False

    def _told(self, version: tuple[int, int] | None) -> Told | None:
        """What the run that is over tells; None where it was a whole one that came to no report.

        One by hand lets go of its fleet between two steps, long before it reports.
        """
        if version != self._version:
            return self._report.read()
        return None if self._whole_run else Told()

    async def _listing(self) -> Listing | None:
        """The fleet's containers, and its objects in a cluster; None where no engine answers, which ``follow`` tells.

        With a cluster each is as it was last seen, whatever becomes of the other.
        """
        there = self.objects.listing() if self.objects is not None else None
        try:
            self._here = listing_of(await self._engine.containers(self._fleet))
        except PeerError as error:
            log.debug("no listing: %s", error)
            if there is None:
                return None
        if there is None:
            return self._here
        if not self._has_joined:
            self._has_joined = True
            self._conductor.join(there)
        return {**self._here, **there}

    async def _decide(self, at: float) -> None:
        troubles = self._conductor.decide(at)
        if not troubles:
            return
        log.info("starting a run: %s", reason(troubles))
        self._conductor.started(troubles, at)
        await self._starter.start(reason(troubles))
