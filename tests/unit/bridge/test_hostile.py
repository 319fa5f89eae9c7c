"""Servers that break the rules harm no one, and as little as possible of themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.unit.bridge.client import Bridge, Client, last, until

Start = Callable[..., Bridge]


def test_garbage_on_stdout_is_logged_and_nothing_else_happens(client: Client) -> None:
    assert client.call("garbage") == "garbage"
    assert client.call("echo", text="x") == "x"
    assert client.session is not None
    tag = f"[{client.session[:8]}] (on stdout"
    for said in ("this is not JSON", "a batch must have 1 to 100 messages, and has 0) []"):
        until(lambda said=said: [line for line in client.bridge.log if line.startswith(tag) and said in line])  # type: ignore[misc]


def test_a_message_that_arrives_byte_by_byte_is_whole(client: Client) -> None:
    assert client.call("split") == "héllo 世界 🎉"


def test_a_second_answer_to_a_call_is_dropped(client: Client) -> None:
    assert client.call("twice") == "first"
    assert client.call("stranger") == "stranger"
    assert client.call("echo", text="x") == "x"


def test_answers_out_of_order_find_their_calls(client: Client) -> None:
    found: dict[int, object] = {}

    def run(number: int) -> None:
        message = client.calling("sleep", seconds=(8 - number) * 0.03)
        answer = last(client.post({**message, "id": number}))
        found[number] = answer["id"]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: number for number in range(8)}


def test_a_flood_arrives_complete_and_in_order_where_the_client_reads(client: Client) -> None:
    reply = client.post(client.calling("flood", count=3000))
    steps = [event.json["params"]["data"][0] for event in reply.events if event.data and "params" in event.json]
    assert steps == list(range(3000))


def test_a_flood_that_nobody_wants_costs_bounded_memory(client: Client) -> None:
    answer = last(client.post(client.calling("flood", count=30_000), accept="application/json"))
    assert "result" in answer
    with open(f"/proc/{client.bridge.process.pid}/status") as file:
        assert int(file.read().split("VmRSS:")[1].split()[0]) < 100_000


def test_silence_keeps_only_the_caller_waiting(bridge: Bridge, client: Client) -> None:
    reply = client.post(client.calling("silence"), accept="text/event-stream")
    assert client.call("echo", text="x") == "x"
    client.delete()
    assert "the session was ended" in [event for event in reply.events if event.data][-1].data


def test_a_frozen_server_can_still_be_ended(bridge: Bridge) -> None:
    client = Client(bridge)
    client.open()
    pid = client.call("whoami")["pid"]
    client.post(client.calling("freeze"), accept="text/event-stream").close()
    assert client.delete().status == 204
    until(lambda: pid not in bridge.descendants())


def test_a_server_that_stops_reading_makes_new_calls_fail_not_pile_up(start_bridge: Start) -> None:
    bridge = start_bridge("--warm-processes", "0")
    client = Client(bridge)
    client.open()
    client.post(client.calling("freeze"), accept="text/event-stream").close()
    text = "x" * 3_000_000
    for _ in range(3):
        client.post(client.calling("echo", text=text), accept="text/event-stream").close()
    answer = client.call_raw("echo", text="one more")
    assert answer["error"]["message"] == "the server does not read its input"
    client.delete()


@pytest.mark.parametrize("isolation", ["pooled", "shared"])
def test_bad_manners_do_not_spread_where_children_are_shared(start_bridge: Start, isolation: str) -> None:
    bridge = start_bridge("--isolation", isolation)
    bridge.wait_healthy()
    rude, polite = Client(bridge), Client(bridge)
    rude.open()
    polite.open()
    for tool in ("garbage", "twice", "stranger", "split"):
        rude.call_raw(tool)
        assert polite.call("echo", text=tool) == tool


def test_a_message_above_the_limit_ends_the_session_with_the_reason(start_bridge: Start) -> None:
    bridge = start_bridge("--max-message", "100000")
    client = Client(bridge)
    client.open()
    assert "larger than 100000 bytes" in client.call_raw("big", size=200_000)["error"]["message"]
