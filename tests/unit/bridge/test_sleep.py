"""A server that nobody uses has no process, and nobody notices but by the time of a start."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.density_parts.wake import storm
from tests.unit.bridge.client import HOSTILE, META, Bridge, Client, Listener, last, request, until

Start = Callable[..., Bridge]
ISOLATIONS = ("per_session", "pooled", "shared")
SOON = ("--sleep-after", "0.3")
PROBE = {"user-agent": "mcp-orchestrator-probe/0.1.0"}


def asleep(bridge: Bridge) -> dict[str, Any]:
    """Waits until the server sleeps and its processes are gone. Returns what /health says."""
    until(lambda: bridge.health()["state"] == "asleep" and not bridge.descendants())
    return bridge.health()


def modern(method: str, params: dict[str, Any] | None = None, **headers: str) -> tuple[bytes, dict[str, str]]:
    """A request of 2026-07-28: its body and its headers."""
    meta = {
        META + "protocolVersion": "2026-07-28",
        META + "clientInfo": {"name": "c", "version": "1"},
        META + "clientCapabilities": {},
    }
    body = request(method, {**(params or {}), "_meta": meta}, 1)
    told = {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
    if params is not None and "name" in params:
        told["mcp-name"] = params["name"]
    kind = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    return json.dumps(body).encode(), {**kind, **told, **headers}


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_an_unused_server_sleeps_without_a_process_and_says_so(start_bridge: Start, isolation: str) -> None:
    bridge = start_bridge("--isolation", isolation, *SOON)
    health = asleep(bridge)
    assert (health["status"], health["kind"], health["tools"]) == (200, "asleep", ["echo", "whoami"])
    assert health["reason"] == f"asleep, last answered {health['answered'][11:16]} UTC"
    through = bridge.request("GET", "/health", headers={"X-Forwarded-For": "203.0.113.9"})
    assert (through.status, through.json) == (200, {"state": "asleep", "kind": "asleep"})
    assert bridge.metrics()["mcp_bridge_asleep"] == 1


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_the_first_call_to_a_sleeping_server_is_answered_and_wakes_it(start_bridge: Start, isolation: str) -> None:
    bridge = start_bridge("--isolation", isolation, *SOON)
    for _ in range(3):
        asleep(bridge)
        client = Client(bridge)
        client.open()
        assert client.call("echo", text="awake") == "awake"
        until(lambda: bridge.health()["state"] == "ok")
        assert client.delete().status == 204


@pytest.mark.parametrize("isolation", ["pooled", "shared"])
def test_a_session_outlives_the_sleep_of_the_processes_that_serve_many(start_bridge: Start, isolation: str) -> None:
    bridge = start_bridge("--isolation", isolation, *SOON)
    client = Client(bridge)
    client.open()
    listener = Listener(client.listen())
    for number in range(2):
        asleep(bridge)
        assert client.call("echo", text=str(number)) == number
    assert [event.data for event in listener.seen if event.data] == []


def test_a_session_of_its_own_process_goes_on_while_nothing_else_waits(start_bridge: Start) -> None:
    bridge = start_bridge(*SOON)
    client = Client(bridge)
    client.open()
    pid = client.call("whoami")["pid"]
    until(lambda: bridge.health()["state"] == "asleep" and bridge.descendants() == [pid])
    assert client.call("whoami")["pid"] == pid


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("kind", ["--modern", "--both"])
def test_a_call_that_stands_alone_wakes_the_server(start_bridge: Start, isolation: str, kind: str) -> None:
    bridge = start_bridge("--isolation", isolation, *SOON, command=[*HOSTILE, kind])
    for _ in range(2):
        asleep(bridge)
        body, headers = modern("tools/call", {"name": "echo", "arguments": {"text": "x"}})
        reply = bridge.request("POST", None, body, headers)
        if isolation == "per_session" and kind == "--both":
            assert reply.status == 400  # told to open a session
            continue
        assert last(reply)["result"]["content"][0]["text"] == "x"


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_client_of_the_older_transport_wakes_the_server(start_bridge: Start, isolation: str) -> None:
    bridge = start_bridge("--isolation", isolation, *SOON)
    asleep(bridge)
    stream = Listener(bridge.request("GET", "/mcp/x/sse", headers={"accept": "text/event-stream"}))
    endpoint = stream.next()
    assert endpoint is not None
    hello = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    for number, message in enumerate(
        [request("initialize", hello, 0), request("tools/call", {"name": "echo", "arguments": {"text": "x"}}, 1)]
    ):
        kind = {"content-type": "application/json"}
        assert bridge.request("POST", endpoint.data, json.dumps(message).encode(), kind).status == 202
        assert stream.message()["id"] == number
    stream.reply.close()
    asleep(bridge)


def test_never_do_two_processes_wait(start_bridge: Start) -> None:
    bridge = start_bridge()
    bridge.wait_healthy()
    assert len(bridge.descendants()) == 1
    for sessions in range(1, 4):
        client = Client(bridge)
        client.open()
        until(lambda: bridge.metrics()["mcp_bridge_warm_processes"] == 1)
        until(lambda: len(bridge.descendants()) == sessions + 1)  # noqa: B023
        until(lambda: bridge.health()["state"] == "ok")


def test_a_session_gets_the_process_that_waited(start_bridge: Start) -> None:
    bridge = start_bridge()
    bridge.wait_healthy()
    first = Client(bridge)
    first.open()
    until(lambda: bridge.metrics()["mcp_bridge_warm_processes"] == 1)
    waiting = set(bridge.descendants()) - {first.call("whoami")["pid"]}
    second = Client(bridge)
    second.open()
    assert second.call("whoami")["pid"] in waiting
    assert second.call("whoami")["client"].startswith("client-")


@pytest.mark.parametrize("reaction", ["exit", "error", "silence"])
def test_a_server_that_takes_no_early_ping_is_watched_by_a_process_of_its_own(
    start_bridge: Start, reaction: str
) -> None:
    script = f"""
import json, sys
initialized = False
for line in sys.stdin:
    message = json.loads(line)
    if message["method"] == "initialize":
        initialized = True
        result = {{"protocolVersion": "2025-11-25", "capabilities": {{}}, "serverInfo": {{"name": "x"}}}}
    elif not initialized:
        if {reaction!r} == "exit":
            sys.exit("expected initialize")
        if {reaction!r} == "error":
            error = {{"code": -1, "message": "no"}}
            print(json.dumps({{"jsonrpc": "2.0", "id": message["id"], "error": error}}), flush=True)
        continue
    else:
        result = {{"content": [{{"type": "text", "text": "x"}}]}}
    if "id" in message:
        print(json.dumps({{"jsonrpc": "2.0", "id": message["id"], "result": result}}), flush=True)
"""
    bridge = start_bridge(limits={"probe_timeout_seconds": 1}, command=[sys.executable, "-c", script])
    bridge.wait_healthy()
    for _ in range(3):
        client = Client(bridge)
        client.open()
        assert client.call("echo") == "x"
        assert bridge.health()["status"] == 200
    until(lambda: len(bridge.descendants()) == 4)
    time.sleep(1.5)  # longer than an early ping is waited for
    assert bridge.health()["state"] == "ok"
    assert bridge.metrics()["mcp_bridge_warm_processes"] == 0
    assert not [line for line in bridge.log if "health: " in line]


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_checks_of_health_and_the_probe_of_a_run_keep_nothing_awake(start_bridge: Start, isolation: str) -> None:
    bridge = start_bridge("--isolation", isolation, "--sleep-after", "1")
    until_asleep = time.monotonic() + 90
    while bridge.health()["state"] != "asleep":
        assert time.monotonic() < until_asleep
        client = Client(bridge)
        client.headers = lambda **more: {**Client.headers(client, **more), **PROBE}  # type: ignore[method-assign]  # noqa: B023
        client.open()
        assert "tools" in last(client.post(request("tools/list", {}, "list")))["result"]
        client.delete()


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_probe_that_reaches_a_sleeping_server_is_answered_and_does_not_wake_it(
    start_bridge: Start, isolation: str
) -> None:
    bridge = start_bridge("--isolation", isolation, "--sleep-after", "1")
    asleep(bridge)
    client = Client(bridge)
    client.headers = lambda **more: {**Client.headers(client, **more), **PROBE}  # type: ignore[method-assign]
    client.open()
    assert client.call("echo", text="x") == "x"
    client.delete()
    assert bridge.health()["state"] == "asleep"
    asleep(bridge)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_server_does_not_sleep_while_a_call_waits_for_its_answer(start_bridge: Start, isolation: str) -> None:
    bridge = start_bridge("--isolation", isolation, *SOON)
    client = Client(bridge)
    client.open()
    states: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            states.append(bridge.health()["state"])

    looking = threading.Thread(target=look)
    looking.start()
    assert client.call("sleep", seconds=2) == "slept"
    done.set()
    looking.join()
    assert "asleep" not in states
    client.delete()
    asleep(bridge)


def test_zero_means_never(start_bridge: Start) -> None:
    bridge = start_bridge("--sleep-after", "0", limits={"probe_interval_seconds": 0.2})
    bridge.wait_healthy()
    time.sleep(1.5)
    assert bridge.health()["state"] == "ok"
    assert len(bridge.descendants()) == 1


def test_a_server_that_starts_more_slowly_than_a_balancer_waits_is_kept_awake_and_told_of_once(
    start_bridge: Start,
) -> None:
    bridge = start_bridge(*SOON, limits={"patience_seconds": 0.5}, command=[*HOSTILE, "--slow-start", "1"])
    bridge.wait_healthy()
    time.sleep(1.5)
    assert bridge.health()["state"] == "ok"
    told = [line for line in bridge.log if "it is kept awake" in line]
    assert len(told) == 1
    assert "longer than a load balancer may wait" in told[0]


def test_a_server_that_does_not_tell_its_tools_is_kept_awake(start_bridge: Start) -> None:
    script = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    answer = {"result": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {}}}
    if message["method"] == "tools/list":
        answer = {"error": {"code": -32000, "message": "no token"}}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""
    bridge = start_bridge(*SOON, command=[sys.executable, "-c", script])
    bridge.wait_healthy()
    time.sleep(1)
    assert (bridge.health()["state"], bridge.health()["tools"]) == ("ok", None)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_deep_check_wakes_a_sleeping_server_and_lets_it_sleep_again(start_bridge: Start, isolation: str) -> None:
    bridge = start_bridge("--isolation", isolation, *SOON, "--deep-check-interval", "1")
    before = asleep(bridge)
    until(lambda: bridge.health()["starts"] >= before["starts"] + 2)
    after = asleep(bridge)
    assert after["answered"] > before["answered"]
    assert after["child_started"] > before["child_started"]


def test_a_sleeping_server_that_fails_its_deep_check_is_failing(start_bridge: Start, tmp_path: Any) -> None:
    switch = tmp_path / "broken"
    script = f"import os, sys; os.path.exists({str(switch)!r}) and sys.exit(7); os.execv(sys.executable, sys.argv[1:])"
    command = [sys.executable, "-c", script, *HOSTILE]
    bridge = start_bridge(*SOON, "--deep-check-interval", "1", command=command)
    asleep(bridge)
    switch.touch()
    health = until(lambda: (found := bridge.health())["state"] == "failing" and found)
    assert isinstance(health, dict)
    assert (health["status"], health["kind"]) == (503, "exits")
    switch.unlink()
    asleep(bridge)


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_waking_process_that_is_killed_or_stopped_costs_its_call_and_nothing_else(
    start_bridge: Start, isolation: str, number: int
) -> None:
    limits = {"probe_timeout_seconds": 3, "hung_seconds": 6, "handshake_seconds": 3}
    bridge = start_bridge("--isolation", isolation, *SOON, limits=limits, command=[*HOSTILE, "--slow-start", "0.8"])
    asleep(bridge)
    client = Client(bridge)
    replies: list[Any] = []
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    asking = threading.Thread(target=lambda: replies.append(client.post(request("initialize", hello, 1))))
    asking.start()
    pid = until(bridge.descendants)[0]
    os.kill(pid, number)
    asking.join(20)
    assert len(replies) == 1
    assert last(replies[0])["id"] == 1  # an error, unless it was answered before
    again = Client(bridge)
    until(lambda: _answers(again))
    until(lambda: pid not in bridge.descendants())
    asleep(bridge)


def _answers(client: Client) -> bool:
    try:
        if client.session is None:
            client.open()
        return bool(client.call("echo", text="x") == "x" and client.delete())
    except AssertionError:
        client.session = None
        return False


def test_calls_of_clients_of_every_era_around_many_wakings_are_all_answered_and_leave_nothing() -> None:
    found = storm(60, seed=int(time.time()))
    assert found["wake_storm_wakes"] >= 60
    assert {found[f"wake_storm_{name}"] for name in ("lost", "wrong", "left")} == {0}
