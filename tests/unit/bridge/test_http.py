"""HTTP/1.1 on the wire, as clients and balancers really send it."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable

import pytest

from tests.unit.bridge.client import Bridge, Client

Start = Callable[..., Bridge]
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


def connect(bridge: Bridge) -> socket.socket:
    return socket.create_connection(("127.0.0.1", bridge.port), timeout=30)


def read_until(connection: socket.socket, end: bytes, count: int = 1) -> bytes:
    found = b""
    while found.count(end) < count:
        chunk = connection.recv(65536)
        assert chunk, found
        found += chunk
    return found


def post(client: Client, body: bytes, *more: str) -> bytes:
    lines = [f"POST {client.bridge.path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *more]
    lines.append(f"Mcp-Session-Id: {client.session}")
    if not any("chunked" in line for line in more):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_one_connection_serves_many_requests(client: Client) -> None:
    with connect(client.bridge) as connection:
        for _ in range(20):
            connection.sendall(post(client, PING))
            assert read_until(connection, b'"result": {}}').startswith(b"HTTP/1.1 200 OK\r\n")


def test_pipelined_requests_are_answered_in_order(client: Client) -> None:
    calls = [
        json.dumps({**client.calling("sleep", seconds=wait), "id": f"p{i}"}) for i, wait in enumerate((0.2, 0.0, 0.1))
    ]
    with connect(client.bridge) as connection:
        connection.sendall(b"".join(post(client, call.encode(), "Accept: application/json") for call in calls))
        found = read_until(connection, b"slept", 3)
    assert [found.index(b'"p%d"' % number) for number in range(3)] == sorted(
        found.index(b'"p%d"' % n) for n in range(3)
    )


def test_a_body_in_pieces_and_in_chunks_arrives_whole(client: Client) -> None:
    with connect(client.bridge) as connection:
        for byte in post(client, PING):
            connection.sendall(bytes([byte]))
        read_until(connection, b'"result": {}}')
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in PING) + b"0\r\n\r\n"
        connection.sendall(post(client, chunks, "Transfer-Encoding: chunked"))
        read_until(connection, b'"result": {}}')


def test_trailers_of_a_chunked_body_never_become_headers(client: Client) -> None:
    def answer(trailer: str, session: str) -> bytes:
        """To a ping whose trailer says what its head might have said."""
        chunks = b"%x\r\n%b\r\n0\r\n%b\r\n\r\n" % (len(PING), PING, trailer.encode())
        head = f"POST {client.bridge.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{session}"
        with connect(client.bridge) as connection:
            connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
            return read_until(connection, b"\r\n")

    session = f"Mcp-Session-Id: {client.session}"
    assert answer("X-Checksum: 7", session + "\r\n").startswith(b"HTTP/1.1 200")
    assert answer(session, "").startswith(b"HTTP/1.1 400")
    assert answer(session, "Mcp-Session-Id: unknown\r\n").startswith(b"HTTP/1.1 404")
    assert answer("Origin: https://evil.example", session + "\r\n").startswith(b"HTTP/1.1 200")
    assert answer("Content-Length: 3", session + "\r\n").startswith(b"HTTP/1.1 400")


def test_trailers_count_against_the_bound_of_a_head(client: Client) -> None:
    trailers = b"".join(b"X-%d: %b\r\n" % (number, b"x" * 1000) for number in range(100))
    chunks = b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(PING), PING, trailers)
    with connect(client.bridge) as connection:
        connection.sendall(post(client, chunks, "Transfer-Encoding: chunked"))
        assert b" 431 " in read_until(connection, b"\r\n")


def test_a_client_that_waits_for_100_is_told_to_continue(client: Client) -> None:
    whole = post(client, PING, "Expect: 100-continue")
    with connect(client.bridge) as connection:
        connection.sendall(whole[: -len(PING)])
        assert read_until(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(PING)
        read_until(connection, b'"result": {}}')


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_connection_that_is_not_to_be_kept_is_closed(bridge: Bridge, version: str) -> None:
    with connect(bridge) as connection:
        connection.sendall(f"GET /health HTTP/{version}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        found = b""
        while chunk := connection.recv(65536):
            found += chunk
    assert b"connection: close" in found
    assert found.endswith(b"}")


def test_a_stream_for_a_client_of_http_1_0_ends_with_the_connection(client: Client) -> None:
    head = f"POST {client.bridge.path} HTTP/1.0\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n"
    head += f"Mcp-Session-Id: {client.session}\r\nContent-Length: {len(PING)}\r\n\r\n"
    with connect(client.bridge) as connection:
        connection.sendall(head.encode() + PING)
        found = b""
        while chunk := connection.recv(65536):
            found += chunk
    assert b"chunked" not in found
    assert found.rstrip().endswith(b'"result": {}}')


def test_an_offer_to_switch_protocols_is_not_taken(bridge: Bridge) -> None:
    with connect(bridge) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    ],
)
def test_what_is_not_http_is_400_and_closed(bridge: Bridge, sent: bytes) -> None:
    with connect(bridge) as connection:
        connection.sendall(sent)
        found = read_until(connection, b"\r\n\r\n")
        assert found.startswith(b"HTTP/1.1 400")
        with contextlib.suppress(ConnectionResetError):
            while connection.recv(65536):
                pass


def test_a_body_above_the_limit_is_413_before_it_is_read(start_bridge: Start) -> None:
    bridge = start_bridge("--max-message", "1000")
    client = Client(bridge)
    client.open()
    reply = client.post(client.calling("echo", text="x" * 2000))
    assert reply.status == 413
    with connect(bridge) as connection:
        connection.sendall(post(client, b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n", "Transfer-Encoding: chunked"))
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 413")
    assert client.call("echo", text="x") == "x"


def test_a_head_above_the_limit_is_431(bridge: Bridge) -> None:
    with connect(bridge) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n")
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 431")


def test_messages_of_ten_megabytes_pass_both_ways(client: Client) -> None:
    text = "é" * 5_000_000
    assert client.call("echo", text=text) == text
    assert len(client.call("big", size=10_000_000)) == 10_000_000


def test_a_quiet_stream_gets_a_comment_every_fifteen_seconds(client: Client) -> None:
    head = f"GET {client.bridge.path} HTTP/1.1\r\nAccept: text/event-stream\r\nMcp-Session-Id: {client.session}\r\n\r\n"
    with connect(client.bridge) as connection:
        connection.settimeout(60)
        began = time.monotonic()
        connection.sendall(head.encode())
        read_until(connection, b"data:\n\n")
        assert read_until(connection, b":\n\n\r\n").endswith(b"3\r\n:\n\n\r\n")
        assert time.monotonic() - began > 13


def resident(bridge: Bridge) -> int:
    """The bridge's memory in kB."""
    with open(f"/proc/{bridge.process.pid}/status") as file:
        return int(file.read().split("VmRSS:")[1].split()[0])


def test_a_client_that_stops_reading_holds_back_its_own_server_only(client: Client) -> None:
    other = Client(client.bridge)
    other.open()
    before = resident(client.bridge)
    body = json.dumps(client.calling("flood", count=30_000)).encode()
    with connect(client.bridge) as connection:
        connection.sendall(post(client, body, "Accept: text/event-stream"))
        connection.recv(1000)
        assert other.call("echo", text="x") == "x"
        assert resident(client.bridge) - before < 10_000  # of 30 MB that the server wants to say
        tail = b""
        while b"flooded" not in tail:
            tail = tail[-20:] + connection.recv(65536)
    other.delete()
