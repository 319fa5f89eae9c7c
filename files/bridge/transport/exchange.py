"""One POST that asked something: its answers, and what else belongs to it, as plain JSON or as a stream."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from bridge.protocol.message import SERVER_ERROR, Id, Message, error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bridge.http.request import Header, Request
    from bridge.log import Log


# Bytes that the Python SDK 2.x takes in an event (findings/mcp-python-client-large-event.sh); those around a message.
_LARGEST_EVENT = 1024 * 1024
_EVENT_FIELDS = 64
_MOST_GATHERED = 1024 * 1024  # bytes of a batch's answers that wait for the others


def warn_of_size(log: Log, raw: bytes, why: str) -> None:
    """Says so where `raw` goes out as an event that a client may refuse. `why`: the reason why it is an event."""
    if len(raw) + _EVENT_FIELDS > _LARGEST_EVENT:
        log.warning(
            f"an answer of {len(raw)} bytes is sent as an event, {why}; clients with the Python SDK 2.x take no event"
            f" above {_LARGEST_EVENT} bytes (max_sse_event_size), and their call fails"
        )


class Events(Protocol):
    """A stream of messages to one client."""

    @property
    def readers(self) -> Sequence[Request]:
        """The connections that it has now."""

    def attach(self, request: Request, headers: Iterable[Header] = ()) -> None:
        """Answers `request` with the stream."""

    def send(self, raw: bytes) -> None:
        """Sends one message."""

    def finish(self) -> None:
        """Ends the stream."""


class PendingCall:
    """A request that waits for its answer, and since when nobody is there to read it. Times: monotonic seconds."""

    __slots__ = ("abandoned", "cancelled", "exchange", "ident", "method", "since", "token", "tool", "trace")

    def __init__(self, exchange: Exchange, message: Message, trace: str) -> None:
        """`trace`: what the record of calls keeps of it."""
        self.exchange = exchange
        self.trace = trace
        # Not the message itself: it has been passed on, and may be large.
        self.ident = message.id
        self.method = message.method or ""
        self.tool = message.tool
        self.token: Id | None = message.meta.get("progressToken")
        self.since = time.monotonic()
        self.abandoned: float | None = None
        self.cancelled = False

    def unattended(self, now: float) -> float:
        """Returns for how many seconds nobody has been there to read the answer. `now`: monotonic seconds."""
        if self.exchange.attended:
            self.abandoned = None
        elif self.abandoned is None:
            self.abandoned = now
        return 0.0 if self.abandoned is None else now - self.abandoned


class Exchange:
    """Collects the answers to the requests of one POST.

    An answer that comes alone goes out as JSON, of any size. As soon as anything else belongs to the POST, or the
    answer takes longer than silence may on the way, the reply becomes a stream, where the client accepts one.
    """

    __slots__ = (
        "_answers",
        "_batch",
        "_log",
        "_make_stream",
        "can_stream",
        "headers",
        "request",
        "since",
        "status",
        "stream",
        "waiting",
    )

    def __init__(
        self,
        request: Request,
        waiting: set[Id],
        log: Log,
        *,
        batch: bool,
        can_stream: bool,
        make_stream: Callable[[], Events],
    ) -> None:
        self.request = request
        self.waiting = waiting
        self.can_stream = can_stream
        self.headers: list[Header] = []
        self.since = time.monotonic()
        self.status = 200
        self.stream: Events | None = None
        self._batch = batch
        self._log = log
        self._answers: list[bytes] = []
        self._make_stream = make_stream

    @property
    def done(self) -> bool:
        """Whether all answers are there."""
        return not self.waiting

    @property
    def gone(self) -> bool:
        """The client left before it was told where to take up the answer again."""
        return self.stream is None and self.request.answered and bool(self.waiting)

    @property
    def attended(self) -> bool:
        """Whether the client is there."""
        return not self.request.answered if self.stream is None else bool(self.stream.readers)

    def commit(self) -> None:
        """Turns the reply into a stream."""
        if self.stream is None and not self.request.answered:
            self.stream = self._make_stream()
            self.stream.attach(self.request, self.headers)
            for answer in self._answers:
                self.stream.send(answer)
            self._answers.clear()

    def relate(self, raw: bytes) -> None:
        """Sends a message that belongs to this POST and is not an answer."""
        self.commit()
        if self.stream is not None:
            self.stream.send(raw)

    def answer(self, ident: Id, raw: bytes) -> None:
        """Sends the answer to the request `ident`."""
        self.waiting.discard(ident)
        if self.stream is None and self._batch and sum(map(len, self._answers)) + len(raw) > _MOST_GATHERED:
            if self.can_stream:
                self.commit()
            else:
                raw = error(ident, SERVER_ERROR, "the answers to this batch are too large together; accept a stream")
        if self.stream is not None:
            warn_of_size(self._log, raw, "since its stream has begun")
            self.stream.send(raw)
            if not self.waiting:
                self.stream.finish()
            return
        self._answers.append(raw)
        if not self.waiting:
            body = b"[%b]" % b",".join(self._answers) if self._batch else raw
            self._answers = []
            self.request.respond(self.status, body, headers=self.headers)
