"""All sessions of both transports: who gets one, whose each is, and when it ends."""

from __future__ import annotations

import time
from hmac import compare_digest
from typing import TYPE_CHECKING, Protocol, TypeVar

from .eviction import session_to_evict
from .session_ids import IDENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.protocol.message import Message
    from bridge.services import Services
    from bridge.upstream.upstream import Upstream
    from bridge.upstream.upstreams import Upstreams

    from .identity import Ownership


class AnySession(Protocol):
    """A session, whatever its transport. It is the client of its upstream."""

    ident: str
    """128 random bits."""
    name: str
    """What the client names it by; begins with `ident`."""
    tag: str
    """The beginning of both, for the log."""
    ownership: Ownership
    address: str
    """The address of its client."""
    used: float
    """When its client last did anything with it, in monotonic seconds."""

    @property
    def calls_in_flight(self) -> int:
        """Calls that have no answer yet."""

    def connect(self, upstream: Upstream) -> None:
        """Gives the session its way to the server, once."""

    def receive(self, message: Message) -> None:
        """Takes what the server says to this client."""

    def fail(self, why: str, *, status: int = 200, retryable: bool = False) -> None:
        """Takes note that the server will say no more to this client."""

    def changed(self, message: Message) -> None:
        """Tells the client that a list has changed, if it listens."""

    def idleness(self, now: float) -> int | None:
        """Returns how it is not in use; None where it is. See eviction.py."""

    def expired(self, now: float) -> bool:
        """Says whether nobody has used it for too long."""

    def tick(self, now: float, *, contended: bool) -> None:
        """Does what is due. `contended`: calls wait for a child, so that what nobody waits for gives way sooner."""

    def evict(self) -> None:
        """Ends it for the sake of another session."""

    def close(self) -> None:
        """Ends it."""


Kind = TypeVar("Kind", bound=AnySession)


class Sessions:
    """Those that are open, by their ids."""

    def __init__(self, services: Services, upstreams: Upstreams) -> None:
        self._log = services.log
        self._limits = services.limits
        self._upstreams = upstreams
        self._open: dict[str, AnySession] = {}
        self._ended: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    @property
    def calls_in_flight(self) -> int:
        """Calls of all sessions that have no answer yet."""
        return sum(session.calls_in_flight for session in self._open.values())

    @property
    def full(self) -> str | None:
        """Why a client that nobody knows yet would get no session, None where it would."""
        why = self._shortage()
        return why if why is not None and self._to_evict("") is None else None

    def admit(self, address: str) -> str | None:
        """Makes room for a session of the client at `address`, where need be at the cost of another. Returns why there
        is none, or None."""
        why = self._shortage()
        if why is None:
            return None
        evicted = self._to_evict(address)
        if evicted is None:
            return f"{why}; try again later"
        self._log.info(f"session {evicted.tag}: ended to make room for another")
        evicted.evict()
        return None

    def open(self, session: AnySession, headers: Mapping[bytes, bytes], *, adopted: bool = False) -> None:
        """Adds a session that a request with `headers` opened, and connects it to the server. `adopted`: another
        container has initialized it."""
        self._open[session.ident] = session
        session.connect(self._upstreams.open(session, session.tag, headers, initialized=adopted))

    def find(self, kind: type[Kind], name: str, headers: Mapping[bytes, bytes]) -> Kind | None:
        """Returns the session `name` of the transport `kind`, for a request with `headers`. To anybody but its owner
        there is none."""
        session = self._open.get(name[:IDENT])
        if not isinstance(session, kind) or not compare_digest(session.name.encode(), name.encode()):
            return None
        return session if session.ownership.admits(headers) else None

    def may_adopt(self, ident: str) -> bool:
        """Says whether a session with the random bits `ident` that is not open here may be opened again: not where its
        client has ended it here, or it has got another name."""
        return ident not in self._ended and ident not in self._open

    def end(self, session: AnySession) -> None:
        """Ends a session as its client wishes, for good as far as this container can tell."""
        self._ended[session.ident] = None
        if len(self._ended) > self._limits.ended:
            del self._ended[next(iter(self._ended))]
        session.close()

    def forget(self, session: AnySession) -> None:
        """Removes a session that has ended."""
        self._open.pop(session.ident, None)

    def changed(self, message: Message) -> None:
        """Tells every client that listens that a list has changed."""
        for session in list(self._open.values()):
            session.changed(message)

    def tick(self, now: float) -> None:
        """Ends what nobody uses, and keeps quiet streams alive. `now`: monotonic seconds."""
        for session in list(self._open.values()):
            session.tick(now, contended=self._upstreams.calls_queued > 0)
            if session.expired(now):
                self._log.info(f"session {session.tag}: ended, unused")
                session.close()

    def close(self) -> None:
        """Ends all."""
        for session in list(self._open.values()):
            session.close()

    def _shortage(self) -> str | None:
        if len(self._open) >= self._limits.sessions:
            return f"all {self._limits.sessions} sessions are in use"
        return self._upstreams.shortage()

    def _to_evict(self, address: str) -> AnySession | None:
        own_seconds = self._limits.own_idle_seconds
        return session_to_evict(self._open.values(), address, time.monotonic(), own_seconds=own_seconds)
