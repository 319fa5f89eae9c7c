"""The transport of revision 2024-11-05: one event stream for all that the server says, and a second URL to post to."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from bridge.protocol import message as messages
from bridge.protocol.message import Id, Message, NotAMessage

from .eviction import FORSAKEN, LISTENING, UNUSED
from .exchange import warn_of_size
from .identity import Ownership

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.http.request import Request
    from bridge.services import Services
    from bridge.upstream.upstream import Upstream
    from bridge.upstream.upstreams import Upstreams

    from .plain_stream import PlainStreams
    from .sessions import Sessions

_UNKNOWN_SESSION = -32001


class LegacySession:
    """A client of that transport. It lives as long as its stream.

    `request`: the one that opens the stream. `prefix`: the public path of the server. `ended`: is called once, at its
    end.
    """

    def __init__(
        self,
        services: Services,
        request: Request,
        prefix: bytes,
        streams: PlainStreams,
        ended: Callable[[LegacySession], None],
    ) -> None:
        self.name = self.ident = os.urandom(16).hex()
        self.tag = self.ident[:8]
        self.ownership = Ownership(request.headers)
        self.address = request.client
        self.used = time.monotonic()
        self._heard = self.used  # when the server last said anything
        self._unused = True  # nothing but `initialize` has come
        self._closed = False
        self._log = services.log
        self._limits = services.limits
        self._metrics = services.metrics
        self._record = services.calls
        self._ended = ended
        self._upstream: Upstream | None = None
        self._calls: dict[Id, tuple[str, str, float, str]] = {}  # method, tool, since when, and its trace
        self._stream = streams.open(self.close)
        self._stream.attach(request)
        # The public path, whatever path a balancer has made of it on the way here.
        self._stream.send(prefix + b"/messages?session_id=" + self.ident.encode(), event=b"endpoint")

    @property
    def calls_in_flight(self) -> int:
        """Calls that have no answer yet."""
        return len(self._calls)

    def connect(self, upstream: Upstream) -> None:
        """Gives the session its way to the server, once."""
        self._upstream = upstream

    def post(self, request: Request) -> None:
        """Passes what the client posts on; answers come on the stream."""
        try:
            posted, _ = messages.read_batch(request.body, from_client=True)
        except NotAMessage as error:
            request.respond(400, error.answer)
            return
        self.used = time.monotonic()
        self._unused = self._unused and all(message.method == "initialize" for message in posted)
        if len(self._calls) + len(posted) > self._limits.calls:
            request.respond(503, headers=[(b"retry-after", b"5")])
            return
        passed = [self._pass_on(message, request) for message in posted]
        request.respond(202 if all(passed) else 503)

    def changed(self, message: Message) -> None:
        """Tells the client that a list has changed."""
        self.receive(message)

    def receive(self, message: Message) -> None:
        """Passes on what the server says."""
        self._heard = time.monotonic()
        if message.is_answer and message.id is not None:
            self._settle(message.id, messages.outcome(message), messages.error_type(message))
            warn_of_size(self._log, message.raw, "as this transport sends all")
        self._stream.send(message.raw)

    def fail(self, why: str, *, status: int = 200, retryable: bool = False) -> None:
        """Ends the session without its server: every call in flight is answered with an error."""
        for ident in list(self._calls):
            self._settle(ident, "lost")
            self._stream.send(messages.error(ident, messages.SERVER_ERROR, why))
        self.close()

    def evict(self) -> None:
        """Ends the session for the sake of another."""
        self.close()

    def close(self) -> None:
        """Ends the session, its stream and its upstream."""
        if self._closed:
            return
        self._closed = True
        self._ended(self)
        for ident in list(self._calls):
            self._settle(ident, "ended")
        self._stream.finish()
        if self._upstream is not None:
            self._upstream.close()

    def tick(self, now: float, *, contended: bool) -> None:
        """Ends the session when its server has been silent for too long with calls in flight. Otherwise they go on for
        as long as the stream lasts."""
        if self._calls and self.idleness(now) == FORSAKEN:
            self.fail(f"the server has sent nothing for {self._limits.silent_server_seconds:g} s")

    def idleness(self, now: float) -> int | None:
        """Returns how the session is not in use; None where it is. `now`: monotonic seconds."""
        if self._calls:
            begun = max(since for _, _, since, _ in self._calls.values())
            return FORSAKEN if now - max(self._heard, begun) > self._limits.silent_server_seconds else None
        return UNUSED if self._unused else LISTENING

    def expired(self, now: float) -> bool:
        """Says whether nothing but `initialize` has come for too long. Otherwise it lives as long as its stream."""
        return self._unused and not self._calls and now - self.used > self._limits.unused_seconds

    def _pass_on(self, message: Message, request: Request) -> bool:
        ident = message.id if message.is_request else None
        if ident is not None:
            trace = self._record.context(message, request.headers, None)
            self._calls[ident] = (message.method or "", message.tool, time.monotonic(), trace)
        passed = False
        try:
            passed = self._upstream is not None and self._upstream.send(message)
        finally:
            if not passed and ident is not None:
                self._settle(ident, "busy")
        return passed

    def _settle(self, ident: Id, outcome: str, error: str = "") -> None:
        method, tool, since, trace = self._calls.pop(ident, ("", "", 0.0, ""))
        if method:
            seconds = time.monotonic() - since
            self._metrics.called(method, outcome, seconds, tool, error)
            self._record.ended(self.name, method, tool, outcome, seconds, trace, error)


class LegacySse:
    """Serves `/sse` and `/messages`. `prefix` is the public path before both."""

    def __init__(
        self, services: Services, sessions: Sessions, upstreams: Upstreams, streams: PlainStreams, prefix: str
    ) -> None:
        self._services = services
        self._sessions = sessions
        self._upstreams = upstreams
        self._streams = streams
        self._prefix = prefix.encode()

    def open(self, request: Request) -> None:
        """Serves `/sse`: opens a session, whose stream answers the request."""
        if request.method != b"GET":
            # Clients of several transports try a POST first, and this one when they are told that it is not allowed.
            request.respond(405, headers=[(b"allow", b"GET")])
        elif (fault := self._upstreams.refuses(request.headers)) is not None:
            request.respond(400, messages.error(None, messages.INVALID_REQUEST, fault))
        elif (why := self._sessions.admit(request.client)) is not None:
            body = messages.error(None, messages.SERVER_ERROR, why)
            request.respond(503, body, headers=[(b"retry-after", b"5")])
        else:
            session = LegacySession(self._services, request, self._prefix, self._streams, self._sessions.forget)
            self._sessions.open(session, request.headers)

    def admits(self, request: Request) -> int:
        """Returns how many bytes of a posted body are worth reading, judged by the head alone."""
        return self._services.limits.message if request.method == b"POST" and self._session(request) else 0

    def post(self, request: Request) -> None:
        """Serves `/messages`: passes on what a client of an open session posts."""
        if request.method != b"POST":
            request.respond(405, headers=[(b"allow", b"POST")])
            return
        session = self._session(request)
        if session is None:
            request.respond(404, messages.error(None, _UNKNOWN_SESSION, "the session is not known; open a new stream"))
        else:
            session.post(request)

    def _session(self, request: Request) -> LegacySession | None:
        ident = next((part[11:] for part in request.query.split(b"&") if part.startswith(b"session_id=")), b"")
        return self._sessions.find(LegacySession, ident.decode("latin-1"), request.headers)
