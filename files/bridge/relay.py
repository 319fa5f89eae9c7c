"""What all clients share: the sessions, their bounds, and the ways to the server."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

from .metrics import Metrics
from .process.memory import Memory
from .process.warm_children import Spares
from .protocol.revision import TOOLS_CHANGED
from .transport.event_stream import COMMENT, Journals, PlainStream
from .transport.eviction import who_yields
from .transport.identity import Ownership
from .transport.session import Session
from .transport.stream_upgrade import Patience
from .upstream.pool import Pool
from .upstream.shared import Shared
from .upstream.tool_cache import Catalogue
from .upstream.upstream import Lane, Owner, OwnLane, SwitchedLane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .http.server import Request
    from .limits import Limits
    from .log import Log
    from .process.child import Child, Launcher
    from .protocol.message import Message
    from .transport.legacy_sse import EventSession
    from .transport.stateless_http import Call, Subscription
    from .upstream.health import Health
    from .upstream.upstream import Switchboard


class Relay:
    """Opens, finds and ends sessions, and gives each its lane to the server."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        launcher: Launcher,
        log: Log,
        limits: Limits,
        health: Health,
        *,
        isolation: str,
        spares: int,
    ) -> None:
        self.log = log
        self.limits = limits
        self.launcher = launcher
        self.health = health
        self.isolation = isolation
        self.metrics = Metrics()
        self.patience = Patience(loop, limits.patience_seconds)
        self.long_patience = Patience(loop, limits.long_patience_seconds)
        self.sessions: dict[str, Session] = {}
        self.event_sessions: dict[str, EventSession] = {}
        self.lone_calls: set[Call] = set()
        self.subscriptions: set[Subscription] = set()
        self.catalogue = Catalogue()
        self.journals = Journals(limits)
        self._memory = Memory()
        self._plain: set[PlainStream] = set()
        self._boards: dict[tuple[bool, bool], Switchboard] = {}
        self._loop = loop
        self.spares = Spares(loop, launcher, log, limits, spares)

    # sessions

    def admit(self, client: str) -> str | None:
        """Makes a place for a session of `client`, where need be at the cost of another. Why there is none, or None."""
        why = self._shortage()
        if why is None:
            return None
        yielding = self._who_yields(client)
        if yielding is None:
            return f"{why}; try again later"
        self.log.info(f"session {yielding.tag}: ended, it gave way to another")
        if isinstance(yielding, Session):
            yielding.lose("the session gave way to others")
        else:
            yielding.close()
        return None

    @property
    def full(self) -> str | None:
        """Why a client that nobody knows yet would get no session, None where it would."""
        why = self._shortage()
        return why if why is not None and self._who_yields("") is None else None

    def open(self, request: Request) -> Session:
        """A new session with a lane to the server, for who sent `request`."""
        session = Session(self, os.urandom(16).hex(), Ownership(request.headers), request.client)
        self.sessions[session.ident] = session
        session.lane = self.lane(session, session.tag, request.headers)
        return session

    def _shortage(self) -> str | None:
        if len(self.sessions) + len(self.event_sessions) >= self.limits.sessions:
            return f"all {self.limits.sessions} sessions are in use"
        if self.isolation == "per_session" and self._memory.is_short(self.limits.memory_left):
            return "the container has too little memory left for another process of the server"
        return None

    def _who_yields(self, client: str) -> Session | EventSession | None:
        places: list[Session | EventSession] = [*self.sessions.values(), *self.event_sessions.values()]
        limits, now = self.limits, time.monotonic()
        return who_yields(places, client, now, own_seconds=limits.own_idle_seconds)

    def find(self, ident: str, headers: Mapping[bytes, bytes]) -> Session | None:
        """The session `ident`, for a request with `headers`. To anybody but its owner there is none."""
        session = self.sessions.get(ident)
        return session if session is not None and session.ownership.admits(headers) else None

    def find_events(self, ident: str, headers: Mapping[bytes, bytes]) -> EventSession | None:
        """The same for a session of the older transport."""
        session = self.event_sessions.get(ident)
        return session if session is not None and session.ownership.admits(headers) else None

    def forget(self, session: Session) -> None:
        self.sessions.pop(session.ident, None)

    @property
    def calls_in_flight(self) -> int:
        calls = sum(len(session.calls) for session in self.sessions.values())
        return calls + sum(len(session.calls) for session in self.event_sessions.values()) + len(self.lone_calls)

    @property
    def calls_queued(self) -> int:
        return sum(board.waiting for board in self._boards.values())

    # ways to the server

    def lane(self, owner: Owner, tag: str, headers: Mapping[bytes, bytes]) -> Lane:
        self.metrics.sessions += 1
        if self.isolation == "per_session":
            return OwnLane(owner, lambda: self._start(tag, headers))
        return SwitchedLane(owner, self.board(modern=False))

    def board(self, *, modern: bool, listening: bool = False) -> Switchboard:
        """The children that serve many clients' calls. `listening`: for subscriptions, which last and name
        themselves in all that they say."""
        shared = self.isolation == "shared"
        key = (modern, listening and not shared)
        board = self._boards.get(key)
        if board is None:
            kind = Shared if shared or listening else Pool
            board = self._boards[key] = kind(self._loop, self.launcher, self.log, self.limits, modern=modern)
            board.changed = self._changed
        return board

    def _start(self, tag: str, headers: Mapping[bytes, bytes]) -> Child:
        return self.launcher.start(tag, headers) if self.launcher.personal else self.spares.take(tag)

    def _changed(self, message: Message) -> None:
        if message.method == TOOLS_CHANGED:
            self.catalogue.forget()
        for session in list(self.sessions.values()):
            session.changed(message)
        for event_session in list(self.event_sessions.values()):
            event_session.receive(message)
        for subscription in list(self.subscriptions):
            subscription.changed(message)

    # streams

    def plain_stream(self, left: Callable[[], None]) -> PlainStream:
        """A stream that cannot be resumed; `left` is called when its client is gone."""

        def lost(stream: PlainStream) -> None:
            self._plain.discard(stream)
            left()

        stream = PlainStream(slow=self._too_slow, lost=lost)
        self._plain.add(stream)
        return stream

    def comment(self, readers: Iterable[Request], now: float) -> None:
        """Keeps quiet streams alive on every hop."""
        for request in readers:
            if now - request.written >= self.limits.comment_seconds:
                request.write(COMMENT)

    def _too_slow(self, request: Request) -> None:
        if request.backlog > self.limits.backlog:
            request.abort()

    # time

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        self._loop.call_later(seconds, what)

    def tick(self, now: float) -> None:
        """Once a second: comments on quiet streams, and the end of what nobody uses."""
        for session in list(self.sessions.values()):
            session.abandon(now)
            if session.expired(now):
                self.log.info(f"session {session.tag}: ended, unused")
                session.close()
            else:
                session.comment(now)
        for event_session in list(self.event_sessions.values()):
            if event_session.expired(now):
                self.log.info(f"session {event_session.tag}: ended, unused")
                event_session.close()
        for stream in list(self._plain):
            self.comment(stream.readers, now)
        self._plain = {stream for stream in self._plain if stream.readers}
        self.spares.tick(now)
        for board in self._boards.values():
            board.tick(now)
        obstacles = (board.obstacle(now) for board in self._boards.values())
        self.health.obstacle = next((obstacle for obstacle in obstacles if obstacle is not None), None)
        if self.isolation != "per_session" and self.health.serves:
            self.board(modern=False).warm()

    async def drain(self) -> None:
        """Lets calls in flight end within their time, then ends every session."""
        deadline = time.monotonic() + self.limits.drain_seconds
        while self.calls_in_flight and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for session in list(self.sessions.values()):
            session.close()
        for event_session in list(self.event_sessions.values()):
            event_session.close()
        for call in list(self.lone_calls):
            call.close("the bridge is stopping")
        for subscription in list(self.subscriptions):
            subscription.close()
        self.spares.close()
        for board in self._boards.values():
            board.close()
