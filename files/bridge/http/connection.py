"""HTTP/1.1 as the bridge needs it: one connection, its requests read whole and answered one after the other.

Parsing is llhttp's (httptools). Nothing here runs as a task: bytes that come in call the handler, and who serves the
request writes when there is something to say.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import httptools

from .request import STATUS_LINES, Request

if TYPE_CHECKING:
    from bridge.limits import Limits

    from .budget import Budget, Held
    from .connections import Connections
    from .request_handler import RequestHandler

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_FIELD = 32  # see Limits.head


class Connection(asyncio.Protocol):
    """One client's TCP connection: its requests one after the other. `budget`: the room for all bodies."""

    def __init__(self, handler: RequestHandler, connections: Connections, budget: Budget, limits: Limits) -> None:
        self._handler = handler
        self._connections = connections
        self._budget = budget
        self._limits = limits
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Request] = deque()  # pipelined behind the one in service
        self._active: Request | None = None
        self._reading: Request | None = None
        self._received = 0
        self._steps = 0  # what the parser has found so far
        self._unparsed = 0  # bytes since it last found anything
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_size = 0
        self._held: Held | None = None  # for a large head
        self._refusal: tuple[int, str] | None = None
        self._told = False
        self._over = False  # nothing more is read
        self.peer = ""
        self.closing = False
        self.changed = time.monotonic()  # when it last began to wait, to read or to serve
        self.deadline: float | None = None  # until when something must have happened
        self.stalled: float | None = None  # since when the client has not been reading
        self._on_drain: Callable[[], None] | None = None

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
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self._wait_until(self._limits.silent_seconds)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None or self._parser is None:
            return
        steps = self._steps
        self._connections.received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.closing = True  # the request is served, the offer to switch protocols is not taken
        except httptools.HttpParserError:
            self._refuse(400, "not a valid HTTP request")
        # The parser keeps what has no end yet: a header's value may be a gigabyte before anybody is told of it.
        if steps == self._steps:
            self._unparsed += len(data)
            if self._unparsed > self._limits.head:
                self._refuse(431, f"a line of the request is larger than {self._limits.head} bytes")
        else:
            self._unparsed = 0
        if self._active is None and self._transport is not None and (self._reading is not None or self._head_size > 0):
            self._connections.reads(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._transport = None
        self._over = True
        self._parser = None  # it knows this connection, and would keep it in memory
        self.closing = True
        self._drained()  # nobody waits for a client that is gone
        self._forget_reading()
        waiting = [self._active, *self._waiting]
        self._active = None
        self._waiting.clear()
        for request in waiting:
            if request is not None:
                request.lost()

    def pause_writing(self) -> None:
        self.stalled = time.monotonic()
        self._connections.stall(self)

    def resume_writing(self) -> None:
        self.stalled = None
        self._connections.flow(self)
        self._drained()

    # httptools

    def on_message_begin(self) -> None:
        if self._over:
            return
        self._url = b""
        self._headers = {}
        self._head_size = 0
        self._wait_until(self._limits.head_seconds)

    def on_url(self, url: bytes) -> None:
        if not self._over:
            self._url += url
            self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._over:
            return
        name = name.lower()
        self._count_head(len(name) + len(value) + _FIELD)
        if self._reading is not None:
            return  # a trailer: none is defined that anything here could use (RFC 9110, 6.5.1)
        value = value.strip(b" \t")  # RFC 9110, 5.5; the parser leaves what follows the value
        known = self._headers.get(name)
        # A repeated header becomes a list, which equals no single value it is compared with.
        self._headers[name] = value if known is None else known + b", " + value

    def on_headers_complete(self) -> None:
        parser = self._parser
        if parser is None or self._over:
            return
        request = Request(self, parser.get_method(), self._url, self._headers)
        request.common = self._handler.common(self._headers)
        request.chunked = parser.get_http_version() != "1.0"
        request.keep_alive = parser.should_keep_alive()
        request.held, self._held = self._held, None
        if request.held is not None:
            request.held.client = request.client
        self._reading = request
        self._received = 0
        self.deadline = self.changed + self._limits.body_seconds
        if not self._handler.is_vital(request):
            if self._connections.crowded(self):
                self._refuse(503, "too many connections")
                return
            if not self._connections.enter(request.client):
                self._refuse(503, "too many requests of this client are in service")
                return
            request.counted = True
        self._judge(request)

    def _judge(self, request: Request) -> None:
        """Decides on a body before it comes."""
        request.wanted = self._handler.admits(request)
        declared = self._headers.get(b"content-length", b"0")
        chunked = b"transfer-encoding" in self._headers
        expects = self._headers.get(b"expect", b"").lower() == b"100-continue"
        length = int(declared) if declared.isdigit() else 0
        if request.wanted == 0:
            # A short body that nobody wants is waited for and thrown away: the connection can be used again.
            if (chunked or expects or length > self._limits.discarded) and self._active is None:
                request.keep_alive = False
                self.closing = True
                self._start(request)
        elif length > request.wanted:
            self._refuse(413, f"the body is larger than {request.wanted} bytes")
        elif expects and self._active is None:
            self.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        request = self._reading
        self._steps += 1
        self._received += len(body)
        if request is None or self._over:
            return
        if request.wanted == 0:
            if self._received > self._limits.discarded:
                self._refuse(413, "this request takes no body")
            return
        if len(request.body) + len(body) > request.wanted:
            self._refuse(413, f"the body is larger than {request.wanted} bytes")
            return
        if self._hold(request, len(body)):
            request.body += body
        else:
            self._give_way()

    def _hold(self, request: Request, size: int) -> bool:
        """Takes room for `size` more bytes of a body, where it is not small."""
        if request.held is None:
            if len(request.body) + size <= self._limits.small:
                return True
            request.held = self._budget.hold(request.client, self._give_way)
            size += len(request.body)
        return request.held.grow(size)

    def on_message_complete(self) -> None:
        if self._over:
            return
        request, self._reading = self._reading, None
        self._steps += 1
        self._headers = {}
        self._head_size = 0
        self.deadline = None
        if request is None or self._active is request:  # it is being answered without its body
            return
        if request.held is not None:
            request.held.settle()
        if self._active is None:
            self._start(request)
        else:
            self._waiting.append(request)
            if len(self._waiting) > self._limits.pipelined:
                self._refuse(429, "too many pipelined requests")

    # for Request and Connections

    @property
    def backlog(self) -> int:
        """Bytes written that the client has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def idle(self) -> bool:
        """No request in service. One that is still being read counts as idle: its sender may be stalling."""
        return self._active is None

    @property
    def client(self) -> str:
        """The address of the client whose request is in service or being read, else that of the other end."""
        request = self._active or self._reading
        return self.peer if request is None else request.client

    def write(self, data: bytes) -> None:
        """Writes a part of an answer."""
        if self._transport is not None:
            self._connections.sent += len(data)
            self._transport.write(data)

    def when_drained(self, what: Callable[[], None]) -> None:
        """Calls `what` when the client has taken most of what was written, or is gone."""
        self._on_drain = what

    def abort(self) -> None:
        """Drops the connection without a proper end."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Closes when everything is written, and, where a body is still coming, when its sender has seen the answer."""
        self.closing = True
        if self._transport is None:
            return
        if self._reading is None:
            self._transport.close()
            return
        self._forget_reading()
        self._parser = None
        self._over = True
        self._wait_until(self._limits.linger_seconds)
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def expire(self) -> None:
        """Ends what takes too long: the deadline has passed."""
        self.deadline = None
        if self._parser is None:
            self.abort()
        elif self._reading is not None or self._head_size > 0:
            self._refuse(408, "the request took too long")
        else:
            self.close()

    def refuse_for_others(self) -> None:
        """Ends the connection because there is no room for all, and others need it more."""
        if self._reading is not None or self._head_size > 0:
            self._refuse(503, "too many connections")
        self._forget_reading()
        self.close()

    def uncount(self, request: Request) -> None:
        """Takes `request` out of those that occupy connections."""
        if request.counted:
            request.counted = False
            self._connections.leave(request.client)

    def request_done(self, keep_alive: bool) -> None:
        """Goes on to the next request, or closes."""
        self._active = None
        if self._refusal is not None:
            self._send_refusal()
        elif not keep_alive or self.closing:
            self.close()
        elif self._waiting:
            self._start(self._waiting.popleft())
        elif self._reading is not None or self._head_size > 0:
            self._connections.reads(self)
        else:
            self._wait_until(self._limits.keep_alive_seconds)
            self._connections.rests(self)

    def _wait_until(self, seconds: float) -> None:
        self.changed = time.monotonic()
        self.deadline = self.changed + seconds

    @property
    def due(self) -> float | None:
        """When it must be ended. A body has longer the more of it has come."""
        if self.deadline is None or self._reading is None:
            return self.deadline
        return self.deadline + self._received / self._limits.body_rate

    def _give_way(self) -> None:
        self._refuse(503, "too many bytes are being sent at once; try again later")

    def _forget_reading(self) -> None:
        if self._held is not None:
            self._held.release()
            self._held = None
        request, self._reading = self._reading, None
        if request is not None and request is not self._active:
            self.uncount(request)
            request.release()

    def _drained(self) -> None:
        on_drain, self._on_drain = self._on_drain, None
        if on_drain is not None:
            on_drain()

    def _start(self, request: Request) -> None:
        self._active = request
        self._connections.serves(self)
        self._handler.serve(request)

    def _count_head(self, size: int) -> None:
        self._steps += 1
        self._head_size += size
        if self._head_size > self._limits.head:
            self._refuse(431, f"the head of the request is larger than {self._limits.head} bytes")
        elif self._head_size > self._limits.small and self._reading is None:
            if self._held is None:
                self._held = self._budget.hold(self.peer, self._give_way)
            if not self._held.grow(size):
                self._give_way()

    def _refuse(self, status: int, why: str) -> None:
        self._over = True
        if self._refusal is None:
            self._refusal = (status, why)
        self.closing = True
        if self._reading is not None and self._reading is not self._active:
            self._reading.release()
        self._send_refusal()

    def _send_refusal(self) -> None:
        """Once, after the answers that are owed before."""
        if self._transport is None or self._refusal is None or self._active is not None or self._told:
            return
        self._told = True
        status, why = self._refusal
        body = why.encode()
        retry = b"retry-after: 5\r\n" if status == 503 else b""
        self._transport.write(
            STATUS_LINES[status]
            + retry
            + self._handler.common(self._headers)
            + b"content-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body)
        )
        self.close()
