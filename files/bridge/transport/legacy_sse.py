"""The transport of revision 2024-11-05: one event stream for all that the server says, and a second URL to post to."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from bridge.protocol import message as messages
from bridge.protocol.message import Id, Message, NotAMessage

from .eviction import FORSAKEN, LISTENING, UNUSED
from .identity import Ownership
from .streamable_http import read

if TYPE_CHECKING:
    from bridge.http.server import Request
    from bridge.relay import Relay
    from bridge.upstream.upstream import Lane


class EventSession:
    """A client of that transport. It lives as long as its stream."""

    def __init__(self, relay: Relay, request: Request, prefix: bytes) -> None:
        self.ident = os.urandom(16).hex()
        self.ownership = Ownership(request.headers)
        self.tag = self.ident[:8]
        self.lane: Lane | None = None
        self.calls: dict[Id, tuple[str, float]] = {}
        self.client = request.client
        self.used = self.heard = time.monotonic()
        self.unused = True  # nothing but `initialize` has come
        self._relay = relay
        self._stream = relay.plain_stream(self.close)
        self._stream.attach(request)
        # The public path, whatever path a balancer has made of it on the way here.
        self._stream.send(prefix + b"/messages?session_id=" + self.ident.encode(), event=b"endpoint")

    def post(self, request: Request) -> None:
        """Passes what the client posts on; answers come on the stream."""
        try:
            posted, _ = read(request.body)
        except NotAMessage as error:
            request.respond(400, error.answer)
            return
        self.used = time.monotonic()
        self.unused = self.unused and all(message.method == "initialize" for message in posted)
        if len(self.calls) + len(posted) > self._relay.limits.calls:
            request.respond(503, headers=[(b"retry-after", b"5")])
            return
        passed = [self._pass_on(message) for message in posted]
        request.respond(202 if all(passed) else 503)

    def _pass_on(self, message: Message) -> bool:
        ident = message.id if message.is_request else None
        if ident is not None:
            self.calls[ident] = (message.method or "", time.monotonic())
        passed = False
        try:
            passed = self.lane is not None and self.lane.send(message)
        finally:
            if not passed and ident is not None:
                self._settle(ident, "busy")
        return passed

    def rest(self, now: float) -> int | None:
        """How it is not in use; None where it is."""
        if self.calls:
            begun = max(since for _, since in self.calls.values())
            return FORSAKEN if now - max(self.heard, begun) > self._relay.limits.hushed_seconds else None
        return UNUSED if self.unused else LISTENING

    def expired(self, now: float) -> bool:
        """Whether nothing but `initialize` has come for too long. Otherwise it lives as long as its stream."""
        return self.unused and not self.calls and now - self.used > self._relay.limits.unused_seconds

    def receive(self, message: Message) -> None:
        self.heard = time.monotonic()
        if message.is_answer and message.id is not None:
            self._settle(message.id, messages.outcome(message))
        self._stream.send(message.raw)

    def lose(self, why: str, *, status: int = 200, passing: bool = False) -> None:
        for ident in list(self.calls):
            self._settle(ident, "lost")
            self._stream.send(messages.error(ident, messages.SERVER_ERROR, why))
        self.close()

    def close(self) -> None:
        if self._relay.event_sessions.pop(self.ident, None) is None:
            return
        for ident in list(self.calls):
            self._settle(ident, "ended")
        self._stream.finish()
        if self.lane is not None:
            self.lane.close()

    def _settle(self, ident: Id, outcome: str) -> None:
        method, since = self.calls.pop(ident, ("", 0.0))
        if method:
            self._relay.metrics.called(method, outcome, time.monotonic() - since)


class EventEndpoint:
    """Serves `/sse` and `/messages`. `prefix` is the public path before both."""

    def __init__(self, relay: Relay, prefix: str) -> None:
        self._relay = relay
        self._prefix = prefix.encode()

    def open(self, request: Request) -> None:
        if request.method != b"GET":
            # Clients of several transports try a POST first, and this one when they are told that it is not allowed.
            request.respond(405, headers=[(b"allow", b"GET")])
        elif (fault := self._relay.launcher.refuses(request.headers)) is not None:
            request.respond(400, messages.error(None, messages.INVALID_REQUEST, fault))
        elif (why := self._relay.admit(request.client)) is not None:
            body = messages.error(None, messages.SERVER_ERROR, why)
            request.respond(503, body, headers=[(b"retry-after", b"5")])
        else:
            session = EventSession(self._relay, request, self._prefix)
            self._relay.event_sessions[session.ident] = session
            session.lane = self._relay.lane(session, session.tag, request.headers)

    def admits(self, request: Request) -> int:
        """How many bytes of a posted body are worth reading, judged by the head alone."""
        return self._relay.limits.message if request.method == b"POST" and self._session(request) else 0

    def post(self, request: Request) -> None:
        if request.method != b"POST":
            request.respond(405, headers=[(b"allow", b"POST")])
            return
        session = self._session(request)
        if session is None:
            request.respond(404, messages.error(None, -32001, "the session is not known; open a new stream"))
        else:
            session.post(request)

    def _session(self, request: Request) -> EventSession | None:
        ident = next((part[11:] for part in request.query.split(b"&") if part.startswith(b"session_id=")), b"")
        return self._relay.find_events(ident.decode("latin-1"), request.headers)
