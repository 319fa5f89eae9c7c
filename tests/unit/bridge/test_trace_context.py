"""A trace goes on in the server: its context stands in `_meta` (W3C Trace Context, OpenTelemetry's conventions)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.bridge.client import HOSTILE, Bridge, Client
from tests.unit.bridge.test_stateless_http import envelope, send, text, tool

Start = Callable[..., Bridge]
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
