"""Children: what they are given, how they end, and what is left of them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from bridge.process.environment import Environment

from tests.unit.bridge.client import HOSTILE, ROOT, Bridge, Client, Listener, last, request, start, until

Start = Callable[..., Bridge]


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def test_the_child_gets_the_containers_environment_and_nothing_of_the_bridges(start_bridge: Start) -> None:
    given = {"PATH": os.environ["PATH"], "SECRET": "s3cret", "EMPTY": "", "UTF": "ü"}
    bridge = start_bridge(env=given)
    client = Client(bridge)
    client.open()
    assert client.call("environment") == {**given, "PYTHONPATH": str(ROOT / "files")}  # the test's own way to start it


def test_the_child_gets_three_descriptors_and_no_more(client: Client) -> None:
    found = client.call("descriptors")
    assert set(found) - {"0", "1", "2"} <= {name for name, target in found.items() if target.startswith("/proc")}
    assert all(found[name].startswith("pipe:") for name in "012")


def test_the_child_does_not_inherit_ignored_signals(start_bridge: Start) -> None:
    bridge = start_bridge(command=["sh", "-c", "grep SigIgn /proc/$$/status >&2; exec cat"])
    line = until(lambda: next((line for line in bridge.log if "SigIgn" in line), None))
    assert line is not None
    assert int(line.split()[-1], 16) & 0x7FFFFFFF == 0  # above are the C library's own


def test_deleting_a_session_ends_its_child_and_its_childs_children(bridge: Bridge) -> None:
    client = Client(bridge)
    client.open()
    pids = [client.call("whoami")["pid"], client.call("fork")["pid"]]
    assert all(map(alive, pids))
    client.delete()
    until(lambda: not any(map(alive, pids)))


def test_descendants_that_detach_themselves_end_with_their_session_and_with_no_other(bridge: Bridge) -> None:
    clients = [Client(bridge) for _ in range(2)]
    left: list[list[int]] = []
    for client in clients:
        client.open()
        # One that its parent outlives, and one whose parents are long gone, with all descriptors closed.
        left.append([client.call("fork", detached=True)["pid"], client.call("daemon")["pid"]])
    clients[0].delete()
    until(lambda: not any(map(alive, left[0])))
    assert all(map(alive, left[1]))
    clients[1].call_raw("die")
    until(lambda: not any(map(alive, left[1])))


def test_a_child_that_ignores_every_hint_is_killed(start_bridge: Start) -> None:
    bridge = start_bridge(command=[*HOSTILE, "--ignore-term"])
    client = Client(bridge)
    client.open()
    pids = [client.call("whoami")["pid"], client.call("fork")["pid"]]
    client.delete()
    until(lambda: not any(map(alive, pids)))


@pytest.mark.parametrize(
    ("tool", "reason"),
    [
        ("die", "exited with status 3"),
        ("die_talking", "exited with status 4"),
        ("kill", "killed by SIGSEGV"),
        ("close_output", "closed its output"),
    ],
)
def test_when_a_child_dies_its_calls_fail_at_once_and_its_session_is_404(
    bridge: Bridge, tool: str, reason: str
) -> None:
    other = Client(bridge)
    other.open()
    client = Client(bridge)
    client.open()
    waiting: list[dict[str, object]] = []
    slow = threading.Thread(target=lambda: waiting.append(client.call_raw("sleep", seconds=30)))
    slow.start()
    until(lambda: bridge.health()["calls_in_flight"] == 1)
    answer = client.call_raw(tool)
    assert reason in answer["error"]["message"]
    slow.join(30)
    assert reason in str(waiting[0]["error"])
    assert client.post(request("ping", None, 1)).status == 404
    assert other.call("echo", text="undisturbed") == "undisturbed"
    other.delete()


def test_a_stream_ends_with_the_childs_death(client: Client) -> None:
    listener = Listener(client.listen())
    client.call_raw("die")
    while listener.next() is not None:
        pass


def test_a_command_that_cannot_be_started_is_told_with_its_reason(start_bridge: Start) -> None:
    bridge = start_bridge(command=["/does/not/exist"])
    reply = Client(bridge).post(request("initialize", {"protocolVersion": "2025-06-18"}, 1))
    assert reply.status == 502
    assert "/does/not/exist cannot be started: No such file" in reply.json["error"]["message"]
    assert bridge.health()["kind"] == "cannot_start"


def test_more_sessions_than_allowed_are_503_until_one_ends(start_bridge: Start) -> None:
    bridge = start_bridge("--max-sessions", "2")
    clients = [Client(bridge) for _ in range(2)]
    for client in clients:
        client.open()
    reply = Client(bridge).post(request("initialize", {"protocolVersion": "2025-06-18"}, 1))
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    clients[0].delete()
    Client(bridge).open()


def test_a_session_that_nobody_uses_ends(start_bridge: Start) -> None:
    bridge = start_bridge("--idle-timeout", "5", "--warm-processes", "0")
    client = Client(bridge)
    client.open()
    pid = client.call("whoami")["pid"]
    until(lambda: not alive(pid))
    assert client.post(request("ping", None, 1)).status == 404


def test_a_session_with_an_open_stream_or_call_does_not_expire(start_bridge: Start) -> None:
    bridge = start_bridge("--idle-timeout", "4", "--resume-timeout", "4")
    listening, calling = Client(bridge), Client(bridge)
    listening.open()
    calling.open()
    stream = listening.listen()
    assert calling.call("sleep", seconds=6) == "slept"
    assert listening.call("echo", text="here") == "here"
    stream.close()


def test_a_session_whose_client_lost_its_stream_ends_after_the_grace(start_bridge: Start) -> None:
    bridge = start_bridge("--resume-timeout", "1", "--warm-processes", "0")
    client = Client(bridge)
    client.open()
    stream = client.listen()
    until(lambda: stream.is_stream)
    pid = client.call("whoami")["pid"]
    stream.close()
    until(lambda: not alive(pid))


def test_the_second_session_finds_a_child_started_ahead(start_bridge: Start) -> None:
    bridge = start_bridge()
    first, second = Client(bridge), Client(bridge)
    first.open()
    until(lambda: bridge.metrics()["mcp_bridge_warm_processes"] == 1)
    ahead = bridge.descendants()
    second.open()
    assert second.call("whoami")["pid"] in ahead


def test_stderr_is_logged_by_line_with_the_sessions_tag(client: Client) -> None:
    client.call("stderr", tag="complaint", count=2)
    assert client.session is not None
    tag = client.session[:8]
    until(lambda: f"[{tag}] complaint 1" in client.bridge.log)


def test_neither_bodies_nor_headers_are_logged(start_bridge: Start) -> None:
    bridge = start_bridge()
    client = Client(bridge)
    client.open()
    client.call("echo", text="hush-body")
    client.post(client.calling("echo", text="x"), authorization="Bearer hush-header")
    client.call_raw("die")
    until(lambda: any("exited with status" in line for line in bridge.log))
    assert not [line for line in bridge.log if "hush" in line]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_stop_lets_calls_end_tells_streams_and_leaves_nothing(start_bridge: Start, number: int) -> None:
    bridge = start_bridge()
    client = Client(bridge)
    client.open()
    listener = Listener(client.listen())
    answers: list[object] = []
    call = threading.Thread(target=lambda: answers.append(client.call("sleep", seconds=3)))
    call.start()
    until(lambda: bridge.health()["calls_in_flight"] == 1)
    pids = bridge.descendants()
    assert bridge.stop(number) == 0
    call.join(30)
    assert answers == ["slept"]
    while listener.next() is not None:
        pass
    assert not any(map(alive, pids))


def test_a_stop_does_not_wait_for_calls_for_ever(start_bridge: Start) -> None:
    bridge = start_bridge()
    client = Client(bridge)
    client.open()
    answers: list[dict[str, object]] = []
    call = threading.Thread(target=lambda: answers.append(client.call_raw("sleep", seconds=600)))
    call.start()
    until(lambda: bridge.health()["calls_in_flight"] == 1)
    assert bridge.stop() == 0
    call.join()
    assert "error" in answers[0]


def test_headers_reach_the_child_only_where_the_environment_names_them(start_bridge: Start) -> None:
    names = {"TOKEN": "${header:Authorization}", "BOTH": "${header:X-One}-${header:x-two}", "PLAIN": "1"}
    bridge = start_bridge(env={**os.environ, **names})
    client = Client(bridge)
    reply = client.post(
        request("initialize", {"protocolVersion": "2025-06-18"}, 1),
        authorization="Bearer t0k3n",
        x_one="1",
        x_three="3",
    )
    assert last(reply)["result"]
    client.session = reply.headers["mcp-session-id"]
    found = client.call("environment")
    assert found["TOKEN"] == "Bearer t0k3n"
    assert "BOTH" not in found
    assert not [value for value in found.values() if value == "3"]


@pytest.mark.parametrize(
    "value",
    [b"t\xc3\xb6ken", b"t\xf6ken", b"\xff\xfe\x80", b'tab\t "quoted" \\ $HOME', "漢字".encode(), b"\xed\xa0\x80"],
)
def test_a_headers_value_arrives_byte_for_byte(start_bridge: Start, value: bytes) -> None:
    bridge = start_bridge(env={**os.environ, "TOKEN": "<${header:X-Token}>"})
    client = Client(bridge)
    body = json.dumps(request("initialize", {"protocolVersion": "2025-06-18"}, 1)).encode()
    head = (
        f"POST {bridge.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Accept: application/json\r\n"  # a stream would begin before the server has answered
    )
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=30) as connection:
        connection.sendall(head.encode() + b"X-Token: " + value + b"\r\n\r\n" + body)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200")
    client.session = answer.lower().split(b"mcp-session-id: ")[1].split(b"\r\n")[0].decode()
    client.revision = "2025-06-18"
    assert client.call("environment")["TOKEN"].encode("utf-8", "surrogateescape") == b"<" + value + b">"


def test_a_header_that_no_variable_can_take_is_refused(start_bridge: Start) -> None:
    environment = Environment({"TOKEN": "${header:X-Token}"})
    for control in (b"\0", b"\n", b"\r", b"\x1b", b"\x7f"):
        refusal = environment.refuses({b"x-token": b"a" + control + b"b"})
        assert refusal is not None
        assert "X-Token" in refusal
        assert environment.refuses({b"x-other": control}) is None
    assert environment.refuses({b"x-token": b"a\tb"}) is None
    bridge = start_bridge(env={**os.environ, "TOKEN": "${header:X-Token}"})
    body = json.dumps(request("initialize", {"protocolVersion": "2025-06-18"}, 1)).encode()
    head = (
        f"POST {bridge.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    for value in (b"a\0b", b"a\x1bb", b"a\r\n b", b"a\rb", b"a\nb"):
        with socket.create_connection(("127.0.0.1", bridge.port), timeout=30) as connection:
            connection.sendall(head.encode() + b"X-Token: " + value + b"\r\n\r\n" + body)
            assert connection.recv(65536).startswith(b"HTTP/1.1 400"), value
    stream = head.encode().replace(b"POST /mcp/x", b"GET /sse").replace(b"Content-Type: application/json\r\n", b"")
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=30) as connection:
        connection.sendall(stream.replace(b"Content-Length: %d" % len(body), b"X-Token: \x7f") + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400")


def test_headers_for_one_client_and_children_for_all_exclude_each_other() -> None:
    with pytest.raises(AssertionError, match="isolation pooled cannot pass"):
        start("--isolation", "pooled", env={**os.environ, "TOKEN": "${header:Authorization}"})


def test_many_sessions_with_abrupt_ends_leave_no_process_and_no_descriptor(start_bridge: Start) -> None:
    bridge = start_bridge("--warm-processes", "0", command=[sys.executable, "-S", "-E", *HOSTILE[1:]])
    bridge.wait_healthy()
    descriptors = len(os.listdir(f"/proc/{bridge.process.pid}/fd"))
    endings = ("die", "delete", "kill", "fork", "daemon", "close_output")

    def one(ending: str) -> None:
        client = Client(bridge)
        client.open()
        if ending == "delete":
            client.delete()
        else:
            client.call_raw(ending)
            client.delete()

    for _ in range(4):
        threads = [threading.Thread(target=one, args=(ending,)) for ending in endings]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    until(lambda: len(bridge.descendants()) == 1)
    until(lambda: len(os.listdir(f"/proc/{bridge.process.pid}/fd")) <= descriptors)


def test_an_ended_child_needs_no_collector_to_leave_the_memory() -> None:
    script = """
import asyncio, gc, os, weakref
from bridge.call_record import CallRecord
from bridge.process.launcher import Launcher
from bridge.process.environment import Environment
from bridge.limits import Limits
from bridge.log import Log
from bridge.metrics import Metrics
from bridge.process.reaper import Reaper
from bridge.services import Services

async def main():
    gc.disable()
    loop = asyncio.get_running_loop()
    log = Log()
    services = Services(loop, log, Limits(), Metrics(), CallRecord(loop, log, "off"))
    launcher = Launcher(services, ["cat"], Environment(dict(os.environ)), Reaper(loop))
    child = weakref.ref(launcher.start("x"))
    await asyncio.sleep(0)
    child().end()
    async with asyncio.timeout(30):
        while child() is not None:
            await asyncio.sleep(0.01)

asyncio.run(main())
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "files")}
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
