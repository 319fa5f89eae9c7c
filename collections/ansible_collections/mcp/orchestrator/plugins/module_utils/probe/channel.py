# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP connection to a server, every wait of which ends at one deadline."""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

# A server that floods must not fill the memory of the host that asks it.
LARGEST_BODY = 16 * 1024 * 1024
# How long an event stream may take to end after it has brought the answer, before its connection is given up.
STREAM_END_SECONDS = 0.05


class BodyTooLarge(Exception):
    """The server sent more than a probe is willing to hold."""


class _DeadlineReader(io.RawIOBase):
    """The reading side of a socket: every read has only what is left until the channel's deadline."""

    def __init__(self, channel: Channel, sock: socket.socket) -> None:
        self._channel = channel
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._channel.remaining())
        return self._sock.recv_into(buffer)


class _DeadlineSocket:
    """What http.client takes for a socket. Closing is left to the channel, which alone owns the real one."""

    def __init__(self, channel: Channel, sock: socket.socket) -> None:
        self._channel = channel
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self._channel, self._sock), 65536)

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._channel.remaining())
        self._sock.sendall(data)

    def close(self) -> None:
        pass


class Answer:
    """One HTTP answer, read lazily."""

    def __init__(self, channel: Channel, response: http.client.HTTPResponse) -> None:
        self._channel = channel
        self._response = response
        self.status = response.status

    def header(self, name: str) -> str:
        """The header's value, or an empty string."""
        return self._response.headers.get(name) or ""

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in small letters; empty where there is none."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def body(self) -> bytes:
        """The whole body; raises BodyTooLarge, OSError, http.client.HTTPException."""
        body = self._response.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            raise BodyTooLarge
        if not self._response.isclosed():
            self._response.read()  # takes the end of a chunked body, so that the connection can serve again
        return body

    def lines(self) -> Iterator[bytes]:
        """The body's lines as they arrive, without their ends; raises as body does."""
        left = LARGEST_BODY
        while line := self._response.readline(left + 1):
            left -= len(line)
            if left < 0:
                raise BodyTooLarge
            yield line.rstrip(b"\r\n")

    def finish(self) -> None:
        """Reads the rest if it ends at once, so that the connection can serve again; otherwise gives it up."""
        if self._response.isclosed():
            return
        deadline = self._channel.deadline
        self._channel.deadline = min(deadline, time.monotonic() + STREAM_END_SECONDS)
        try:
            while self._response.read1(65536):
                pass
        except (OSError, http.client.HTTPException):
            self._channel.close()
        finally:
            self._channel.deadline = deadline


class Channel:
    """One keep-alive HTTP/1.1 connection to one URL, whose every wait ends at one deadline.

    Attributes:
        deadline: on the clock of time.monotonic(), in seconds.
        connect_seconds: what the first connect took, TLS included; None before.
        certificate_ends: until when the server's certificate holds, in seconds since 1970; None without a verified one.

    Raises ValueError for a URL that is none.
    """

    def __init__(self, url: str, deadline: float, tls: ssl.SSLContext | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not an http:// or https:// address")
        self.host = parts.hostname
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.deadline = deadline
        self.connect_seconds: float | None = None
        self.certificate_ends: int | None = None
        self._tls = tls if parts.scheme == "https" else None
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._target = quote(target, safe="/?%:@!$&'()*+,;=~-._")
        self._http = http.client.HTTPConnection(self.host, self.port)
        # Otherwise http.client would write ":443" into the Host header.
        self._http.default_port = 443 if parts.scheme == "https" else 80
        self._sock: socket.socket | None = None
        self._last: http.client.HTTPResponse | None = None

    def to(self, url: str) -> Channel:
        """Another connection, to another URL, with the same deadline; raises ValueError."""
        return Channel(url, self.deadline, self._tls)

    def remaining(self) -> float:
        """Seconds until the deadline; raises TimeoutError when there are none."""
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("deadline")
        return remaining

    def send(self, method: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Sends one request and returns its answer, the headers read; raises OSError, http.client.HTTPException."""
        if not self._can_be_used_again():
            self.close()
            self._connect()
        self._last = None
        self._http.request(method, self._target, body=body, headers=dict(headers))
        self._last = self._http.getresponse()
        return Answer(self, self._last)

    def close(self) -> None:
        """Ends the connection; the next request makes a new one."""
        self._http.close()
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _can_be_used_again(self) -> bool:
        read_to_the_end = self._last is not None and self._last.isclosed() and not self._last.will_close
        return self._sock is not None and read_to_the_end and not _has_something_to_read(self._sock)

    def _connect(self) -> None:
        began = time.monotonic()
        sock = socket.create_connection((self.host, self.port), timeout=self.remaining())
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock.settimeout(self.remaining())
                encrypted = self._tls.wrap_socket(sock, server_hostname=self.host)
                self.certificate_ends = _end_of(encrypted)
                sock = encrypted
        except BaseException:
            sock.close()
            raise
        if self.connect_seconds is None:
            self.connect_seconds = time.monotonic() - began
        self._sock = sock
        http_socket: Any = _DeadlineSocket(self, sock)
        self._http.sock = http_socket


def _end_of(sock: ssl.SSLSocket) -> int | None:
    """Until when the certificate holds; None where it was not verified, of which ssl tells nothing."""
    ends = (sock.getpeercert() or {}).get("notAfter")
    return int(ssl.cert_time_to_seconds(ends)) if isinstance(ends, str) else None


def _has_something_to_read(sock: socket.socket) -> bool:
    """Whether an idle connection is no longer fit for use: closed by the peer, or with unasked-for bytes on it."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
