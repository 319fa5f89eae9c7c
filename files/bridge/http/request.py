"""One HTTP request and its answer: read whole, answered whole or as an event stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

import httptools

from .client_address import client_of

if TYPE_CHECKING:
    from .budget import Held

Header = tuple[bytes, bytes]

_PHRASES = {
    200: "OK",
    202: "Accepted",
    204: "No Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
STATUS_LINES = {status: f"HTTP/1.1 {status} {phrase}\r\n".encode() for status, phrase in _PHRASES.items()}
_JSON = b"content-type: application/json\r\n"
# No proxy on the way may hold events back, or change them.
_STREAM = b"content-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\nx-accel-buffering: no\r\n"
_NO_BODY = bytearray()
_NO_HEADERS: dict[bytes, bytes] = {}


class AnswerWriter(Protocol):
    """The connection on which a request came and its answer goes."""

    peer: str
    """The address of the other end."""
    closing: bool
    """Whether it ends after this answer."""

    @property
    def backlog(self) -> int:
        """Bytes written that the client has not taken yet."""

    def write(self, data: bytes) -> None:
        """Writes a part of the answer."""

    def abort(self) -> None:
        """Drops the connection without a proper end."""

    def when_drained(self, what: Callable[[], None]) -> None:
        """Calls `what` when the client has taken most of what was written."""

    def uncount(self, request: Request) -> None:
        """Takes `request` out of those that occupy connections."""

    def request_done(self, keep_alive: bool) -> None:
        """Takes note that the answer is complete."""


class Request:
    """One request and the way to answer it: `respond` once, or `open_stream`, `write` …, `close`."""

    __slots__ = (
        "_connection",
        "answered",
        "body",
        "chunked",
        "client",
        "common",
        "counted",
        "headers",
        "held",
        "judged",
        "keep_alive",
        "method",
        "on_lost",
        "path",
        "query",
        "streaming",
        "wanted",
        "written",
    )

    def __init__(self, connection: AnswerWriter, method: bytes, url: bytes, headers: dict[bytes, bytes]) -> None:
        self._connection = connection
        self.keep_alive = True  # the connection can be used again
        self.chunked = True  # the client understands a stream in chunks (HTTP/1.1)
        self.method = method
        if not url.startswith(b"/"):  # absolute form, as to a proxy
            parsed = httptools.parse_url(url)
            url = (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")
        self.path, _, self.query = url.partition(b"?")
        self.headers = headers  # by names in lower case
        self.common = b""  # header lines of every answer
        self.body = bytearray()
        self.wanted = 0  # bytes of its body; without any, what was not wanted has been thrown away
        self.client = client_of(headers.get(b"x-forwarded-for"), connection.peer)  # the address of who asks
        self.judged: object = None  # what was found out about the head, for whoever serves it
        self.held: Held | None = None  # what the body takes of the room for all
        self.counted = False  # among those that occupy connections
        self.answered = False  # nothing more may be written
        self.streaming = False  # the answer is an event stream
        self.written = 0.0  # when the stream was last written to, in monotonic seconds
        self.on_lost: Callable[[], None] | None = None  # called when the client goes away before the answer has ended

    def respond(
        self, status: int, body: bytes = b"", *, headers: Iterable[Header] = (), content_type: bytes | None = None
    ) -> None:
        """Answers with `status` and `body` (application/json unless another type is given)."""
        if self.answered:
            return
        head = [STATUS_LINES[status]]
        if body:
            head.append(_JSON if content_type is None else b"content-type: %b\r\n" % content_type)
        head.append(self.common)
        head.extend(b"%b: %b\r\n" % header for header in headers)
        # Without a length clients would wait for the end of the connection; 204 must not have one (RFC 9110, 8.6).
        self._end_of_head(head, b"" if status == 204 else b"content-length: %d\r\n" % len(body))
        if self.method != b"HEAD":
            head.append(body)
        self._connection.write(b"".join(head))
        self._done()

    def open_stream(self, *, headers: Iterable[Header] = ()) -> None:
        """Starts an answer of server-sent events."""
        if self.answered:
            return
        head = [STATUS_LINES[200], _STREAM, self.common]
        head.extend(b"%b: %b\r\n" % header for header in headers)
        if not self.chunked:
            self.keep_alive = False
        self._end_of_head(head, b"transfer-encoding: chunked\r\n" if self.chunked else b"")
        self.streaming = True
        self.written = time.monotonic()
        self._connection.write(b"".join(head))
        self.release()

    def write(self, data: bytes) -> None:
        """Adds `data` to the stream."""
        if self.answered or not data:
            return
        self.written = time.monotonic()
        self._connection.write(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def close(self) -> None:
        """Ends the stream; the client sees it as complete."""
        if self.answered:
            return
        if self.chunked:
            self._connection.write(b"0\r\n\r\n")
        self._done()

    @property
    def backlog(self) -> int:
        """Bytes written that the client has not taken yet."""
        return self._connection.backlog

    def when_drained(self, what: Callable[[], None]) -> None:
        """Calls `what` when the client has taken most of what was written."""
        self._connection.when_drained(what)

    def abort(self) -> None:
        """Drops the connection without a proper end: the client must see that something is missing."""
        self._connection.abort()

    def release(self) -> None:
        """Frees body and head, which have been read and are not needed any more."""
        held, self.held = self.held, None
        if held is not None:
            held.release()
        self.body, self.headers = _NO_BODY, _NO_HEADERS

    def lost(self) -> None:
        """Takes note that the client went away."""
        self._connection.uncount(self)
        self.release()
        if not self.answered:
            self.answered = True
            if self.on_lost is not None:
                self.on_lost()

    def _end_of_head(self, head: list[bytes], length: bytes) -> None:
        if self._connection.closing:
            self.keep_alive = False
        head.append(length)
        head.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")

    def _done(self) -> None:
        self.answered = True
        self._connection.uncount(self)
        self.release()
        self._connection.request_done(self.keep_alive)
