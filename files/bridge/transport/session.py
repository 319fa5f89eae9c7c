"""One client: its calls in flight, its streams, and its lane to the server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bridge.protocol import message as messages
from bridge.protocol.message import Id, Message
from bridge.protocol.revision import primes

from .event_stream import Stream, position
from .eviction import FORSAKEN, IDLE, LISTENING, UNUSED
from .exchange import Call, Exchange

if TYPE_CHECKING:
    from bridge.http.server import Request
    from bridge.relay import Relay
    from bridge.upstream.upstream import Lane

    from .identity import Ownership

_CANCELLED = -32800  # as the Python SDK ends a cancelled call's POST
_LISTENING = 0  # the number of the stream that belongs to no call
_TO_LISTENERS = frozenset(
    {
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
    }
)


class Session:
    """Relays between one client and its lane. Ends by `close`, or when the lane says that the server is lost."""

    def __init__(self, relay: Relay, ident: str, ownership: Ownership, client: str) -> None:
        self.ident = ident
        self.client = client  # its address
        self.ownership = ownership
        self.tag = ident[:8]
        self.revision: str | None = None  # as negotiated by `initialize`
        self.used = self.heard = time.monotonic()
        self.unused = True  # nothing but `initialize` has come
        self.stream_lost = False
        self.closed = False
        self.calls: dict[Id, Call] = {}
        self.lane: Lane | None = None
        self._relay = relay
        self._tokens: dict[Id, Call] = {}
        self._journal = relay.journals.open()
        self._streams: dict[int, Stream] = {}
        self._numbers = 0
        self._initialize: Id | None = None
        self.listening = self._make_stream(_LISTENING)

    # from the client

    def post(
        self, request: Request, posted: list[Message], *, batch: bool, can_stream: bool, must_stream: bool
    ) -> None:
        """Serves a POST with `posted` messages: passes them on and sees to the reply."""
        self.used = time.monotonic()
        if self.unused:
            self.unused = all(message.method == "initialize" for message in posted)
        asked = [message for message in posted if message.is_request]
        if not asked:
            passed = [self._tell(message) for message in posted]
            request.respond(202 if all(passed) else 503)
            return
        idents = {message.id for message in asked if message.id is not None}
        if len(idents) < len(asked) or not self.calls.keys().isdisjoint(idents):
            request.respond(
                400, messages.error(None, messages.INVALID_REQUEST, "a call with the same id is already in flight")
            )
            return
        if len(self.calls) + len(asked) > self._relay.limits.calls:
            body = messages.error(None, messages.SERVER_ERROR, "too many calls are in flight in this session")
            request.respond(503, body, headers=[(b"retry-after", b"5")])
            return
        exchange = Exchange(request, idents, batch=batch, can_stream=can_stream, make_stream=self._make_call_stream)
        try:
            for message in posted:
                self._pass_on(message, exchange)
        except Exception as error:
            self._relay.log.failure(f"session {self.tag}: a call could not be passed on", error)
            self._fail(exchange)
        request.release()
        if must_stream:
            exchange.commit()
        elif can_stream and exchange.waiting:
            self._relay.patience.add(exchange)

    def _pass_on(self, message: Message, exchange: Exchange) -> None:
        if not message.is_request:
            self._tell(message)
            return
        ident = message.id
        if ident is None:
            return
        call = Call(exchange, message)
        self.calls[ident] = call
        token = call.token
        if token is not None:
            self._tokens[token] = call
        if message.method == "initialize" and self.revision is None:
            self._initialize = ident
            exchange.headers.append((b"mcp-session-id", self.ident.encode()))
        if not self._send(message) and ident in self.calls:
            self._settle(
                ident, "busy", messages.error(ident, messages.SERVER_ERROR, "the server does not read its input")
            )

    def listen(self, request: Request, last: bytes | None) -> bool:
        """Serves a GET: the stream that belongs to no call, or one that broke. False where `last` is not held."""
        self.used = time.monotonic()
        self.unused = False
        self.stream_lost = False
        if last is None:
            self.listening.attach(request)
            return True
        where = position(last)
        stream = None if where is None else self._streams.get(where[0])
        if where is None or stream is None:
            return False
        stream.attach(request, after=where[1])
        return True

    def changed(self, message: Message) -> None:
        """A list has changed, for every client: this one learns of it if it listens."""
        if self.listening.readers:
            self.listening.send(message.raw)

    # from the server

    def receive(self, message: Message) -> None:
        self.heard = time.monotonic()
        if message.is_answer:
            call = self.calls.get(message.id) if message.id is not None else None
            try:
                self._answered(message)
            except Exception as error:
                self._relay.log.failure(f"session {self.tag}: an answer could not be passed on", error)
                if call is not None:
                    self._fail(call.exchange)
            return
        stream_or_exchange = self._related(message)
        if stream_or_exchange is None:
            self.listening.send(message.raw)
        else:
            stream_or_exchange.relate(message.raw)

    def lose(self, why: str, *, status: int = 200, passing: bool = False) -> None:
        """The server is gone: every call in flight is answered with an error, the session with 404 from now on."""
        if self.closed:
            return
        self._relay.log.info(f"session {self.tag}: {why}")
        for ident, call in list(self.calls.items()):
            call.exchange.status = status
            call.exchange.headers = [(b"retry-after", b"5")] if passing else []
            self._settle(ident, "lost", messages.error(ident, messages.SERVER_ERROR, why))
        self.close()

    def close(self) -> None:
        """Ends the session and its lane."""
        if self.closed:
            return
        self.closed = True
        self._relay.forget(self)
        for ident in list(self.calls):
            self._settle(ident, "ended", messages.error(ident, messages.SERVER_ERROR, "the session was ended"))
        for stream in list(self._streams.values()):
            stream.finish()
            stream.release()
        self.listening.release()
        self._streams.clear()
        self._journal.close()
        lane, self.lane = self.lane, None
        if lane is not None:
            lane.close()

    # for the relay's clock

    def comment(self, now: float) -> None:
        """Keeps quiet streams alive on every hop."""
        for stream in self._streams.values():
            self._relay.comment(stream.readers, now)

    def abandon(self, now: float) -> None:
        """Gives up the calls whose client has been away for longer than it may be."""
        limits = self._relay.limits
        bound = limits.yield_seconds if self._relay.calls_queued else limits.abandoned_seconds
        for ident, call in list(self.calls.items()):
            if call.look(now) > bound:
                if ident == self._initialize:  # which must not be cancelled (lifecycle); without it there is no session
                    self.lose("the client did not wait for the server's start")
                    return
                why = {"requestId": ident, "reason": "nobody waits for the answer any more"}
                self._send(messages.parse(messages.notification("notifications/cancelled", why)))
                self._give_up(call)

    def rest(self, now: float) -> int | None:
        """How it is not in use; None where it is."""
        limits = self._relay.limits
        if self.calls:
            begun = max(call.since for call in self.calls.values())
            hushed = now - max(self.heard, begun) > limits.hushed_seconds
            forsaken = all(call.look(now) > limits.forsaken_seconds for call in self.calls.values())
            return FORSAKEN if hushed or forsaken else None
        if any(stream.readers for stream in self._streams.values()):
            return LISTENING
        return UNUSED if self.unused else IDLE

    def expired(self, now: float) -> bool:
        """Whether nobody has used the session for too long."""
        if self.calls or any(stream.readers for stream in self._streams.values()):
            self.used = now
            return False
        limits = self._relay.limits
        bounds = [limits.idle_seconds]
        if self.stream_lost:
            bounds.append(limits.grace_seconds)
        if self.unused:
            bounds.append(limits.unused_seconds)
        return now - self.used > min(bounds)

    # inside

    def _send(self, message: Message) -> bool:
        return self.lane is not None and self.lane.send(message)

    def _tell(self, message: Message) -> bool:
        """Passes on what is not a request."""
        if message.method == "notifications/cancelled":
            call = self.calls.get(message.params.get("requestId", ""))
            if call is not None and not call.cancelled:
                call.cancelled = True
                # Many servers do not answer a cancelled call, but its POST must end.
                self._relay.after(self._relay.limits.stop_seconds, lambda: self._give_up(call))
        return self._send(message)

    def _fail(self, exchange: Exchange) -> None:
        """Ends the calls of `exchange`, to which something happened that nobody has thought of."""
        why = "internal error of the bridge; its log says where"
        for ident in [ident for ident, call in self.calls.items() if call.exchange is exchange]:
            self._settle(ident, "lost", messages.error(ident, messages.INTERNAL_ERROR, why))
        if not exchange.done and not exchange.request.answered and exchange.stream is None:
            exchange.request.respond(500, messages.error(None, messages.INTERNAL_ERROR, why))

    def _give_up(self, call: Call) -> None:
        ident = call.ident
        if ident is not None and self.calls.get(ident) is call:
            self._settle(ident, "cancelled", messages.error(ident, _CANCELLED, "the call was cancelled"))

    def _answered(self, message: Message) -> None:
        ident = message.id
        if ident is None:
            return
        call = self.calls.get(ident)
        if call is None:
            self._relay.log.debug(f"session {self.tag}: the server answered a call that is not in flight")
            return
        first = ident == self._initialize
        if first:
            self._initialize = None  # its id may come again
            self._initialized(message, call.exchange)
        self._settle(ident, messages.outcome(message), message.raw)
        if first and self.revision is None:
            self.close()

    def _initialized(self, message: Message, exchange: Exchange) -> None:
        revision = message.result.get("protocolVersion")
        if not isinstance(revision, str):  # refused; there is no session
            exchange.headers.clear()
            return
        self.revision = revision
        for stream in self._streams.values():
            stream.primes = primes(revision)

    def _settle(self, ident: Id, outcome: str, raw: bytes) -> None:
        call = self.calls.pop(ident)
        token = call.token
        if token is not None and self._tokens.get(token) is call:
            del self._tokens[token]
        self._relay.metrics.called(call.method, outcome, time.monotonic() - call.since)
        call.exchange.answer(ident, raw)
        if call.exchange.done:
            self._relay.patience.discard(call.exchange)

    def _related(self, message: Message) -> Exchange | None:
        """The POST that a message from the server belongs to, None for the listening stream."""
        if message.method == "notifications/progress":
            call = self._tokens.get(message.params.get("progressToken", ""))
            return call.exchange if call is not None and _can_carry(call.exchange) else None
        if message.method in _TO_LISTENERS and self.listening.readers:
            return None
        # stdio does not say which call a message belongs to. The newest is the best guess, and it is the right client.
        for call in reversed(self.calls.values()):
            if _can_carry(call.exchange):
                return call.exchange
        return None

    def _make_call_stream(self) -> Stream:
        self._numbers += 1
        return self._make_stream(self._numbers)

    def _make_stream(self, number: int) -> Stream:
        stream = Stream(number, self._journal, slow=self._slow, left=self._left, forget=self._forget)
        stream.primes = primes(self.revision)
        self._streams[number] = stream
        return stream

    def _forget(self, stream: Stream) -> None:
        self._streams.pop(stream.number, None)

    def _left(self, stream: Stream) -> None:
        self.used = time.monotonic()
        if stream is self.listening and not stream.readers:
            self.stream_lost = True

    def _slow(self, request: Request) -> None:
        if request.backlog > self._relay.limits.backlog and self.lane is not None:
            if self.lane.pause():
                request.when_drained(self.lane.resume)
            else:
                request.abort()


def _can_carry(exchange: Exchange) -> bool:
    return exchange.can_stream and not exchange.gone
