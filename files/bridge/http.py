"""HTTP/1.1 as the bridge needs it: requests read whole, answers written whole or as an event stream.

Parsing is llhttp's (httptools). Nothing here runs as a task: bytes in call the application, and the application
writes when it has something to say.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import httptools

if TYPE_CHECKING:
    from .limits import Limits

Header = tuple[bytes, bytes]

_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_JSON = b"content-type: application/json\r\n"
# No proxy on the way may hold events back, or change them.
_STREAM = b"content-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\nx-accel-buffering: no\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Request:
    """One request and the way to answer it: `respond` once, or `open_stream`, `write` …, `close`."""

    __slots__ = (
        "_chunked",
        "_connection",
        "_keep_alive",
        "answered",
        "body",
        "common",
        "headers",
        "method",
        "on_lost",
        "path",
        "query",
        "streaming",
        "written",
    )

    def __init__(self, connection: Connection, method: bytes, url: bytes, headers: dict[bytes, bytes]) -> None:
        self._connection = connection
        self._keep_alive = True
        self._chunked = True
        self.method = method
        if not url.startswith(b"/"):  # absolute form, as to a proxy
            parsed = httptools.parse_url(url)
            url = (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")
        self.path, _, self.query = url.partition(b"?")
        self.headers = headers
        self.common = b""  # header lines of every answer
        self.body = bytearray()
        self.answered = False  # nothing more may be written
        self.streaming = False
        self.written = 0.0
        self.on_lost: Callable[[], None] | None = None

    def respond(
        self, status: int, body: bytes = b"", *, headers: Iterable[Header] = (), content_type: bytes | None = None
    ) -> None:
        """Answers with `status` and `body` (application/json unless another type is given)."""
        if self.answered:
            return
        head = [_STATUS[status]]
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
        head = [_STATUS[200], _STREAM, self.common]
        head.extend(b"%b: %b\r\n" % header for header in headers)
        if not self._chunked:
            self._keep_alive = False
        self._end_of_head(head, b"transfer-encoding: chunked\r\n" if self._chunked else b"")
        self.streaming = True
        self.written = time.monotonic()
        self._connection.write(b"".join(head))

    def write(self, data: bytes) -> None:
        """Adds `data` to the stream."""
        if self.answered or not data:
            return
        self.written = time.monotonic()
        self._connection.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def close(self) -> None:
        """Ends the stream; the client sees it as complete."""
        if self.answered:
            return
        if self._chunked:
            self._connection.write(b"0\r\n\r\n")
        self._done()

    @property
    def backlog(self) -> int:
        """Bytes written that the client has not taken yet."""
        return self._connection.backlog

    def when_drained(self, what: Callable[[], None]) -> None:
        """Calls `what` when the client has taken most of them."""
        self._connection.on_drain = what

    def abort(self) -> None:
        """Drops the connection without a proper end: the client must see that something is missing."""
        self._connection.abort()

    def lost(self) -> None:
        """The client went away."""
        if not self.answered:
            self.answered = True
            if self.on_lost is not None:
                self.on_lost()

    def _end_of_head(self, head: list[bytes], length: bytes) -> None:
        if self._connection.closing:
            self._keep_alive = False
        head.append(length)
        head.append(b"\r\n" if self._keep_alive else b"connection: close\r\n\r\n")

    def _done(self) -> None:
        self.answered = True
        self._connection.request_done(self._keep_alive)


class Connection(asyncio.Protocol):
    """One client's TCP connection: its requests one after the other. `common` says which header lines the answer to a
    request with given headers bears in any case."""

    def __init__(
        self,
        serve: Callable[[Request], None],
        connections: Connections,
        limits: Limits,
        common: Callable[[Mapping[bytes, bytes]], bytes] = lambda _: b"",
    ) -> None:
        self._serve = serve
        self._common = common
        self._connections = connections
        self._limits = limits
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Request] = deque()  # pipelined behind the one in service
        self._active: Request | None = None
        self._reading: Request | None = None
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_size = 0
        self._refusal: tuple[int, str] | None = None
        self.closing = False
        self.since = time.monotonic()  # when it last became idle, or when the request being read began
        self.stalled: float | None = None  # since when the client has not been reading
        self.on_drain: Callable[[], None] | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            # Clients vanish without a word behind balancers; the kernel finds out.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        if not self._connections.add(self):
            self._refuse(503, "too many connections")

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None or self._parser is None:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.closing = True  # the request is served, the offer to switch protocols is not taken
        except httptools.HttpParserError:
            self._refuse(400, "not a valid HTTP request")
        if self._refusal is not None:
            self._send_refusal()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._transport = None
        self._parser = None  # it knows this connection, and would keep it in memory
        self.closing = True
        self._drained()  # nobody waits for a client that is gone
        waiting = [self._active, *self._waiting]
        self._active = None
        self._waiting.clear()
        for request in waiting:
            if request is not None:
                request.lost()

    def pause_writing(self) -> None:
        self.stalled = time.monotonic()

    def resume_writing(self) -> None:
        self.stalled = None
        self._drained()

    # httptools

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = {}
        self._head_size = 0
        if self._active is None:
            self.since = time.monotonic()

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self._count_head(len(name) + len(value))
        if self._reading is not None:
            return  # a trailer: none is defined that anything here could use (RFC 9110, 6.5.1)
        value = value.strip(b" \t")  # RFC 9110, 5.5; the parser leaves what follows the value
        known = self._headers.get(name)
        # A repeated header becomes a list, which equals no single value it is compared with.
        self._headers[name] = value if known is None else known + b", " + value

    def on_headers_complete(self) -> None:
        parser = self._parser
        if parser is None:
            return
        request = Request(self, parser.get_method(), self._url, self._headers)
        request.common = self._common(self._headers)
        request._chunked = parser.get_http_version() != "1.0"
        self._reading = request
        length = self._headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._limits.message:
            self._refuse(413, f"the body is larger than {self._limits.message} bytes")
        elif self._headers.get(b"expect", b"").lower() == b"100-continue" and self._active is None:
            self.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        request = self._reading
        if request is None or self._refusal is not None:
            return
        request.body += body
        if len(request.body) > self._limits.message:
            self._refuse(413, f"the body is larger than {self._limits.message} bytes")

    def on_message_complete(self) -> None:
        request, self._reading = self._reading, None
        if request is None or self._refusal is not None or self._parser is None:
            return
        request._keep_alive = self._parser.should_keep_alive()
        if self._active is None:
            self._start(request)
        else:
            self._waiting.append(request)
            if len(self._waiting) > self._limits.pipelined:
                self._refuse(429, "too many pipelined requests")

    # for Request and Connections

    @property
    def backlog(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def idle(self) -> bool:
        """No request in service. One that is still being read counts as idle: its sender may be stalling."""
        return self._active is None

    @property
    def reading(self) -> bool:
        return self._reading is not None or self._head_size > 0

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        self.closing = True
        if self._transport is not None:
            self._transport.close()

    def request_done(self, keep_alive: bool) -> None:
        self._active = None
        self._head_size = 0
        self.since = time.monotonic()
        if not keep_alive or self.closing:
            self.close()
        elif self._waiting:
            self._start(self._waiting.popleft())

    def _drained(self) -> None:
        on_drain, self.on_drain = self.on_drain, None
        if on_drain is not None:
            on_drain()

    def _start(self, request: Request) -> None:
        self._active = request
        self._serve(request)

    def _count_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > self._limits.head:
            self._refuse(431, f"the head of the request is larger than {self._limits.head} bytes")

    def _refuse(self, status: int, why: str) -> None:
        if self._refusal is None:
            self._refusal = (status, why)
        self.closing = True
        if self._active is None:
            self._send_refusal()

    def _send_refusal(self) -> None:
        if self._transport is None or self._refusal is None or self._active is not None:
            self.close()
            return
        status, why = self._refusal
        body = why.encode()
        retry = b"retry-after: 5\r\n" if status == 503 else b""
        self._transport.write(
            _STATUS[status]
            + retry
            + self._common(self._headers)
            + b"content-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body)
        )
        self.close()


class Connections:
    """All open connections; ends those that idle or stall."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: set[Connection] = set()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> bool:
        """Takes note of `connection`; False where there are too many already."""
        self._open.add(connection)
        return len(self._open) <= self._limits.connections

    def discard(self, connection: Connection) -> None:
        self._open.discard(connection)

    def sweep(self, now: float) -> None:
        """Closes what has been idle, or has been sending one request, for too long. `now`: monotonic seconds."""
        for connection in list(self._open):
            if connection.idle:
                limit = self._limits.read_seconds if connection.reading else self._limits.keep_alive_seconds
                if now - connection.since > limit:
                    connection.close()
            elif connection.stalled is not None and now - connection.stalled > self._limits.read_seconds:
                connection.abort()

    def drain(self) -> None:
        """Closes idle connections now and the others after the answer they wait for."""
        for connection in list(self._open):
            connection.closing = True
            if connection.idle:
                connection.close()

    def abort(self) -> None:
        for connection in list(self._open):
            connection.abort()
