"""What one client can take of a bridge: time, memory, connections and places are bounded, and shared."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tests.unit.bridge.client import BOTH, Bridge, Client, ClientAt, Reply, request, until
from tests.unit.bridge.test_http import connect, post, read_until

Start = Callable[..., Bridge]
QUICK = {"silent_seconds": 1, "head_seconds": 1, "body_seconds": 1, "linger_seconds": 1}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}


def rest_of(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    connection.settimeout(30)
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            found += chunk
    return found


def head(bridge: Bridge, *lines: str, path: str | None = None) -> bytes:
    first = f"POST {bridge.path if path is None else path} HTTP/1.1"
    common = ["Host: localhost", "Content-Type: application/json", f"Accept: {BOTH}"]
    return "\r\n".join([first, *common, *lines]).encode() + b"\r\n\r\n"


@pytest.fixture(scope="module")
def quick() -> Iterator[Bridge]:
    from tests.unit.bridge.client import start

    bridge = start(limits=QUICK)
    bridge.wait_healthy()
    yield bridge
    assert bridge.stop() == 0, "\n".join(bridge.log[-80:])


# time


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b"POST /mcp HT", b"HTTP/1.1 408"),
        (b"POST /mcp HTTP/1.1\r\nX-A: b", b"HTTP/1.1 408"),
        (b"POST /mcp HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{", b"HTTP/1.1 408"),
        (b"POST /nothing HTTP/1.1\r\nContent-Length: 50\r\n\r\n{", b"HTTP/1.1 408"),
    ],
)
def test_what_is_never_completed_is_ended(quick: Bridge, sent: bytes, answer: bytes) -> None:
    with connect(quick) as connection:
        connection.sendall(sent)
        assert rest_of(connection).startswith(answer)


def test_a_connection_that_has_carried_a_request_stays(quick: Bridge) -> None:
    with connect(quick) as connection:
        for _ in range(2):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_until(connection, b"}").startswith(b"HTTP/1.1 200")
            time.sleep(4)  # several times the time of a silent one


def test_a_body_that_keeps_coming_has_its_time(quick: Bridge) -> None:
    client = Client(quick)
    client.open()
    body = json.dumps(client.calling("echo", text="x" * 400_000)).encode()
    with connect(quick) as connection:
        connection.sendall(head(quick, f"Mcp-Session-Id: {client.session}", f"Content-Length: {len(body)}"))
        for start in range(0, len(body), 40_000):
            connection.sendall(body[start : start + 40_000])
            time.sleep(0.3)
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 200")


# heads


@pytest.mark.parametrize(
    ("lines", "path", "status"),
    [
        ([], "/nothing", 404),
        ([], "/health", 405),
        (["Mcp-Session-Id: unknown"], None, 404),
        (["Origin: http://evil.example"], None, 403),
        (["MCP-Protocol-Version: \x01\x02"], None, 400),
        (["MCP-Protocol-Version: not a revision"], None, 400),
        ([], "/messages?session_id=unknown", 404),
    ],
)
def test_a_head_that_is_wrong_is_answered_before_the_body_comes(
    bridge: Bridge, lines: list[str], path: str | None, status: int
) -> None:
    for more in (
        ["Content-Length: 10000000"],
        ["Transfer-Encoding: chunked"],
        ["Content-Length: 9", "Expect: 100-continue"],
    ):
        with connect(bridge) as connection:
            connection.sendall(head(bridge, *lines, *more, path=path))
            assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 %d" % status)


@pytest.mark.parametrize(
    "start",
    [
        b"GET /health HTTP/1.1\r\nX: ",
        b"GET /health HTTP/1.1\r\n",
        b"GET /",
        b"",
        b"POST /mcp HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
        b"POST /mcp HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1;x=",
    ],
)
def test_a_line_without_an_end_is_not_gathered(bridge: Bridge, start: bytes) -> None:
    with connect(bridge) as connection:
        connection.settimeout(20)
        sent = 0
        with contextlib.suppress(ConnectionError):
            connection.sendall(start)
            while sent < 50_000_000 and not peek(connection):
                connection.setblocking(True)
                connection.sendall(b"y" * 65_536 if start else b"\r\n" * 32_768)
                sent += 65_536
        assert sent < 5_000_000


def test_the_number_of_header_lines_is_bounded(bridge: Bridge) -> None:
    with connect(bridge) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n" + b"a:b\r\n" * 2500 + b"\r\n")
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("field", ["Content-Type: text/plain", "Accept: text/html"])
def test_types_are_judged_before_the_body_comes(bridge: Bridge, field: str) -> None:
    name = field.partition(":")[0]
    lines = [line for line in ("Content-Type: application/json", f"Accept: {BOTH}") if not line.startswith(name)]
    whole = "\r\n".join([f"POST {bridge.path} HTTP/1.1", "Host: x", field, *lines, "Content-Length: 99999999", "", ""])
    with connect(bridge) as connection:
        connection.sendall(whole.encode())
        assert read_until(connection, b"\r\n\r\n")[:12] in (b"HTTP/1.1 415", b"HTTP/1.1 406")


def test_a_body_that_is_declared_too_large_is_413_at_once(client: Client) -> None:
    with connect(client.bridge) as connection:
        connection.sendall(head(client.bridge, f"Mcp-Session-Id: {client.session}", "Content-Length: 99999999999"))
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 413")


def test_without_a_session_only_a_small_body_is_read(bridge: Bridge) -> None:
    with connect(bridge) as connection:
        connection.sendall(head(bridge, "Content-Length: 2000000"))
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 413")


def test_the_connection_of_a_refused_request_with_a_small_body_can_be_used_again(bridge: Bridge) -> None:
    with connect(bridge) as connection:
        for _ in range(3):
            connection.sendall(head(bridge, "Mcp-Session-Id: gone", "Content-Length: 5000") + b"x" * 5000)
            assert read_until(connection, b"}}").startswith(b"HTTP/1.1 404")


def test_a_client_that_sends_all_of_a_refused_body_gets_the_answer(bridge: Bridge) -> None:
    reply = bridge.request(
        "POST", None, b"x" * 3_000_000, {"mcp-session-id": "gone", "content-type": "application/json"}
    )
    assert reply.status == 404


# memory


def test_bodies_in_flight_share_a_budget_and_the_greedy_gives_way(start_bridge: Start) -> None:
    bridge = start_bridge(limits={"bodies": 4_000_000, "message": 2_000_000})
    greedy, modest = ClientAt(bridge, "192.0.2.1"), ClientAt(bridge, "192.0.2.2")
    greedy.open()
    modest.open()
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(bridge)) for _ in range(4)]
        for connection in held:
            lines = [f"Mcp-Session-Id: {greedy.session}", "X-Forwarded-For: 192.0.2.1", "Content-Length: 1900000"]
            connection.sendall(head(bridge, *lines) + b"x" * 950_000)
        time.sleep(0.5)
        text = "y" * 1_500_000
        assert modest.call("echo", text=text) == text
        refused = [connection for connection in held if b"503" in peek(connection)]
        assert refused
        assert b"retry-after" in peek(refused[0])
    until(lambda: modest.call("echo", text=text) == text)


def peek(connection: socket.socket) -> bytes:
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        return connection.recv(1000, socket.MSG_PEEK)
    return b""


def test_bodies_that_are_passed_on_are_not_kept(start_bridge: Start) -> None:
    bridge = start_bridge(limits={"bodies": 4_000_000, "message": 2_000_000})
    client = Client(bridge)
    client.open()
    replies = []
    for _ in range(8):  # of a server that reads and never answers
        message = client.calling("silence", text="x" * 1_500_000)
        replies.append(client.post(message, accept="text/event-stream"))
    assert client.call("echo", text="x") == "x"
    for reply in replies:
        reply.close()


def test_what_children_do_not_read_is_bounded_together(start_bridge: Start) -> None:
    bridge = start_bridge("--warm-processes", "0", limits={"bodies": 4_000_000, "message": 2_000_000})
    bridge.wait_healthy()
    clients = [Client(bridge) for _ in range(4)]
    for client in clients:
        client.open()
        assert client.post(client.calling("freeze"), accept="text/event-stream").is_stream
    statuses = []
    for client in clients:
        note = {"jsonrpc": "2.0", "method": "notifications/x", "params": {"x": "y" * 1_500_000}}
        statuses.append(client.post(note).status)
    assert statuses == [202, 503, 503, 503]
    other = Client(bridge)
    other.open()
    assert other.call("echo", text="x") == "x"


def test_answers_that_are_not_taken_are_bounded_together(start_bridge: Start) -> None:
    bridge = start_bridge(limits={"answers": 20_000_000, "message": 9_000_000})
    greedy = ClientAt(bridge, "192.0.2.1")
    greedy.open()
    with contextlib.ExitStack() as stack:
        for number in range(6):
            connection = stack.enter_context(connect(bridge))
            call = {**greedy.calling("big", size=8_000_000), "id": f"n{number}"}
            lines = ["Accept: application/json", "X-Forwarded-For: 192.0.2.1"]
            connection.sendall(post(greedy, json.dumps(call).encode(), *lines))
        modest = ClientAt(bridge, "192.0.2.2")
        modest.open()
        assert len(modest.call("big", size=8_000_000)) == 8_000_000
        until(lambda: bridge.health()["calls_in_flight"] == 0)
        with open(f"/proc/{bridge.process.pid}/status") as file:
            assert int(file.read().split("VmRSS:")[1].split()[0]) < 120_000


# connections


def test_health_is_answered_however_many_connections_say_nothing(start_bridge: Start) -> None:
    bridge = start_bridge(limits={"connections": 20, "reserve": 5})
    bridge.wait_healthy()
    client = Client(bridge)
    client.open()
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            connection = stack.enter_context(connect(bridge))
            connection.sendall(b"POST /mcp HTTP/1.1\r\n")
        for _ in range(5):
            assert bridge.health()["status"] == 200
        until(lambda: last_status(client) == 200)


def last_status(client: Client) -> int:
    return client.post(request("ping", None, 1)).status


def test_health_is_answered_when_every_connection_is_in_use_and_others_get_503(start_bridge: Start) -> None:
    bridge = start_bridge(limits={"connections": 20, "reserve": 5, "share": 1})
    bridge.wait_healthy()
    client = Client(bridge)
    client.open()
    calls: list[Reply] = []

    def occupied() -> bool:
        reply = client.post(client.calling("silence"), accept="text/event-stream")
        if reply.status == 200:
            calls.append(reply)
        return len(calls) == 20

    until(occupied)
    refused = client.post(client.calling("silence"))
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    for _ in range(5):
        health = bridge.health()
        assert (health["status"], health["kind"]) == (200, "full")
    for call in calls:
        call.close()
    until(lambda: bridge.health()["kind"] == "ok")
    assert client.call("echo", text="x") == "x"


def test_one_client_leaves_some_connections_to_others(start_bridge: Start) -> None:
    bridge = start_bridge(limits={"connections": 24, "reserve": 4, "share": 0.5})
    greedy, modest = ClientAt(bridge, "192.0.2.1"), ClientAt(bridge, "192.0.2.2")
    greedy.open()
    modest.open()
    calls = [greedy.post(greedy.calling("silence"), accept="text/event-stream") for _ in range(12)]
    refused = greedy.post(request("ping", None, 99))
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert b"this client" in refused.body
    assert modest.call("echo", text="x") == "x"
    calls.pop().close()
    until(lambda: last_status(greedy) == 200)
    for call in calls:
        call.close()
