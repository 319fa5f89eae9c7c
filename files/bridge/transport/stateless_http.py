"""Revision 2026-07-28: every request stands alone, without `initialize` and without a session."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bridge.protocol import message as messages
from bridge.protocol.header_mirror import check, check_parameters, concerns
from bridge.protocol.revision import META_PREFIX, MODERN, REMOVED, TOOLS_CHANGED, older_or_equal
from bridge.upstream.tool_cache import ToolCache

from .stateless_call import UNSUPPORTED_REVISION, StatelessCall
from .stream_upgrade import StreamUpgrade
from .subscription import Subscription

if TYPE_CHECKING:
    from bridge.http.request import Request
    from bridge.protocol.header_mirror import Parameter
    from bridge.protocol.message import Message
    from bridge.services import Services
    from bridge.upstream.backend import CallBackend
    from bridge.upstream.handshake import Handshake
    from bridge.upstream.health import Health
    from bridge.upstream.rest import Rest
    from bridge.upstream.upstreams import Upstreams

    from .plain_stream import PlainStreams


class StatelessHttp:
    """Serves requests that stand alone, by servers that know them, and where children serve many clients by older ones,
    too. Where each session has a child, clients are told to open one; a server that knows no sessions gets a child for
    each call. Calls in flight and subscriptions are its own."""

    def __init__(
        self, services: Services, upstreams: Upstreams, health: Health, rest: Rest, streams: PlainStreams
    ) -> None:
        self._log = services.log
        self._metrics = services.metrics
        self._record = services.calls
        self._upstreams = upstreams
        self._health = health
        self._rest = rest
        self._streams = streams
        self._upgrade = StreamUpgrade(services.loop, services.limits.upgrade_seconds)
        self._tool_cache = ToolCache(services)
        self._calls: set[StatelessCall] = set()
        self._subscriptions: set[Subscription] = set()

    @property
    def calls_in_flight(self) -> int:
        """Calls that have no answer yet."""
        return len(self._calls)

    @property
    def subscribed(self) -> bool:
        """Whether somebody listens for changes."""
        return bool(self._subscriptions)

    def serve(self, request: Request, posted: list[Message], *, batch: bool, can_json: bool, can_stream: bool) -> None:
        """Serves a POST whose MCP-Protocol-Version header names no revision with sessions. `posted`: its messages.
        `can_json`, `can_stream`: what the client takes."""
        message = posted[0]
        if batch or message.is_answer:
            body = messages.error(None, messages.INVALID_REQUEST, "the body must be one request or notification")
            request.respond(400, body)
        elif not message.is_request:
            request.respond(202)  # no notification means anything here: who leaves a stream has cancelled
        else:
            fault = check(request.headers, message)
            if fault is not None:
                request.respond(400, fault)
                return
            call = StatelessCall(
                request, message, self._streams, self._tool_cache, self._call_ended, self._log, can_stream=can_stream
            )
            call.used = self._rest.user(request.headers)
            call.used()
            self._health.when_known(lambda handshake: self._known(request, message, handshake, call, can_json))

    def changed(self, message: Message) -> None:
        """Takes note that a list has changed, and tells those who listen."""
        if message.method == TOOLS_CHANGED:
            self._tool_cache.forget()
        for subscription in list(self._subscriptions):
            subscription.changed(message)

    def close(self, why: str) -> None:
        """Ends all calls and subscriptions."""
        for call in list(self._calls):
            call.close(why)
        for subscription in list(self._subscriptions):
            subscription.close()

    def _known(
        self, request: Request, message: Message, handshake: Handshake | None, call: StatelessCall, can_json: bool
    ) -> None:
        """Goes on once it is known what the server speaks."""
        if request.answered:  # the client has left meanwhile
            return
        if handshake is None:
            body = messages.error(message.id, messages.SERVER_ERROR, self._health.reason)
            request.respond(503, body, headers=[(b"retry-after", b"5")])
            return
        requested = message.meta[META_PREFIX + "protocolVersion"]
        supported = list(handshake.supported) if handshake.modern else older_or_equal(handshake.revision)
        if not handshake.modern and not self._upstreams.dedicated:
            supported.insert(0, MODERN)
        if requested not in supported:
            data = {"supported": supported, "requested": requested}
            text = "Unsupported protocol version"
            request.respond(400, messages.error(message.id, UNSUPPORTED_REVISION, text, data))
        elif handshake.modern:
            self._call(request, message, call, older=False, can_json=can_json)
        elif message.method in REMOVED:
            text = f"{message.method} is no method of revision {requested}"
            request.respond(404, messages.error(message.id, messages.METHOD_NOT_FOUND, text))
        elif message.method == "server/discover":
            request.respond(200, discovered(message, handshake, supported))
        elif message.method == "subscriptions/listen":
            subscription = Subscription(request, message, self._streams, self._subscriptions.discard)
            self._subscriptions.add(subscription)
        else:
            self._call(request, message, call, older=True, can_json=can_json)

    def _call(self, request: Request, message: Message, call: StatelessCall, *, older: bool, can_json: bool) -> None:
        """Sends the call, when it is known that its headers say what its body says. `older`: to children that do not
        know this revision."""
        backend = self._backend(request, message, older=older)
        if backend is None:
            return

        def send() -> None:
            call.trace = self._record.context(message, request.headers, None)
            if call.prepare(older=older):
                self._calls.add(call)
                if not can_json:
                    call.exchange.commit()
                elif call.exchange.can_stream:
                    self._upgrade.add(call.exchange)
                call.send(backend)

        def checked(parameters: tuple[Parameter, ...]) -> None:
            fault = check_parameters(request.headers, message, parameters)
            if fault is None:
                send()
            else:
                request.respond(400, fault)

        if not concerns(request.headers, message):
            send()
            return
        name = message.params.get("name")
        if not isinstance(name, str):
            text = "params.name must be a string"
            request.respond(400, messages.error(message.id, messages.INVALID_PARAMS, text))
            return
        self._tool_cache.when_known(name, backend, checked, modern=not older)

    def _backend(self, request: Request, message: Message, *, older: bool) -> CallBackend | None:
        """What serves the call; None after an answer that says why nothing does."""
        if not self._upstreams.dedicated:
            return self._upstreams.backend(modern=not older, listening=message.method == "subscriptions/listen")
        fault = self._upstreams.refuses(request.headers)
        if fault is not None:
            request.respond(400, messages.error(message.id, messages.INVALID_REQUEST, fault))
            return None
        backend = self._upstreams.alone(request.headers)
        if isinstance(backend, str):
            body = messages.error(message.id, messages.SERVER_ERROR, backend)
            request.respond(503, body, headers=[(b"retry-after", b"5")])
            return None
        return backend

    def _call_ended(self, call: StatelessCall, outcome: str, error: str = "") -> None:
        if call in self._calls:
            self._calls.discard(call)
            call.used()
            self._upgrade.discard(call.exchange)
            seconds = time.monotonic() - call.exchange.since
            self._metrics.called(call.method, outcome, seconds, call.tool, error)
            self._record.ended("", call.method, call.tool, outcome, seconds, call.trace, error)


def discovered(asked: Message, handshake: Handshake, supported: list[str]) -> bytes:
    """Returns what an older server would say to `server/discover`, from what it said to `initialize`, as bytes of JSON.
    `supported`: the revisions that it is said to support."""
    said = handshake.answer.result
    found: dict[str, Any] = {
        "resultType": "complete",
        "supportedVersions": supported,
        "capabilities": said.get("capabilities", {}),
        "ttlMs": 60_000,
        "cacheScope": "private",
        "_meta": {META_PREFIX + "serverInfo": said.get("serverInfo", {})},
    }
    if "instructions" in said:
        found["instructions"] = said["instructions"]
    return messages.result(asked.id if asked.id is not None else "", found)
