"""What clients and servers write wrongly ends in an error that says so, and never in a call that has no end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from bridge.protocol.message import Message, NotAMessage, from_value, parse
from bridge.upstream.forwarded_call import ForwardedCall
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.bridge.client import META, Bridge, Client, last, request, until
from tests.unit.bridge.test_legacy_sse import EventClient

Start = Callable[..., Bridge]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
WRONG = [{}, [], [1], True, 1.5, "x" * 2000]


@given(anything, anything, anything, anything)
def test_what_passes_as_a_message_can_be_looked_up_by_all_its_names(
    ident: Any, token: Any, wanted: Any, method: Any
) -> None:
    value = {"id": ident, "method": method, "params": {"_meta": {"progressToken": token}, "requestId": wanted}}
    for method in (value["method"], "notifications/cancelled"):
        try:
            message = from_value(b"", {**value, "method": method})
        except NotAMessage:
            continue
        names = [message.id, message.meta.get("progressToken")]
        if method == "notifications/cancelled":
            names.append(message.params.get("requestId"))
        for name in names:
            assert {name: 1}[name] == 1
        assert message.shorn().id == message.id


@pytest.mark.parametrize("isolation", ["per_session", "pooled", "shared"])
def test_malformed_tokens_and_ids_leave_no_call_behind(start_bridge: Start, isolation: str) -> None:
    bridge = start_bridge("--isolation", isolation)
    bridge.wait_healthy()
    client = Client(bridge)
    client.open()
    for wrong in WRONG:
        reply = client.post(client.calling("echo", {"progressToken": wrong}, text="x"))
        assert (reply.status, reply.json["error"]["code"]) == (400, -32602)
        assert reply.json["id"] is not None
        note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": wrong}}
        assert client.post(note).json["error"]["code"] == -32602
    assert client.call("echo", text="x") == "x"
    assert bridge.health()["calls_in_flight"] == 0


def test_the_older_transport_refuses_them_as_well(bridge: Bridge) -> None:
    client = EventClient(bridge)
    client.open()
    reply = client.post(request("ping", {"_meta": {"progressToken": {}}}, 5))
    assert (reply.status, reply.json["error"]["code"], reply.json["id"]) == (400, -32602, 5)
    assert client.ask("ping")["result"] == {}
    client.stream.reply.close()


def test_a_tool_without_a_name_is_refused_where_its_arguments_stand_in_headers(start_bridge: Start) -> None:
    bridge = start_bridge("--isolation", "pooled")
    bridge.wait_healthy()
    meta = {META + "protocolVersion": "2026-07-28", META + "clientCapabilities": {}}
    for name in ({}, [], 5):
        body = request("tools/call", {"name": name, "arguments": {"a": 1}, "_meta": meta}, 1)
        headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "x"}
        reply = bridge.request("POST", None, json.dumps(body).encode(), {"content-type": "application/json", **headers})
        assert reply.status == 400, reply
    assert bridge.health()["calls_in_flight"] == 0


class Caller:
    """Keeps what the client of a call is told."""

    address = "192.0.2.1"

    def __init__(self) -> None:
        self.told: list[Message] = []

    def receive(self, message: Message) -> None:
        self.told.append(message)

    def fail(self, why: str, *, status: int = 200, retryable: bool = False) -> None:
        raise AssertionError(why)


def test_an_answer_that_cannot_be_read_ends_its_call_with_an_error() -> None:
    caller = Caller()
    call = ForwardedCall(caller, parse(b'{"jsonrpc":"2.0","id":5,"method":"ping"}'))
    twice = b'{"id":"%b","result":{},"id":"%b"}' % (call.ident.encode(), call.ident.encode())
    call.answer(parse(twice))
    (answer,) = caller.told
    assert answer.id == 5
    assert answer.error is not None
    assert "cannot be read" in answer.error["message"]


@pytest.mark.parametrize("isolation", ["per_session", "pooled", "shared"])
def test_a_call_whose_client_left_for_good_is_cancelled_and_holds_no_session(
    start_bridge: Start, isolation: str
) -> None:
    bridge = start_bridge(
        "--isolation",
        isolation,
        "--resume-timeout",
        "1",
        "--idle-timeout",
        "2",
        "--pool-size",
        "1",
        "--warm-processes",
        "0",
    )
    client = Client(bridge)
    client.open()
    reply = client.post(client.calling("sleep", seconds=600), accept="text/event-stream")
    reply.close()
    until(lambda: bridge.health()["calls_in_flight"] == 0)
    if isolation == "shared":
        assert client.call("cancelled") != []
    until(lambda: bridge.health()["sessions"] == 0)


def test_a_call_whose_client_comes_back_in_time_goes_on(start_bridge: Start) -> None:
    bridge = start_bridge("--resume-timeout", "3")
    client = Client(bridge)
    client.open()
    reply = client.post(client.calling("sleep", seconds=6), accept="text/event-stream")
    first = next(reply.events)
    reply.close()
    assert first.id is not None
    again = client.listen(last_event_id=first.id)
    assert last(again)["result"]["content"][0]["text"] == "slept"


def test_an_abandoned_call_with_the_id_of_initialize_ends_alone(start_bridge: Start) -> None:
    bridge = start_bridge("--resume-timeout", "1", "--warm-processes", "0")
    client = Client(bridge)
    client.open()
    call = {**client.calling("sleep", seconds=600), "id": 1}
    client.post(call, accept="text/event-stream").close()
    until(lambda: bridge.health()["calls_in_flight"] == 0)
    assert client.call("echo", text="x") == "x"
