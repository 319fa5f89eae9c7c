"""Rows about requests and answers as messages: versions, sizes, bodies, connections that end."""

from __future__ import annotations

from typing import Any

from tests.e2e.alb_rows.scene import (
    ATTRIBUTES,
    CODES,
    QUOTAS,
    RFC9110,
    RFC9112,
    ROUTING,
    Row,
    Scene,
    answers,
    gets,
    gets_path,
    request,
    returns,
)

CODING = "Transfer-Encoding other than chunked"
OLD = "HTTP/0.9"
VERSION = "HTTP/1.0 towards targets"
KEPT = "A target that ends a kept connection"
SILENT = "A client that falls silent in a body"
ABSOLUTE = "A request for another authority than its Host"
CONTINUE = f"{ROUTING}#http-headers"
CONNECTIONS = f"{ROUTING}#http-connections"


def addresses(count: int) -> str:
    return "X-Forwarded-For: " + ", ".join(f"192.0.2.{number}" for number in range(1, count + 1))


def large(count: int, size: int) -> list[str]:
    """This many headers of this size each."""
    return [f"X-{number}: {'a' * (size - 5)}" for number in range(count)]


def coded(coding: str, data: bytes = b"") -> bytes:
    return request("/t", f"Transfer-Encoding: {coding}", method="POST") + data


def body_seen(data: bytes) -> Any:
    return lambda scene: scene.ask(data).sent


def hostless(scene: Scene) -> str:
    (value,) = scene.ask(request(host=None, version="HTTP/1.0")).seen_values("host")
    return value.partition(":")[0]


def version_seen(version: str) -> Any:
    def run(scene: Scene) -> str:
        seen = scene.ask(request(version=version)).seen
        return seen.line.rpartition(" ")[2] if seen else "nothing"

    return run


def two_on_one_line(first: bytes, second: bytes = b"") -> Any:
    """The statuses of two requests on one connection."""

    def run(scene: Scene) -> list[int]:
        line = scene.line()
        with line.socket:
            statuses = []
            for data in (first, second or request()):
                line.send(data)
                statuses.append(line.answer()[0])
        return statuses

    return run


def pipelined(scene: Scene) -> int:
    """How many of three requests that were sent together are answered."""
    line = scene.line()
    received = b""
    with line.socket:
        line.send(request() * 3)
        while received.count(b"\r\n\r\nok") < 3 and (part := line.socket.recv(4096)):
            received += part
    return received.count(b"HTTP/1.1 200 ")


def kept_open(data: bytes) -> Any:
    """Whether the connection lives after the answer."""

    def run(scene: Scene) -> bool:
        line = scene.line()
        with line.socket:
            line.send(data)
            line.answer()
            return line.is_open()

    return run


def told_to_continue(scene: Scene) -> list[object]:
    """What the client gets before it has sent a byte of its body, and after."""
    line = scene.line()
    with line.socket:
        line.send(request("/t", "Expect: 100-continue", "Content-Length: 2", method="POST"))
        first = line.socket.recv(4096)
        line.send(b"ab")
        return [first, line.answer()[0]]


def silent_after(data: bytes) -> Any:
    """The answer to a client that sends this and then nothing more."""

    def run(scene: Scene) -> int:
        line = scene.line()
        with line.socket:
            line.send(data)
            return line.answer()[0]

    return run


def chunked_towards_old(scene: Scene) -> list[str]:
    return scene.ask(request("/t", "X-Answer: chunked", version="HTTP/1.0")).head.values("transfer-encoding")


def host_of_authority(scene: Scene) -> str | int:
    reply = scene.ask(request("http://h.example.com/t"))
    return reply.seen_values("host")[0].partition(":")[0] if reply.seen else reply.status


def ended_body(scene: Scene) -> list[object]:
    reply = scene.ask(request("/t", "X-Answer: chunked"))
    return [reply.status, reply.body]


HALF = request("/t", "Content-Length: 10", method="POST") + b"half"
HALF_CHUNKED = request("/t", "Transfer-Encoding: chunked", method="POST") + b"4\r\nhalf\r\n"

ROWS = [
    # Versions
    answers("HTTP/1.1 is served", CONNECTIONS, request(), 200),
    answers("HTTP/1.0 is served", CONNECTIONS, request(version="HTTP/1.0"), 200),
    Row("HTTP/1.0 without a Host gets the load balancer's name", CONNECTIONS, hostless, "127.0.0.1"),
    gets_path("HTTP/1.0 keeps its path", CONNECTIONS, request("/t/x?y", version="HTTP/1.0"), "/t/x?y"),
    Row("targets get HTTP/1.1", CONNECTIONS, version_seen("HTTP/1.1"), "HTTP/1.1"),
    Row(
        "targets get HTTP/1.1 for HTTP/1.0",
        CONNECTIONS,
        version_seen("HTTP/1.0"),
        "HTTP/1.1",
        differs=VERSION,
        instead="HTTP/1.0",
    ),
    Row(
        "clients of HTTP/1.0 get no chunks",
        f"{RFC9112}#section-6.1",
        chunked_towards_old,
        [],
        differs=VERSION,
        instead=["chunked"],
    ),
    Row("clients of HTTP/1.1 get chunks", f"{RFC9112}#section-6.1", ended_body, [200, b"ok"]),
    answers("HTTP/0.9 is served", CONNECTIONS, b"GET /t\r\n\r\n", 200, differs=OLD, instead=400),
    *[
        answers(f"{version} on a connection of HTTP/1 is 505", CODES, request(version=version), 505)
        for version in ("HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "HTTP/1.2")
    ],
    *[
        answers(f"a version '{version}' is malformed", CODES, request(version=version), 400)
        for version in ("HTTPS/1.1", "HTTP/1.10", "HTTP/x")
    ],
    # What is malformed
    answers("a missing Host is 400", CODES, request(host=None), 400),
    answers("two Hosts are 400", f"{RFC9112}#section-3.2", request("/t", "Host: other.example.com"), 400),
    answers("a header without a colon is 400", CODES, request("/t", "no colon"), 400),
    answers("a blank before a colon is 400", f"{RFC9112}#section-5.1", request("/t", "X-Blank : 1"), 400),
    answers("a header without a name is 400", CODES, request("/t", ": 1"), 400),
    answers("a line that goes on is 400", CODES, request("/t", "X-Long: 1", "\x00 2"), 400),
    answers(
        "two lengths are 400",
        f"{RFC9112}#section-6.3",
        request("/t", "Content-Length: 1", "Content-Length: 2", method="POST"),
        400,
    ),
    answers(
        "a length that is none is 400", f"{RFC9112}#section-6.3", request("/t", "Content-Length: x", method="POST"), 400
    ),
    answers(
        "a negative length is 400", f"{RFC9112}#section-6.3", request("/t", "Content-Length: -1", method="POST"), 400
    ),
    answers("a method that is none is 400", CODES, request(method="G@T"), 400),
    answers("a blank in the path is 400", CODES, request("/t x"), 400),
    answers("a request line alone is 400", CODES, b"GET\r\n\r\n", 400),
    answers("what is no HTTP is 400", CODES, b"hello\r\n\r\n", 400),
    # Methods
    answers("TRACE is 405", CODES, request(method="TRACE"), 405),
    *[
        answers(
            f"{method} is served", CODES, request(method=method, body=b"x" if method in ("POST", "PUT") else b""), 200
        )
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE", "MKCOL", "REPORT")
    ],
    # Codings
    answers("chunked is served", CODES, coded("chunked", b"2\r\nab\r\n0\r\n\r\n"), 200),
    Row("a chunked body arrives", CODES, body_seen(coded("chunked", b"2\r\nab\r\n0\r\n\r\n")), b"ab"),
    answers("identity is served", CODES, coded("identity"), 200, differs=CODING, instead=400),
    answers("gzip is 501", CODES, coded("gzip"), 501, differs=CODING, instead=400),
    answers("an unknown coding is 501", CODES, coded("x-own"), 501, differs=CODING, instead=400),
    answers("gzip in chunks is 501", CODES, coded("gzip, chunked", b"0\r\n\r\n"), 501, differs=CODING, instead=422),
    gets(
        "of chunks and a length the chunks hold",
        f"{RFC9112}#section-6.3",
        request("/t", "Transfer-Encoding: chunked", "Content-Length: 99", method="POST") + b"0\r\n\r\n",
        "content-length",
    ),
    Row(
        "a connection ends after chunks with a length",
        f"{ATTRIBUTES}#desync-mitigation-mode",
        kept_open(request("/t", "Transfer-Encoding: chunked", "Content-Length: 99", method="POST") + b"0\r\n\r\n"),
        False,
    ),
    # Sizes
    answers("a request line of 15 K is served", QUOTAS, request("/t/" + "a" * 15_000), 200),
    answers("one of 17 K is 414", CODES, request("/t/" + "a" * 17_000), 414),
    answers("a query of 17 K is 414", CODES, request("/t?" + "a" * 17_000), 414),
    answers("a header of 15 K is served", QUOTAS, request("/t", *large(1, 15_000)), 200),
    answers("one of 17 K is 400", QUOTAS, request("/t", *large(1, 17_000)), 400),
    answers(
        "one of 17 K among others is 400", QUOTAS, request("/t", *large(2, 9_000), *large(1, 17_000), "X-End: 1"), 400
    ),
    answers("headers of 60 K in all are served", QUOTAS, request("/t", *large(6, 10_000)), 200),
    gets("and arrive", QUOTAS, request("/t", *large(6, 10_000), "X-End: 1"), "x-end", "1"),
    answers("500 headers are served", QUOTAS, request("/t", *large(500, 50)), 200),
    answers("headers of 70 K in all are 400", QUOTAS, request("/t", *large(7, 10_000)), 400),
    answers("headers of 120 K in all are 400", QUOTAS, request("/t", *large(12, 10_000)), 400),
    answers("30 addresses are served", CODES, request("/t", addresses(30)), 200),
    answers("31 addresses are 463", CODES, request("/t", addresses(31)), 463),
    answers("31 addresses in two headers are 463", CODES, request("/t", addresses(30), addresses(1)), 463),
    answers("an answer's headers of 31 K pass", QUOTAS, request("/t", "X-Answer: 31K"), 200),
    answers("those of 33 K are 502", CODES, request("/t", "X-Answer: 33K"), 502),
    answers("those of 100 K are 502", CODES, request("/t", "X-Answer: 100K"), 502),
    # Expect
    Row(
        "a client that asks is told to continue at once",
        CONTINUE,
        told_to_continue,
        [b"HTTP/1.1 100 Continue\r\n\r\n", 200],
    ),
    Row(
        "its body arrives", CONTINUE, body_seen(request("/t", "Expect: 100-continue", method="POST", body=b"ab")), b"ab"
    ),
    # Targets that fail
    *[
        answers(f"a target's answer that is {name} is 502", CODES, request("/t", f"X-Answer: {name}"), 502)
        for name in ("malformed", "no-version", "bad-header", "two-lengths")
    ],
    answers("a target that closes is 502", CODES, request("/t", "X-Answer: close"), 502),
    answers("a target that resets is 502", CODES, request("/t", "X-Answer: reset"), 502),
    answers("a target that nobody runs is 502", CODES, request("/gone"), 502),
    answers("a group without targets is 503", CODES, request("/empty"), 503),
    answers("a silent target is 504", CODES, request("/t", "X-Answer: silent"), 504),
    *[
        answers(
            f"a target's own {status} passes",
            f"{CODES.partition('#')[0]}#target-http-errors",
            request("/t", f"X-Answer: {status}"),
            int(status),
        )
        for status in ("404", "500", "503", "204", "304")
    ],
    Row("a client's connection lives after a 502", CODES, kept_open(request("/t", "X-Answer: close")), True),
    Row("it is served after a 502", CODES, two_on_one_line(request("/t", "X-Answer: close")), [502, 200]),
    Row("it is served after a 503", CODES, two_on_one_line(request("/empty")), [503, 200]),
    Row("it is served after a 504", CODES, two_on_one_line(request("/t", "X-Answer: silent")), [504, 200]),
    *[
        Row(
            f"a target that {verb} in the second request is 502 too",
            CODES,
            two_on_one_line(request(), request("/t", f"X-Answer: {name}")),
            [200, 502],
            differs=KEPT,
            instead=[200, 0],
        )
        for verb, name in (("closes", "close"), ("resets", "reset"))
    ],
    # Clients that fall silent, and connections
    Row("a client silent before its request is 408", CODES, silent_after(b""), 408),
    Row("a client silent in its request line is 408", CODES, silent_after(b"GET /t HT"), 408),
    Row("a client silent in its headers is 408", CODES, silent_after(b"GET /t HTTP/1.1\r\nHost: loc"), 408),
    Row("a client silent in its body is 408", CODES, silent_after(HALF), 408),
    Row("a client silent in its chunks is 408", CODES, silent_after(HALF_CHUNKED), 408, differs=SILENT, instead=504),
    Row("a connection is kept", CONNECTIONS, kept_open(request()), True),
    Row("a connection is closed where the client asks", CONTINUE, kept_open(request("/t", "Connection: close")), False),
    Row("one of HTTP/1.0 is closed", CONTINUE, kept_open(request(version="HTTP/1.0")), False),
    Row(
        "one of HTTP/1.0 is kept where the client asks",
        CONTINUE,
        kept_open(request("/t", "Connection: keep-alive", version="HTTP/1.0")),
        True,
    ),
    Row("pipelined requests are served", CONNECTIONS, pipelined, 3),
    # The form of the request's target
    gets_path(
        "a request with its authority is served",
        f"{RFC9112}#section-3.2.2",
        request("http://localhost/t/x?y"),
        "/t/x?y",
    ),
    Row("the authority is the host", ATTRIBUTES, host_of_authority, "h.example.com", differs=ABSOLUTE, instead=400),
    returns("an answer of its own is HTML", CODES, request("/empty"), "content-type", "text/html"),
    answers("an empty path is malformed", CODES, request(""), 400),
    answers("a body arrives with any method", f"{RFC9110}#section-9.3", request(method="DELETE", body=b"x"), 200),
]
