"""A session of streamable HTTP: one client, its calls in flight, its streams, and its way to the server."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from bridge.protocol import message as messages
from bridge.protocol.message import Id, Message
from bridge.protocol.revision import primes

from .eviction import FORSAKEN, IDLE, LEFT, LISTENING, UNUSED
from .exchange import Exchange, PendingCall
from .session_streams import SessionStreams, is_standalone

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.http.request import Request
    from bridge.services import Services
    from bridge.upstream.upstream import Upstream

    from .event_store import EventStore
    from .identity import Ownership
    from .session_ids import SessionIds
    from .stream_upgrade import StreamUpgrade

_CANCELLED = -32800  # as the Python SDK ends a cancelled call's POST
_TO_LISTENERS = frozenset(
    {
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
    }
)


class Session:
    """Relays between one client and its upstream. Ends by `close`, or when the upstream says that the server is lost.

    `ident`: 128 random bits. `ownership`: whose it is. `address`: its client's. `store`: for what its streams have
    said. `upgrade`: for its POSTs that wait. `ended`: is called once, at its end. `ids`: what makes the name that
    clients know it by out of what is agreed; without them it is `ident`. `adopted`: the id that another container has
    given it, and the revision agreed there.
    """

    def __init__(
        self,
        services: Services,
        ident: str,
        ownership: Ownership,
        address: str,
        store: EventStore,
        upgrade: StreamUpgrade,
        ended: Callable[[Session], None],
        ids: SessionIds | None = None,
        adopted: tuple[str, str] | None = None,
    ) -> None:
        self.ident = self.name = ident
        self.tag = ident[:8]
        self.ownership = ownership
        self.address = address
        self.revision: str | None = None
        """As negotiated by `initialize`; None before that."""
        self.used = time.monotonic()
        self.closed = False
        self._heard = self.used  # when the server last said anything
        self._unused = True  # nothing but `initialize` has come
        self._stream_lost = False
        self._log = services.log
        self._limits = services.limits
        self._loop = services.loop
        self._metrics = services.metrics
        self._record = services.calls
        self._upgrade = upgrade
        self._ended = ended
        self._upstream: Upstream | None = None
        self._calls: dict[Id, PendingCall] = {}
        self._tokens: dict[Id, PendingCall] = {}
        self._initialize: Id | None = None
        self._ids = ids
        self._streaming_hello = False
        # Other numbers than those of the streams in the other container, which are lost.
        first = 0 if adopted is None else int.from_bytes(os.urandom(4))
        self._streams = SessionStreams(store, slow=self._slow, left=self._left, first=first)
        self._stream_is_elsewhere = adopted is not None
        if adopted is not None:
            self.name, self.revision = adopted
            self._unused = False
            self._streams.prime(primes(self.revision))

    @property
    def calls_in_flight(self) -> int:
        """Calls that have no answer yet."""
        return len(self._calls)

    def connect(self, upstream: Upstream) -> None:
        """Gives the session its way to the server, once."""
        self._upstream = upstream

    # from the client

    def post(
        self, request: Request, posted: list[Message], *, batch: bool, can_stream: bool, must_stream: bool
    ) -> None:
        """Serves a POST with `posted` messages: passes them on and sees to the reply. `can_stream`, `must_stream`: the
        client takes an event stream, and takes nothing else."""
        self.used = time.monotonic()
        self._stream_lost = False  # whoever asks is there, with or without a stream
        if self._unused:
            self._unused = all(message.method == "initialize" for message in posted)
        asked = [message for message in posted if message.is_request]
        if not asked:
            passed = [self._tell(message) for message in posted]
            request.respond(202 if all(passed) else 503)
            return
        idents = {message.id for message in asked if message.id is not None}
        if len(idents) < len(asked) or not self._calls.keys().isdisjoint(idents):
            request.respond(
                400, messages.error(None, messages.INVALID_REQUEST, "a call with the same id is already in flight")
            )
            return
        if len(self._calls) + len(asked) > self._limits.calls:
            body = messages.error(None, messages.SERVER_ERROR, "too many calls are in flight in this session")
            request.respond(503, body, headers=[(b"retry-after", b"5")])
            return
        if self.revision is None and self._ids is not None:
            # The session's name is known with the answer, and no head can go out before.
            self._streaming_hello = must_stream
            can_stream = must_stream = False
        exchange = Exchange(
            request, idents, self._log, batch=batch, can_stream=can_stream, make_stream=self._streams.open
        )
        try:
            for message in posted:
                self._pass_on(message, exchange)
        except Exception as error:
            self._log.failure(f"session {self.tag}: a call could not be passed on", error)
            self._give_up_exchange(exchange)
        request.release()
        if must_stream:
            exchange.commit()
        elif can_stream and exchange.waiting:
            self._upgrade.add(exchange)

    def listen(self, request: Request, last: bytes | None) -> bool:
        """Serves a GET: the stream that belongs to no call, or the one that broke off after the event `last`. Returns
        False where that is not held."""
        self.used = time.monotonic()
        self._unused = False
        self._stream_lost = False
        elsewhere, self._stream_is_elsewhere = self._stream_is_elsewhere, False
        if last is not None and not (elsewhere and is_standalone(last)):
            return self._streams.resume(request, last)
        self._streams.standalone.attach(request)
        return True

    def changed(self, message: Message) -> None:
        """Tells the client that a list has changed, if it listens."""
        if self._streams.standalone.readers:
            self._streams.standalone.send(message.raw)

    # from the server

    def receive(self, message: Message) -> None:
        """Passes on what the server says."""
        self._heard = time.monotonic()
        if message.is_answer:
            call = self._calls.get(message.id) if message.id is not None else None
            try:
                self._answered(message)
            except Exception as error:
                self._log.failure(f"session {self.tag}: an answer could not be passed on", error)
                if call is not None:
                    self._give_up_exchange(call.exchange)
            return
        exchange = self._related(message)
        if exchange is None:
            self._streams.standalone.send(message.raw)
        else:
            exchange.relate(message.raw)

    def fail(self, why: str, *, status: int = 200, retryable: bool = False) -> None:
        """Ends the session without its server: every call in flight is answered with an error, the session with 404
        from now on."""
        if self.closed:
            return
        self._log.info(f"session {self.tag}: {why}")
        for ident, call in list(self._calls.items()):
            call.exchange.status = status
            call.exchange.headers = [(b"retry-after", b"5")] if retryable else []
            self._settle(ident, "lost", messages.error(ident, messages.SERVER_ERROR, why))
        self.close()

    def evict(self) -> None:
        """Ends the session for the sake of another."""
        self.fail("the session was ended to make room for others")

    def close(self) -> None:
        """Ends the session and its upstream."""
        if self.closed:
            return
        self.closed = True
        self._ended(self)
        for ident in list(self._calls):
            self._settle(ident, "ended", messages.error(ident, messages.SERVER_ERROR, "the session was ended"))
        self._streams.close()
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.close()

    # time

    def tick(self, now: float, *, contended: bool) -> None:
        """Keeps quiet streams alive, and gives up the calls whose client has been away for longer than it may be,
        shorter where others are `contended` for a child, and those of a server that is silent for too long: a client
        that vanished without a word still seems to be there."""
        self._streams.keep_alive(now, self._limits.comment_seconds)
        bound = self._limits.contended_seconds if contended else self._limits.abandoned_seconds
        for ident, call in list(self._calls.items()):
            if ident == self._initialize and now - call.since > self._limits.handshake_seconds:
                self.fail(f"the server has not answered initialize for {self._limits.handshake_seconds:g} s")
                return
            silent = now - max(self._heard, call.since) > self._limits.silent_server_seconds
            if silent or call.unattended(now) > bound:
                if ident == self._initialize:  # which must not be cancelled (lifecycle); without it there is no session
                    self.fail("the client did not wait for the server's start")
                    return
                reason = "the server is silent" if silent else "nobody waits for the answer any more"
                why = {"requestId": ident, "reason": reason}
                self._send(messages.parse(messages.notification("notifications/cancelled", why)))
                self._give_up(call)

    def idleness(self, now: float) -> int | None:
        """Returns how the session is not in use; None where it is. `now`: monotonic seconds."""
        limits = self._limits
        if self._calls:
            begun = max(call.since for call in self._calls.values())
            silent = now - max(self._heard, begun) > limits.silent_server_seconds
            unattended = all(call.unattended(now) > limits.unattended_seconds for call in self._calls.values())
            return FORSAKEN if silent or unattended else None
        if self._streams.attended:
            return LISTENING
        if self._stream_lost and now - self.used > limits.left_seconds:
            return LEFT
        return UNUSED if self._unused else IDLE

    def expired(self, now: float) -> bool:
        """Says whether nobody has used the session for too long. `now`: monotonic seconds."""
        if self._calls or self._streams.attended:
            self.used = now
            return False
        limits = self._limits
        bounds = [limits.idle_seconds]
        if self._stream_lost:
            bounds.append(limits.resume_seconds)
        if self._unused:
            bounds.append(limits.unused_seconds)
        return now - self.used > min(bounds)

    # inside

    def _pass_on(self, message: Message, exchange: Exchange) -> None:
        if not message.is_request:
            self._tell(message)
            return
        ident = message.id
        if ident is None:
            return
        call = PendingCall(exchange, message, self._record.context(message, exchange.request.headers, self.revision))
        self._calls[ident] = call
        token = call.token
        if token is not None:
            self._tokens[token] = call
        if message.method == "initialize" and self.revision is None:
            self._initialize = ident
            if self._ids is None:
                exchange.headers.append((b"mcp-session-id", self.name.encode()))
        if not self._send(message) and ident in self._calls:
            why = messages.error(ident, messages.SERVER_ERROR, "the server does not read its input")
            self._settle(ident, "busy", why)

    def _send(self, message: Message) -> bool:
        return self._upstream is not None and self._upstream.send(message)

    def _tell(self, message: Message) -> bool:
        """Passes on what is not a request."""
        if message.method == "notifications/cancelled":
            call = self._calls.get(message.params.get("requestId", ""))
            if call is not None and not call.cancelled:
                call.cancelled = True
                # Many servers do not answer a cancelled call, but its POST must end.
                self._loop.call_later(self._limits.stop_seconds, self._give_up, call)
        return self._send(message)

    def _give_up_exchange(self, exchange: Exchange) -> None:
        """Ends the calls of `exchange`, to which something happened that nobody has thought of."""
        why = "internal error of the bridge; its log says where"
        for ident in [ident for ident, call in self._calls.items() if call.exchange is exchange]:
            self._settle(ident, "lost", messages.error(ident, messages.INTERNAL_ERROR, why))
        if not exchange.done and not exchange.request.answered and exchange.stream is None:
            exchange.request.respond(500, messages.error(None, messages.INTERNAL_ERROR, why))

    def _give_up(self, call: PendingCall) -> None:
        ident = call.ident
        if ident is not None and self._calls.get(ident) is call:
            self._settle(ident, "cancelled", messages.error(ident, _CANCELLED, "the call was cancelled"))

    def _answered(self, message: Message) -> None:
        ident = message.id
        if ident is None:
            return
        call = self._calls.get(ident)
        if call is None:
            self._log.debug(f"session {self.tag}: the server answered a call that is not in flight")
            return
        first = ident == self._initialize
        if first:
            self._initialize = None  # its id may come again
            self._initialized(message, call.exchange)
        self._settle(ident, messages.outcome(message), message.raw, messages.error_type(message))
        if first and self.revision is None:
            self.close()

    def _initialized(self, message: Message, exchange: Exchange) -> None:
        revision = message.result.get("protocolVersion")
        if not isinstance(revision, str):  # refused; there is no session
            exchange.headers.clear()
            return
        self.revision = revision
        self._streams.prime(primes(revision))
        if self._ids is not None:
            self.name = self._ids.sign(self.ident, revision, self.ownership.owner)
            exchange.headers.append((b"mcp-session-id", self.name.encode()))
            if self._streaming_hello:
                exchange.commit()

    def _settle(self, ident: Id, outcome: str, raw: bytes, error: str = "") -> None:
        call = self._calls.pop(ident)
        token = call.token
        if token is not None and self._tokens.get(token) is call:
            del self._tokens[token]
        seconds = time.monotonic() - call.since
        self._metrics.called(call.method, outcome, seconds, call.tool, error)
        self._record.ended(self.name, call.method, call.tool, outcome, seconds, call.trace, error)
        call.exchange.answer(ident, raw)
        if call.exchange.done:
            self._upgrade.discard(call.exchange)

    def _related(self, message: Message) -> Exchange | None:
        """The POST that a message from the server belongs to, None for the standalone stream."""
        if message.method == "notifications/progress":
            call = self._tokens.get(message.params.get("progressToken", ""))
            return call.exchange if call is not None and _can_carry(call.exchange) else None
        if message.method in _TO_LISTENERS and self._streams.standalone.readers:
            return None
        # stdio does not say which call a message belongs to. The newest is the best guess, and it is the right client.
        for call in reversed(self._calls.values()):
            if _can_carry(call.exchange):
                return call.exchange
        return None

    def _left(self, standalone: bool) -> None:
        self.used = time.monotonic()
        if standalone:
            self._stream_lost = True

    def _slow(self, request: Request) -> None:
        if request.backlog > self._limits.backlog and self._upstream is not None:
            if self._upstream.pause():
                request.when_drained(self._upstream.resume)
            else:
                request.abort()


def _can_carry(exchange: Exchange) -> bool:
    return exchange.can_stream and not exchange.gone
