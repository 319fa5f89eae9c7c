"""Which answers are plain JSON, and which are events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bridge.limits import Limits

from tests.unit.bridge.client import HOSTILE, Bridge, Client, last, until
from tests.unit.bridge.test_legacy_sse import EventClient
from tests.unit.bridge.test_stateless_http import envelope, send, tool

Start = Callable[..., Bridge]
LARGE = 1_100_000
STREAMS = "text/event-stream"


def test_an_answer_waits_in_plain_for_less_than_balancers_wait_and_clients_do() -> None:
    """API gateways end a silent connection after 29 s; the bridge looks once a second."""
    assert Limits().upgrade_seconds <= 29 - 1 - 1


@pytest.mark.parametrize("isolation", ["per_session", "pooled", "shared"])
def test_a_large_answer_of_a_slow_call_is_plain_json(isolation: str, start_bridge: Start) -> None:
    bridge = start_bridge("--isolation", isolation)
    client = Client(bridge)
    client.open()
    reply = client.post(client.calling("sleep", seconds=2, size=LARGE))
    assert reply.headers["content-type"] == "application/json"
    assert len(reply.json["result"]["content"][0]["text"]) == LARGE
    assert not said(bridge)


def test_a_large_answer_of_a_slow_call_that_stands_alone_is_plain_json(start_bridge: Start) -> None:
    bridge = start_bridge("--isolation", "pooled", command=[*HOSTILE, "--modern"])
    bridge.wait_healthy()
    reply = send(bridge, tool("sleep", seconds=2, size=LARGE))
    assert reply.headers["content-type"] == "application/json"
    assert len(reply.json["result"]["content"][0]["text"]) == LARGE


def test_an_answer_that_takes_too_long_is_a_stream_that_can_be_resumed(start_bridge: Start) -> None:
    bridge = start_bridge(limits={"upgrade_seconds": 0.5})
    client = Client(bridge)
    client.open()
    reply = client.post(client.calling("sleep", seconds=2))
    assert reply.is_stream
    assert reply.headers["x-accel-buffering"] == "no"
    found = list(reply.events)
    assert (found[0].data, found[0].id is not None) == ("", True)
    assert found[-1].json["result"]["content"][0]["text"] == "slept"


def test_the_log_names_a_large_answer_that_goes_out_as_an_event(start_bridge: Start) -> None:
    bridge = start_bridge(limits={"upgrade_seconds": 0.3})
    client = Client(bridge)
    client.open()
    for count, post in enumerate(
        (
            lambda: client.post(client.calling("big", size=LARGE), accept=STREAMS),
            lambda: client.post(client.calling("sleep", seconds=2, size=LARGE)),
        ),
        1,
    ):
        assert len(last(post())["result"]["content"][0]["text"]) == LARGE
        until(lambda count=count: len(said(bridge)) == count)
    assert client.call("big", size=1_000_000)
    older = EventClient(bridge)
    older.open()
    older.ask("tools/call", {"name": "big", "arguments": {"size": LARGE}})
    until(lambda: len(said(bridge)) == 3)
    assert "as this transport sends all" in said(bridge)[-1]


def test_the_log_names_a_large_event_to_a_client_without_a_session(start_bridge: Start) -> None:
    bridge = start_bridge("--isolation", "pooled", command=[*HOSTILE, "--modern"])
    bridge.wait_healthy()
    send(bridge, tool("big", envelope(), size=LARGE), accept=STREAMS).close()
    until(lambda: len(said(bridge)) == 1)


def said(bridge: Bridge) -> list[Any]:
    return [line for line in bridge.log if "is sent as an event" in line]
