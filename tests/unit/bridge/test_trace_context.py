"""A trace goes on in the server: its context stands in `_meta` (W3C Trace Context, OpenTelemetry's conventions)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from bridge.protocol.message import parse
from bridge.trace_context import context_of
from hypothesis import given, settings
from hypothesis import strategies as st
from records.call import MARK as RAW_MARK
from records.call import Call, Trace, call_of
from records.line import Line

from tests.unit.bridge.client import HOSTILE, Bridge, Client, request, until
from tests.unit.bridge.test_legacy_sse import EventClient
from tests.unit.bridge.test_stateless_http import envelope, send, text, tool

Start = Callable[..., Bridge]
MARK = RAW_MARK.decode()
CONTEXT = {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "vendor=t61rcWkgMzE",
    "baggage": "tenant=orders",
}


def of_the_trace(told: Any) -> dict[str, str]:
    return {name: told["meta"].get(name) for name in CONTEXT}


@pytest.mark.parametrize("isolation", ["per_session", "pooled", "shared"])
def test_the_server_gets_it_in_every_isolation(start_bridge: Start, isolation: str) -> None:
    bridge = start_bridge("--isolation", isolation)
    bridge.wait_healthy()
    client = Client(bridge)
    client.open()
    answer = client.call_raw("params", {**CONTEXT, "progressToken": 7})
    assert of_the_trace(json.loads(answer["result"]["content"][0]["text"])) == CONTEXT


@pytest.mark.parametrize("server", [HOSTILE, [*HOSTILE, "--modern"]], ids=["older", "modern"])
def test_the_server_gets_it_from_requests_that_stand_alone(start_bridge: Start, server: list[str]) -> None:
    bridge = start_bridge("--isolation", "pooled", command=server)
    bridge.wait_healthy()
    assert of_the_trace(text(send(bridge, tool("params", envelope(**CONTEXT))))) == CONTEXT


OTHER = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
PARENT = CONTEXT["traceparent"]


def traced(bridge: Bridge, tool: str = "echo") -> Call:
    """The record of the one call of a tool."""

    def found() -> Call | None:
        calls = (
            call_of(Line("x", "", "call", "", line[len(MARK) :], "")) for line in bridge.log if line.startswith(MARK)
        )
        return next((each for each in calls if each is not None and each.tool == tool), None)

    call = until(found)
    assert call is not None
    return call


def trace_of(bridge: Bridge) -> Trace:
    found = traced(bridge).trace
    assert found is not None
    return found


@pytest.mark.parametrize("isolation", ["per_session", "pooled", "shared"])
def test_a_record_of_calls_says_to_which_trace_each_belongs(start_bridge: Start, isolation: str) -> None:
    bridge = start_bridge("--isolation", isolation, "--call-record", "traced")
    bridge.wait_healthy()
    client = Client(bridge)
    client.open()
    before = time.time()
    params = {"name": "echo", "arguments": {"text": "s3cret"}, "_meta": CONTEXT}
    reply = client.post(request("tools/call", params, "the id"), traceparent=OTHER, tracestate="not=mine")
    assert reply.status == 200
    found = trace_of(bridge)
    assert abs(found.started / 1_000_000 - before) < 60
    assert (found.parent, found.link, found.state) == (PARENT, OTHER, CONTEXT["tracestate"])
    assert (found.ident, found.error, found.prompt, found.revision) == ("the id", "", "", client.revision)
    assert not [line for line in bridge.log if "s3cret" in line or "tenant" in line]


@pytest.mark.parametrize("server", [HOSTILE, [*HOSTILE, "--modern"]], ids=["older", "modern"])
def test_so_does_that_of_requests_that_stand_alone(start_bridge: Start, server: list[str]) -> None:
    bridge = start_bridge("--isolation", "pooled", "--call-record", "traced", command=server)
    bridge.wait_healthy()
    assert send(bridge, tool("echo", envelope(**CONTEXT), text="x")).status == 200
    found = trace_of(bridge)
    assert (found.parent, found.link, found.revision, found.ident) == (PARENT, "", "2026-07-28", "1")


def test_so_does_that_of_the_older_transport_and_without_one_in_the_call_the_requests_trace_is_the_parent(
    start_bridge: Start,
) -> None:
    bridge = start_bridge("--call-record", "traced")
    client = EventClient(bridge)
    client.open()
    body = json.dumps(request("tools/call", {"name": "echo", "arguments": {"text": "x"}}, 4)).encode()
    headers = {"content-type": "application/json", "traceparent": OTHER, "tracestate": "a=1, b=2"}
    assert bridge.request("POST", client.endpoint, body, headers).status == 202
    found = trace_of(bridge)
    assert (found.parent, found.link, found.state, found.ident) == (OTHER, "", "a=1, b=2", "4")


def test_calls_are_not_traced_unless_somebody_wants_it(start_bridge: Start) -> None:
    bridge = start_bridge()
    client = Client(bridge)
    client.open()
    client.call("echo", CONTEXT, text="x")
    assert traced(bridge).trace is None
    assert not [line for line in bridge.log if "0af7651916cd43dd8448eb211c80319c" in line]


@pytest.mark.parametrize(
    ("meta", "headers", "said"),
    [
        ({"traceparent": PARENT.upper()}, {}, "- - - 1 - -"),
        ({"traceparent": 7, "tracestate": ["x"]}, {}, "- - - 1 - -"),
        ({"traceparent": f"{PARENT} x"}, {"traceparent": OTHER}, f"- {OTHER} - 1 - -"),
        ({"traceparent": PARENT, "tracestate": "é"}, {}, f"- {PARENT} - 1 - -"),
        ({"traceparent": PARENT, "tracestate": "x" * 513}, {}, f"- {PARENT} - 1 - -"),
        ({"traceparent": PARENT, "tracestate": "a=1 %"}, {}, f"- {PARENT} - 1 - a=1%20%25"),
        ({"traceparent": PARENT}, {"traceparent": PARENT}, f"- {PARENT} - 1 - -"),
        ({"traceparent": PARENT}, {"traceparent": "x", "tracestate": "b=2"}, f"- {PARENT} - 1 - -"),
        ({"tracestate": "a=1"}, {}, "- - - 1 - -"),
    ],
)
def test_what_is_no_context_is_none(meta: dict[str, Any], headers: dict[str, str], said: str) -> None:
    message = parse(json.dumps(request("tools/list", {"_meta": meta}, 1)).encode())
    given = {name.encode(): value.encode() for name, value in headers.items()}
    assert context_of(message, given, None) == said


def test_a_prompt_is_named_and_nothing_else_of_what_is_asked_for() -> None:
    message = parse(json.dumps(request("prompts/get", {"name": "a b", "arguments": {"x": "s3cret"}}, 1)).encode())
    assert context_of(message, {}, "2025-11-25") == "2025-11-25 - - 1 a%20b -"
    message = parse(json.dumps(request("resources/read", {"name": "s3cret", "uri": "s3cret://"}, 1)).encode())
    assert "s3cret" not in context_of(message, {}, None)


@given(st.text(max_size=600), st.text(max_size=100), st.text(max_size=100))
@settings(max_examples=100)
def test_whatever_a_client_says_of_its_trace_the_record_is_one_line_that_is_read_back(
    state: str, ident: str, prompt: str
) -> None:
    params = {"name": prompt, "_meta": {"traceparent": PARENT, "tracestate": state}}
    message = parse(json.dumps(request("prompts/get", params, ident)).encode())
    words = f"2026-11-29T01:19:13.123Z - prompts/get - ok 1.0 1 - {context_of(message, {}, None)}"
    assert words.isascii()
    assert words.isprintable()
    assert len(words) < 3000  # a pipe takes a whole line of the log
    call = call_of(Line("x", "", "call", "", words, ""))
    assert call is not None
    assert call.trace is not None
    assert call.trace.parent == PARENT
    assert call.trace.state in ("", state)
