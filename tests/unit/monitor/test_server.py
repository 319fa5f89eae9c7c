"""The server that the pages are served by, over real connections."""

from __future__ import annotations

import http.client
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

FILES = Path(__file__).parents[3] / "files"
FOLLOWERS = 200
PROGRAM = """
from gevent import monkey; monkey.patch_time()
import sys, time
import monitor.server as s
s.HEAD_SECONDS = s.REST_SECONDS = 0.5

def follow():
    yield b"begin"
    while True:
        time.sleep(0.05)
        yield b"."

def compute():
    end = time.thread_time() + 1
    while time.thread_time() < end:
        pass

def app(environ, start_response):
    if environ["PATH_INFO"] == "/follow":
        start_response("200 OK", [])
        return follow()
    if environ["PATH_INFO"] == "/compute":
        s.apart(compute)
    body = b"" if environ["PATH_INFO"] in ("/unread", "/mcp/deaf") else environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body) + 4))])
    return [b"told", body]

server = s.make_server(app, "127.0.0.1", 0)
print(server.server_port, flush=True)
s.serve(server)
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=FILES, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        yield int(program.stdout.readline())
        program.terminate()
        assert program.wait(60) == 0


def connected(port: int, sent: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(sent.encode())
    return connection


def told(port: int, sent: str) -> str:
    with connected(port, sent) as connection, connection.makefile("rb") as answer:
        return answer.read().decode()


def get(path: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_an_answer_on_a_connection_that_stays_open_is_not_held_back(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    took = []
    for _ in range(20):
        began = time.monotonic()
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"told"
        took.append(time.monotonic() - began)
    connection.close()
    assert min(took[5:]) < 0.03, took  # who waits for a delayed acknowledgement waits for 0.04 s


def test_followers_keep_nobody_else_out_whether_their_tabs_are_open_or_closed(port: int) -> None:
    with ExitStack() as open_tabs:
        for _ in range(FOLLOWERS):
            tab = open_tabs.enter_context(connected(port, get("/follow")))
            assert tab.recv(15) == b"HTTP/1.1 200 OK"
        assert told(port, get("/")).endswith("told")
    assert told(port, get("/")).endswith("told")


def test_what_takes_the_processor_apart_keeps_nobody_waiting(port: int) -> None:
    with connected(port, get("/compute")) as computing:
        assert told(port, get("/")).endswith("told")
        assert select.select([computing], [], [], 0)[0] == []  # it takes the processor still
        assert computing.recv(15) == b"HTTP/1.1 200 OK"


def test_a_client_that_never_ends_its_request_is_left(port: int) -> None:
    with connected(port, "GET / HTTP/1.1\r\nHost: x\r\n") as slow:
        assert slow.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_form_may_come_in_pieces_as_a_balancer_makes_them_of_http_2(port: int) -> None:
    head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert told(port, f"{head}2\r\na=\r\n1\r\nb\r\n0\r\n\r\n").endswith("tolda=b")


def test_a_body_that_nobody_reads_keeps_no_answer_back(port: int) -> None:
    body = "x" * 1_000_000
    two = f"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}" + get("/")
    assert told(port, two).count("HTTP/1.1 200 OK") == 2


def test_a_client_whose_body_has_no_end_is_answered_and_left(port: int) -> None:
    head = "POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    endless = (f"{0x10000:x}\r\n".encode() + b"x" * 0x10000 + b"\r\n") * 1000
    with connected(port, head) as connection:
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        with pytest.raises(OSError, match=r"reset|pipe"):
            connection.sendall(endless)


@pytest.mark.parametrize("length", ["Content-Length: 70000", "Transfer-Encoding: chunked"])
def test_what_a_client_meant_for_a_server_is_read_past_and_answered(port: int, length: str) -> None:
    chunked = length.startswith("Transfer")
    body = ("11170\r\n" + "x" * 70000 + "\r\n0\r\n\r\n") if chunked else "x" * 70000
    request = f"POST /mcp/time/mcp HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{length}\r\n\r\n{body}"
    assert told(port, request).startswith("HTTP/1.1 200 ")


def test_a_client_that_never_ends_what_it_meant_for_a_server_is_left(port: int) -> None:
    asked = "POST /mcp/deaf HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"
    with connected(port, asked) as slow, slow.makefile("rb") as answer:
        assert answer.read().startswith(b"HTTP/1.1 200 ")


def test_a_form_is_read(port: int) -> None:
    form = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\na=b"
    assert told(port, form).endswith("tolda=b")
