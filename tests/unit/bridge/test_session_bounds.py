"""What one client can take of a bridge in sessions, calls and processes: each is bounded, and shared."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from tests.unit.bridge.client import HOSTILE, Bridge, Client, ClientAt, Listener, last, request, until
from tests.unit.bridge.test_legacy_sse import EventClient

Start = Callable[..., Bridge]
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}


def test_streams_of_one_session_are_few(client: Client) -> None:
    streams = [Listener(client.listen()) for _ in range(6)]
    until(lambda: sum(stream.events.qsize() > 0 and stream.seen[-1:] is not None for stream in streams) == 6)
    ended = [stream for stream in streams[:3] if ends(stream)]
    assert len(ended) == 3


def ends(stream: Listener) -> bool:
    while stream.next(10) is not None:
        pass
    return True


# sessions


def test_a_session_that_only_said_initialize_lives_shortly(start_bridge: Start) -> None:
    bridge = start_bridge(limits={"unused_seconds": 1})
    for _ in range(3):
        assert Client(bridge).post(request("initialize", HELLO, 1)).status == 200
    used = Client(bridge)
    used.open()
    used.call("echo", text="x")
    older = Listener(bridge.request("GET", "/sse", headers={"accept": "text/event-stream"}))
    until(lambda: bridge.health()["sessions"] == 1)
    while older.next() is not None:  # that stream has ended, too
        pass
    assert used.call("echo", text="x") == "x"


def test_a_newcomer_gets_a_place_of_who_has_more_than_his_share(start_bridge: Start) -> None:
    bridge = start_bridge("--max-sessions", "4", "--warm-processes", "0")
    greedy = [ClientAt(bridge, "192.0.2.1") for _ in range(4)]
    for client in greedy:
        client.open()
        client.call("echo", text="x")
    assert ClientAt(bridge, "192.0.2.1").post(request("initialize", HELLO, 1)).status == 503
    assert bridge.health()["kind"] == "ok"  # a newcomer would be served
    busy = greedy[0].post(greedy[0].calling("sleep", seconds=3), accept="text/event-stream")
    for newcomer in (ClientAt(bridge, "192.0.2.2"), ClientAt(bridge, "192.0.2.3")):
        newcomer.open()
        assert newcomer.call("echo", text="x") == "x"
    alive = [client.post(request("ping", None, 77)).status for client in greedy]
    assert alive == [200, 404, 404, 200]
    assert last(busy)["result"]["content"][0]["text"] == "slept"


def test_sessions_in_use_do_not_give_way_and_health_says_full(start_bridge: Start) -> None:
    bridge = start_bridge("--max-sessions", "2", "--warm-processes", "0")
    bridge.wait_healthy()
    greedy = [ClientAt(bridge, "192.0.2.1") for _ in range(2)]
    calls = []
    for client in greedy:
        client.open()
        calls.append(client.post(client.calling("sleep", seconds=20), accept="text/event-stream"))
    reply = ClientAt(bridge, "192.0.2.2").post(request("initialize", HELLO, 1))
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert "all 2 sessions are in use" in reply.json["error"]["message"]
    health = bridge.health()
    assert (health["status"], health["state"], health["kind"]) == (200, "degraded", "full")
    forwarded = bridge.request("GET", "/health", headers={"x-forwarded-for": "192.0.2.1"}).json
    assert forwarded == {"state": "degraded", "kind": "full"}
    for call in calls:
        call.close()


def test_sessions_whose_calls_nobody_waits_for_give_way(start_bridge: Start) -> None:
    bridge = start_bridge("--max-sessions", "2", "--warm-processes", "0", limits={"unattended_seconds": 1})
    for _ in range(2):
        client = ClientAt(bridge, "192.0.2.1")
        client.open()
        client.post(client.calling("sleep", seconds=600), accept="text/event-stream").close()

    def served() -> Any:
        return ClientAt(bridge, "192.0.2.2").post(request("initialize", HELLO, 1)).status == 200

    until(served)


def test_the_older_transport_shares_the_places(start_bridge: Start) -> None:
    bridge = start_bridge("--max-sessions", "2", "--warm-processes", "0")
    clients = [EventClient(bridge) for _ in range(2)]
    for client in clients:
        client.open()
        client.ask("ping")
    newcomer = ClientAt(bridge, "192.0.2.2")
    newcomer.open()
    assert newcomer.call("echo", text="x") == "x"
    assert bridge.health()["sessions"] == 2


def test_a_session_whose_client_closed_its_stream_and_left_gives_way(start_bridge: Start) -> None:
    bridge = start_bridge("--max-sessions", "2", "--warm-processes", "0", limits={"left_seconds": 1})
    left, silent = ClientAt(bridge, "192.0.2.1"), ClientAt(bridge, "192.0.2.1")
    for client in (left, silent):
        client.open()
        client.call("echo", text="x")
    left.listen().close()

    def served() -> Any:
        return ClientAt(bridge, "192.0.2.1").post(request("initialize", HELLO, 1)).status == 200

    until(served)
    assert left.post(request("ping", None, 77)).status == 404
    assert silent.call("echo", text="x") == "x"


def test_a_client_that_goes_on_without_its_stream_keeps_its_session(start_bridge: Start) -> None:
    limits = {"resume_seconds": 1, "abandoned_seconds": 300}
    bridge = start_bridge("--max-sessions", "2", "--warm-processes", "0", limits=limits)
    left, there = Client(bridge), Client(bridge)
    for client in (left, there):
        client.open()
        client.listen().close()
    # The answer to a later request tells that the bridge has seen both ends.
    assert bridge.health()["sessions"] == 2
    assert there.call("echo", text="x") == "x"
    until(lambda: bridge.health()["sessions"] == 1)
    assert there.call("echo", text="x") == "x"


def test_a_session_ends_whose_initialize_is_not_answered(start_bridge: Start) -> None:
    mute = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    bridge = start_bridge("--warm-processes", "0", command=mute, limits={"handshake_seconds": 1})
    reply = Client(bridge).post(request("initialize", HELLO, 1), accept="text/event-stream")
    assert "the server has not answered initialize for 1 s" in last(reply)["error"]["message"]
    until(lambda: bridge.health()["sessions"] == 0)


def test_a_call_ends_whose_server_stays_silent_though_its_client_is_there(start_bridge: Start) -> None:
    bridge = start_bridge(limits={"silent_server_seconds": 2, "left_seconds": 1})
    client = Client(bridge)
    client.open()
    reply = client.post(client.calling("silence"), accept="text/event-stream")
    assert "cancelled" in last(reply)["error"]["message"]
    assert client.call("echo", text="x") == "x"
    older = EventClient(bridge)
    older.open()
    assert older.post(request("tools/call", {"name": "silence"}, 5)).status == 202
    until(lambda: bridge.health()["sessions"] == 1)


def test_calls_of_one_session_are_bounded(start_bridge: Start) -> None:
    bridge = start_bridge(limits={"calls": 3})
    client = Client(bridge)
    client.open()
    calls = [client.post(client.calling("silence"), accept="text/event-stream") for _ in range(3)]
    assert client.post(client.calling("echo", text="x")).status == 503
    calls[0].close()
    older = EventClient(bridge)
    older.open()
    statuses = [older.post(request("tools/call", {"name": "silence"}, number)).status for number in range(5)]
    assert statuses == [202, 202, 202, 503, 503]


def test_one_client_leaves_a_child_of_the_pool_to_others(start_bridge: Start) -> None:
    bridge = start_bridge("--isolation", "pooled", command=[HOSTILE[0], "-S", "-E", *HOSTILE[1:]])
    bridge.wait_healthy()
    greedy, modest = ClientAt(bridge, "192.0.2.1"), ClientAt(bridge, "192.0.2.2")
    greedy.open()
    calls = [greedy.post(greedy.calling("silence"), accept="text/event-stream") for _ in range(12)]
    modest.open()
    for _ in range(3):
        assert modest.call("echo", text="x") == "x"
    assert bridge.health()["status"] == 200
    for call in calls:
        call.close()


def test_calls_that_nobody_waits_for_give_way_to_calls_that_wait_for_a_child(start_bridge: Start) -> None:
    bridge = start_bridge("--isolation", "pooled", "--pool-size", "2")
    bridge.wait_healthy()
    client = Client(bridge)
    client.open()
    for _ in range(6):
        client.post(client.calling("silence"), accept="text/event-stream").close()
    assert client.call("echo", text="x") == "x"
    until(lambda: bridge.health()["calls_in_flight"] <= 2)


def test_many_clients_at_once_do_not_disturb_each_other(start_bridge: Start) -> None:
    bridge = start_bridge(command=[HOSTILE[0], "-S", "-E", *HOSTILE[1:]])
    done: list[str] = []

    def run(number: int) -> None:
        client = ClientAt(bridge, f"192.0.2.{number}")
        client.open()
        done.append(client.call("echo", text="x"))
        client.delete()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == ["x"] * 12
