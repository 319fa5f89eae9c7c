"""Revision 2026-07-28: every request stands alone, without `initialize` and without a session."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson

from bridge.protocol import message as messages
from bridge.protocol.header_mirror import HEADER_MISMATCH, check, check_parameters, concerns
from bridge.protocol.json_splice import find, replace
from bridge.protocol.message import Message, NotAMessage
from bridge.protocol.revision import LOG_LEVELS, MODERN, REMOVED, TOOLS_CHANGED, older_or_equal
from bridge.upstream.forwarded_call import SUBSCRIPTION, Passage
from bridge.upstream.handshake import PREFIX, Greeting

from .exchange import Exchange

if TYPE_CHECKING:
    from bridge.http.server import Request
    from bridge.protocol.header_mirror import Parameter
    from bridge.relay import Relay
    from bridge.upstream.upstream import Switchboard

UNSUPPORTED_REVISION = -32022
_STATUS = {
    messages.PARSE_ERROR: 400,
    messages.INVALID_REQUEST: 400,
    messages.INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    -32021: 400,  # a capability that the client lacks
    UNSUPPORTED_REVISION: 400,
    messages.METHOD_NOT_FOUND: 404,
}
_CACHEABLE = frozenset(
    {"tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read", "server/discover"}
)


class Modern:
    """Serves requests that stand alone, by servers that know them, and where children are shared by older ones, too."""

    def __init__(self, relay: Relay, *, translate: bool) -> None:
        self._relay = relay
        self._translate = translate

    def serve(self, request: Request, posted: list[Message], *, batch: bool, can_json: bool, can_stream: bool) -> None:
        """Serves a POST whose MCP-Protocol-Version header names no revision with sessions."""
        message = posted[0]
        if batch or message.is_answer:
            body = messages.error(None, messages.INVALID_REQUEST, "the body must be one request or notification")
            request.respond(400, body)
        elif not message.is_request:
            request.respond(202)  # no notification means anything here: who leaves a stream has cancelled
        else:
            fault = check(request, message)
            if fault is not None:
                request.respond(400, fault)
            else:
                call = Call(self._relay, request, message, can_json=can_json, can_stream=can_stream)
                self._relay.health.when_known(lambda greeting: self._known(request, message, greeting, call))

    def _known(self, request: Request, message: Message, greeting: Greeting | None, call: Call) -> None:
        if greeting is None:
            body = messages.error(message.id, messages.SERVER_ERROR, self._relay.health.reason)
            request.respond(503, body, headers=[(b"retry-after", b"5")])
            return
        requested = message.meta[PREFIX + "protocolVersion"]
        supported = list(greeting.supported) if greeting.modern else older_or_equal(greeting.revision)
        if not greeting.modern and self._translate:
            supported.insert(0, MODERN)
        if requested not in supported:
            data = {"supported": supported, "requested": requested}
            text = "Unsupported protocol version"
            request.respond(400, messages.error(message.id, UNSUPPORTED_REVISION, text, data))
        elif greeting.modern:
            self._call(request, message, call, older=False)
        elif message.method in REMOVED:
            text = f"{message.method} is no method of revision {requested}"
            request.respond(404, messages.error(message.id, messages.METHOD_NOT_FOUND, text))
        elif message.method == "server/discover":
            request.respond(200, discovered(message, greeting, supported))
        elif message.method == "subscriptions/listen":
            Subscription(self._relay, request, message)
        else:
            self._call(request, message, call, older=True)

    def _call(self, request: Request, message: Message, call: Call, *, older: bool) -> None:
        board = self._relay.board(modern=not older, listening=message.method == "subscriptions/listen")
        if not concerns(request, message):
            call.send(board, older=older)
            return

        def checked(parameters: tuple[Parameter, ...]) -> None:
            fault = check_parameters(request, message, parameters)
            if fault is None:
                call.send(board, older=older)
            else:
                request.respond(400, fault)

        name = message.params.get("name")
        if not isinstance(name, str):
            text = "params.name must be a string"
            request.respond(400, messages.error(message.id, messages.INVALID_PARAMS, text))
            return
        self._relay.catalogue.when_known(name, self._relay, board, modern=not older, told=checked)


class Call:
    """One request that stands alone; its client leaving is its cancellation."""

    def __init__(self, relay: Relay, request: Request, message: Message, *, can_json: bool, can_stream: bool) -> None:
        self.client = request.client
        self._relay = relay
        self._request = request
        self._message = message
        self._can_json = can_json
        self._older = False
        self._board: Switchboard | None = None
        self._passage: Passage | None = None
        idents = set() if message.id is None else {message.id}
        self._exchange = Exchange(
            request, idents, batch=False, can_stream=can_stream, make_stream=lambda: relay.plain_stream(self._left)
        )
        request.on_lost = self._left

    def send(self, board: Switchboard, *, older: bool) -> None:
        """Makes the call. `older`: of children that do not know this revision."""
        if self._request.answered:  # the client has left meanwhile
            return
        self._older = older
        try:
            self._passage = Passage(self, _to_older(self._message) if self._older else self._message)
        except NotAMessage as error:
            self._request.respond(400, messages.error(self._message.id, error.code, str(error)))
            return
        self._message = self._message.shorn()
        self._request.release()
        self._board = board
        self._relay.lone_calls.add(self)
        if not self._can_json:
            self._exchange.commit()
        elif self._exchange.can_stream:
            self._relay.long_patience.add(self._exchange)
        board.call(self._passage)

    def receive(self, message: Message) -> None:
        if not message.is_answer or message.id is None:
            if message.method == TOOLS_CHANGED:
                self._relay.catalogue.forget()
            if self._exchange.can_stream and not (self._older and unasked(self._message, message)):
                self._exchange.relate(message.raw)
            return
        error = message.error
        if error is not None:
            code = error.get("code")
            self._exchange.status = _STATUS.get(code, 200) if isinstance(code, int) else 200
        elif self._message.method == "tools/list":
            self._relay.catalogue.learn(message)
        self._end(messages.outcome(message))
        raw = _from_older(self._message, message) if self._older and error is None else message.raw
        self._exchange.answer(message.id, raw)

    def lose(self, why: str, *, status: int = 200, passing: bool = False) -> None:
        """Nothing more to do: each of the board's calls is answered by itself."""

    def close(self, why: str) -> None:
        """The bridge is stopping."""
        if self._passage is not None:
            self._passage.fail(why)

    def _left(self) -> None:
        if self._board is not None and self._passage is not None:
            self._board.cancel(self._passage)
        self._end("cancelled")

    def _end(self, outcome: str) -> None:
        if self in self._relay.lone_calls:
            self._relay.lone_calls.discard(self)
            self._relay.long_patience.discard(self._exchange)
            seconds = time.monotonic() - self._exchange.since
            self._relay.metrics.called(self._message.method or "", outcome, seconds)


class Subscription:
    """A client that listens for changes, in front of a server that knows no such request: list changes reach it."""

    def __init__(self, relay: Relay, request: Request, message: Message) -> None:
        wanted = message.params.get("notifications")
        wanted = wanted if isinstance(wanted, dict) else {}
        self._kinds = {f"notifications/{kind}/list_changed" for kind in _LISTS if wanted.get(f"{kind}ListChanged")}
        self._meta = {SUBSCRIPTION: message.id}
        self._relay = relay
        self._stream = relay.plain_stream(self._left)
        self._stream.attach(request)
        agreed = {f"{kind}ListChanged": True for kind in _LISTS if wanted.get(f"{kind}ListChanged")}
        self._tell("notifications/subscriptions/acknowledged", {"notifications": agreed})
        relay.subscriptions.add(self)

    def changed(self, message: Message) -> None:
        if message.method in self._kinds:
            self._tell(message.method, {})

    def close(self) -> None:
        """The bridge is stopping."""
        self._stream.finish()
        self._left()

    def _tell(self, method: str, params: dict[str, Any]) -> None:
        self._stream.send(messages.notification(method, {"_meta": self._meta, **params}))

    def _left(self) -> None:
        self._relay.subscriptions.discard(self)


_LISTS = ("tools", "prompts", "resources")


def unasked(asked: Message, said: Message) -> bool:
    """Whether `said` is a log message for which the request did not ask: here each request names its own level."""
    if said.method != "notifications/message":
        return False
    wanted, level = asked.meta.get(PREFIX + "logLevel"), said.params.get("level")
    if wanted not in LOG_LEVELS or level not in LOG_LEVELS:
        return True
    return LOG_LEVELS.index(level) < LOG_LEVELS.index(wanted)


def discovered(asked: Message, greeting: Greeting, supported: list[str]) -> bytes:
    """What an older server would say to `server/discover`, from what it said to `initialize`."""
    said = greeting.answer.result
    found: dict[str, Any] = {
        "resultType": "complete",
        "supportedVersions": supported,
        "capabilities": said.get("capabilities", {}),
        "ttlMs": 60_000,
        "cacheScope": "private",
        "_meta": {PREFIX + "serverInfo": said.get("serverInfo", {})},
    }
    if "instructions" in said:
        found["instructions"] = said["instructions"]
    return messages.result(asked.id if asked.id is not None else "", found)


def _to_older(message: Message) -> Message:
    """The request without what only newer servers know."""
    meta = {key: value for key, value in message.meta.items() if not key.startswith(PREFIX)}
    return messages.parse(replace(message.raw, find(message.raw, "params", "_meta"), orjson.dumps(meta)))


def _from_older(asked: Message, answer: Message) -> bytes:
    """The answer with what newer clients expect in every result."""
    start, _ = find(answer.raw, "result")
    if answer.raw[start : start + 1] != b"{":
        return answer.raw
    added = b'"resultType":"complete"'
    if asked.method in _CACHEABLE:
        added += b',"ttlMs":0,"cacheScope":"private"'
    if answer.result:
        added += b","
    return answer.raw[: start + 1] + added + answer.raw[start + 1 :]
