"""What all clients share: the sessions, their bounds, and the server's children."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

from .health import Canary, Health
from .lane import OwnLane
from .metrics import Metrics
from .patience import Patience
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .child import Child, Launcher
    from .limits import Limits
    from .log import Log


class Relay:
    """Opens, finds and ends sessions."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, launcher: Launcher, log: Log, limits: Limits, health: Health
    ) -> None:
        self.log = log
        self.limits = limits
        self.launcher = launcher
        self.health = health
        self.metrics = Metrics()
        self.patience = Patience(loop, limits.patience_seconds)
        self.sessions: dict[str, Session] = {}
        self._loop = loop

    @property
    def full(self) -> bool:
        return len(self.sessions) >= self.limits.sessions

    def open(self, headers: Mapping[bytes, bytes]) -> Session:
        """A new session with a lane to the server; `headers` are those of the request that opens it."""
        session = Session(self, os.urandom(16).hex())
        self.sessions[session.ident] = session
        self.metrics.sessions += 1
        session.lane = OwnLane(session, lambda: self._start(session), self._loop)
        return session

    def forget(self, session: Session) -> None:
        self.sessions.pop(session.ident, None)

    def tick(self, now: float) -> None:
        """Once a second: comments on quiet streams, and the end of sessions that nobody uses."""
        for session in list(self.sessions.values()):
            if session.expired(now):
                self.log.info(f"session {session.tag}: ended, unused")
                session.close()
            else:
                session.comment(now)

    @property
    def calls_in_flight(self) -> int:
        return sum(len(session.calls) for session in self.sessions.values())

    async def drain(self) -> None:
        """Lets calls in flight end within their time, then ends every session."""
        deadline = time.monotonic() + self.limits.drain_seconds
        while self.calls_in_flight and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for session in list(self.sessions.values()):
            session.close()

    async def _start(self, session: Session) -> Child:
        return await self.launcher.start(session.tag)


__all__ = ["Canary", "Relay"]
