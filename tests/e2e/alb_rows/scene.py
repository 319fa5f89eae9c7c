"""A local ALB in front of a target that speaks raw HTTP/1.1 and keeps what it was sent, and rows about the two."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.e2e.support.local_alb import BALANCER_ARN, Document, LocalAlb

GUIDE = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application"
CODES = f"{GUIDE}/load-balancer-troubleshooting.html#load-balancer-http-error-codes"
QUOTAS = f"{GUIDE}/load-balancer-limits.html#http-headers-quotas"
ATTRIBUTES = f"{GUIDE}/edit-load-balancer-attributes.html"
FORWARDED = f"{GUIDE}/x-forwarded-headers.html"
CONDITIONS = f"{GUIDE}/rule-condition-types.html"
ACTIONS = f"{GUIDE}/rule-action-types.html"
TRANSFORMS = f"{GUIDE}/rule-transforms.html"
TRACING = f"{GUIDE}/load-balancer-request-tracing.html"
ROUTING = "https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html"
RFC9110, RFC9112 = "https://www.rfc-editor.org/rfc/rfc9110", "https://www.rfc-editor.org/rfc/rfc9112"

IDLE = 1  # seconds; the idle timeout of the load balancer
PATIENCE = 15.0

ANSWERS = {
    "": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "hop-by-hop": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Own\r\nKeep-Alive: timeout=5\r\nX-Own: 1\r\n"
    b"Proxy-Connection: keep-alive\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTE: x\r\nX-Kept: 1\r\n\r\nok",
    "malformed": b"this is no HTTP\r\n\r\n",
    "no-version": b"HTTP/x.y 200 OK\r\nContent-Length: 0\r\n\r\n",
    "bad-header": b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "404": b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nmine",
    "500": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nmine",
    "503": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nmine",
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "304": b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
    "own-server": b"HTTP/1.1 200 OK\r\nServer: mine/1\r\nContent-Length: 0\r\n\r\n",
    "31K": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"X-Much: " + b"a" * 31_000 + b"\r\n\r\n",
    "33K": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"X-Much: " + b"a" * 33_000 + b"\r\n\r\n",
    "100K": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"X-Much: " + b"a" * 100_000 + b"\r\n\r\n",
}


@dataclass(frozen=True)
class Head:
    """A request line or a status line, and the fields below it, names as they were sent."""

    line: str
    fields: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, text: bytes) -> Head:
        first, *rest = text.decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in rest if line]
        return cls(first, tuple((name, value.strip()) for name, _, value in pairs))

    def values(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field.lower() == name.lower()]

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]


class RawTarget:
    """Answers what a request's ``X-Answer`` names; ``close``, ``reset`` and ``silent`` are no answers at all."""

    def __init__(self) -> None:
        self.seen: list[Head] = []
        self.bodies: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader, contextlib.suppress(OSError):
            while text := _head_of(reader):
                head = Head.of(text)
                body = _body_of(reader, head)
                if head.values("user-agent") != ["ELB-HealthChecker/2.0"]:
                    self.seen.append(head)
                    self.bodies.append(body)
                if not self._answer(connection, "".join(head.values("x-answer"))):
                    return

    def _answer(self, connection: socket.socket, name: str) -> bool:
        if name == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if name in ("reset", "close"):
            # The reader's file holds the socket open.
            connection.shutdown(socket.SHUT_RDWR)
            return False
        if name == "silent":
            connection.settimeout(PATIENCE)
            return bool(connection.recv(1))
        connection.sendall(ANSWERS[name])
        return True


def _head_of(reader: Any) -> bytes:
    lines = []
    while (line := reader.readline()) not in (b"\r\n", b"\n", b""):
        lines.append(line)
    return b"".join(lines).rstrip(b"\r\n")


def _body_of(reader: Any, head: Head) -> bytes:
    if head.values("transfer-encoding") == ["chunked"]:
        body = b""
        while size := int(reader.readline(), 16):
            body += reader.read(size)
            reader.readline()
        reader.readline()
        return body
    return bytes(reader.read(int("".join(head.values("content-length")) or 0)))


@dataclass(frozen=True)
class Reply:
    """An answer, and the request as the target saw it; ``seen`` is None where it saw none."""

    status: int
    head: Head
    body: bytes
    seen: Head | None
    sent: bytes

    def seen_values(self, name: str) -> list[str]:
        assert self.seen, f"the target saw nothing; the answer is {self.status}"
        return self.seen.values(name)


class Line:
    """One connection to the load balancer."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, method: str = "GET") -> tuple[int, Head, bytes]:
        """The next answer; status 0 where the connection ends without one."""
        response = http.client.HTTPResponse(self.socket, method=method)
        try:
            response.begin()
            body = response.read()
        except (http.client.HTTPException, OSError):
            return 0, Head("", ()), b""
        return response.status, Head("", tuple(response.getheaders())), body

    def is_open(self) -> bool:
        """Whether the load balancer has not closed it."""
        self.socket.settimeout(0.3)
        try:
            return self.socket.recv(1) != b""
        except TimeoutError:
            return True
        except OSError:
            return False
        finally:
            self.socket.settimeout(PATIENCE)


class Scene:
    """The load balancer and the target, and what is asked of them."""

    def __init__(self, host: LocalAlb, target: RawTarget) -> None:
        self.host, self.target = host, target
        self._attributes: dict[str, str] = {}

    def line(self) -> Line:
        return Line(self.host.port)

    def ask(self, data: bytes) -> Reply:
        """Sends one request on a connection of its own."""
        self.target.seen.clear()
        self.target.bodies.clear()
        line = self.line()
        with line.socket:
            with contextlib.suppress(OSError):  # what is too large may be refused before all of it is sent
                line.send(data)
            status, head, body = line.answer(data.split(b" ", 1)[0].decode("latin-1"))
        seen = self.target.seen[-1] if self.target.seen else None
        return Reply(status, head, body, seen, self.target.bodies[-1] if seen else b"")

    def set_attributes(self, wanted: dict[str, str], defaults: dict[str, str]) -> None:
        """Gives the load balancer these attributes, and the others of ``defaults`` their default."""
        if wanted != self._attributes:
            values: list[Document] = [{"Key": key, "Value": value} for key, value in (defaults | wanted).items()]
            self.host.client.modify_load_balancer_attributes(LoadBalancerArn=BALANCER_ARN, Attributes=values)
            self.host.settled()
            self._attributes = wanted


def request(
    path: str = "/t",
    *fields: str,
    method: str = "GET",
    version: str = "HTTP/1.1",
    host: str | None = "localhost",
    body: bytes = b"",
) -> bytes:
    """The bytes of a request; ``body`` gives it its length."""
    lines = [f"{method} {path} {version}", *([f"Host: {host}"] if host is not None else []), *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@dataclass(frozen=True)
class Row:
    """One sentence of the documentation, named by its page in ``source``, and how it shows.

    ``expected`` is what ``run`` gives where the sentence holds. ``instead`` is what it gives here, where ``differs``
    names an entry of the known differences in the README of the local ALB.
    """

    what: str
    source: str
    run: Callable[[Scene], Any]
    expected: Any
    attributes: tuple[tuple[str, str], ...] = ()
    differs: str = ""
    instead: Any = None


def answers(what: str, source: str, data: bytes, status: int, **more: Any) -> Row:
    """The status of the answer."""
    return Row(what, source, lambda scene: scene.ask(data).status, status, **more)


def gets(what: str, source: str, data: bytes, name: str, *values: str, **more: Any) -> Row:
    """The values of one header as the target gets it."""
    return Row(what, source, lambda scene: scene.ask(data).seen_values(name), list(values), **more)


def gets_path(what: str, source: str, data: bytes, path: str, **more: Any) -> Row:
    """The path and query as the target gets them."""

    def run(scene: Scene) -> str | int:
        reply = scene.ask(data)
        return reply.seen.path if reply.seen else reply.status

    return Row(what, source, run, path, **more)


def returns(what: str, source: str, data: bytes, name: str, *values: str, **more: Any) -> Row:
    """The values of one header as the client gets it."""
    return Row(what, source, lambda scene: scene.ask(data).head.values(name), list(values), **more)
