"""One request of revision 2026-07-28, on its way to a backend and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from bridge.protocol import message as messages
from bridge.protocol.header_mirror import HEADER_MISMATCH
from bridge.protocol.json_splice import find, replace
from bridge.protocol.message import Message, NotAMessage
from bridge.protocol.revision import LOG_LEVELS, META_PREFIX, TOOLS_CHANGED
from bridge.upstream.forwarded_call import ForwardedCall

from .exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.http.request import Request
    from bridge.log import Log
    from bridge.upstream.backend import CallBackend
    from bridge.upstream.tool_cache import ToolCache

    from .plain_stream import PlainStreams

UNSUPPORTED_REVISION = -32022
_MISSING_CAPABILITY = -32021
_STATUS = {
    messages.PARSE_ERROR: 400,
    messages.INVALID_REQUEST: 400,
    messages.INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    _MISSING_CAPABILITY: 400,
    UNSUPPORTED_REVISION: 400,
    messages.METHOD_NOT_FOUND: 404,
}
_CACHEABLE = frozenset(
    {"tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read", "server/discover"}
)


class StatelessCall:
    """A request that stands alone; its client leaving is its cancellation. It is the client of the backend's call.

    `request`, `message`: what was asked. `can_stream`: the client takes an event stream. `ended`: is called once with
    the call and its outcome, if it was sent.
    """

    def __init__(
        self,
        request: Request,
        message: Message,
        streams: PlainStreams,
        tool_cache: ToolCache,
        ended: Callable[[StatelessCall, str, str], None],
        log: Log,
        *,
        can_stream: bool,
    ) -> None:
        self.address = request.client
        self.method = message.method or ""
        self.tool = message.tool
        self.exchange = Exchange(
            request,
            set() if message.id is None else {message.id},
            log,
            batch=False,
            can_stream=can_stream,
            make_stream=lambda: streams.open(self._left),
        )
        self._request = request
        self._message = message
        self._tool_cache = tool_cache
        self.used: Callable[[], None] = lambda: None
        """Is called at its end: its client has used the server."""
        self.trace = ""
        """What the record of calls keeps of it."""
        self._ended = ended
        self._older = False
        self._backend: CallBackend | None = None
        self._forwarded: ForwardedCall | None = None
        request.on_lost = self._left

    def prepare(self, *, older: bool) -> bool:
        """Makes the call ready to be sent. `older`: to children that do not know this revision. Returns False where it
        need not be sent: the client has left meanwhile, or has been answered that the call says one thing twice."""
        if self._request.answered:
            return False
        self._older = older
        try:
            self._forwarded = ForwardedCall(self, _to_older(self._message) if older else self._message)
        except NotAMessage as error:
            self._request.respond(400, messages.error(self._message.id, error.code, str(error)))
            return False
        self._message = self._message.shorn()
        self._request.release()
        return True

    def send(self, backend: CallBackend) -> None:
        """Makes the prepared call of `backend`."""
        if self._forwarded is not None:
            self._backend = backend
            backend.call(self._forwarded)

    def receive(self, message: Message) -> None:
        """Passes on what the server says to this call."""
        if not message.is_answer or message.id is None:
            if message.method == TOOLS_CHANGED:
                self._tool_cache.forget()
            if self.exchange.can_stream and not (self._older and unasked(self._message, message)):
                self.exchange.relate(message.raw)
            return
        error = message.error
        if error is not None:
            code = error.get("code")
            self.exchange.status = _STATUS.get(code, 200) if isinstance(code, int) else 200
        elif self._message.method == "tools/list":
            self._tool_cache.learn(message)
        self._ended(self, messages.outcome(message), messages.error_type(message))
        raw = _from_older(self._message, message) if self._older and error is None else message.raw
        self.exchange.answer(message.id, raw)

    def fail(self, why: str, *, status: int = 200, retryable: bool = False) -> None:
        """Does nothing: each of the backend's calls is answered by itself."""

    def close(self, why: str) -> None:
        """Answers the call with an error."""
        if self._forwarded is not None:
            self._forwarded.fail(why)

    def _left(self) -> None:
        if self._backend is not None and self._forwarded is not None:
            self._backend.cancel(self._forwarded)
        self._ended(self, "cancelled", "")


def unasked(asked: Message, said: Message) -> bool:
    """Says whether `said` is a log message for which the request `asked` did not ask: in this revision each request
    names its own level."""
    if said.method != "notifications/message":
        return False
    wanted, level = asked.meta.get(META_PREFIX + "logLevel"), said.params.get("level")
    if wanted not in LOG_LEVELS or level not in LOG_LEVELS:
        return True
    return LOG_LEVELS.index(level) < LOG_LEVELS.index(wanted)


def _to_older(message: Message) -> Message:
    """The request without what only newer servers know."""
    meta = {key: value for key, value in message.meta.items() if not key.startswith(META_PREFIX)}
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
