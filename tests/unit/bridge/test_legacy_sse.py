"""HTTP+SSE, the transport of 2024-11-05."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.bridge.client import Bridge, Listener, Reply, request, until

Start = Callable[..., Bridge]


class EventClient:
    """A client of that transport."""

    def __init__(self, bridge: Bridge, path: str = "/mcp/x/sse") -> None:
        self.bridge = bridge
        self.stream = Listener(bridge.request("GET", path, headers={"accept": "text/event-stream"}))
        endpoint = self.stream.next()
        assert endpoint is not None
        assert endpoint.event == "endpoint"
        self.endpoint = endpoint.data

    def post(self, message: Any) -> Reply:
        body = json.dumps(message).encode()
        return self.bridge.request("POST", self.endpoint, body, {"content-type": "application/json"})

    def ask(self, method: str, params: dict[str, Any] | None = None, ident: int | str = 1) -> Any:
        assert self.post(request(method, params, ident)).status == 202
        while True:
            message = self.stream.message()
            if message.get("id") == ident and "method" not in message:
                return message

    def open(self) -> None:
        params = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "e", "version": "1"}}
        assert self.ask("initialize", params, "i")["result"]["serverInfo"]["name"] == "hostile"
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})


@pytest.mark.parametrize("path", ["/mcp/x/sse", "/sse"])
def test_the_endpoint_event_names_the_public_path_with_and_without_a_rewrite(bridge: Bridge, path: str) -> None:
    client = EventClient(bridge, path)
    assert client.endpoint.startswith("/mcp/x/messages?session_id=")
    client.open()
    # A balancer that takes the prefix away passes the message on without it.
    client.endpoint = client.endpoint.removeprefix("/mcp/x")
    assert client.ask("ping")["result"] == {}
    client.stream.reply.close()


@pytest.mark.parametrize("isolation", ["per_session", "pooled", "shared"])
def test_a_session_works_in_every_isolation(start_bridge: Start, isolation: str) -> None:
    bridge = start_bridge("--isolation", isolation)
    bridge.wait_healthy()
    clients = [EventClient(bridge) for _ in range(2)]
    for number, client in enumerate(clients):
        client.open()
        arguments = {"name": "progress", "arguments": {"steps": 2, "tag": str(number)}, "_meta": {"progressToken": 1}}
        client.post(request("tools/call", arguments, "same"))
        assert [client.stream.message()["params"]["message"] for _ in range(2)] == [str(number)] * 2
        assert client.stream.message()["id"] == "same"


def test_questions_of_the_server_come_on_the_stream_and_answers_go_by_post(bridge: Bridge) -> None:
    client = EventClient(bridge)
    client.open()
    client.post(request("tools/call", {"name": "sample", "arguments": {"tag": "q"}}, 9))
    asked = client.stream.message()
    assert asked["method"] == "sampling/createMessage"
    client.post({"jsonrpc": "2.0", "id": asked["id"], "result": {"ok": True}})
    assert '"ok": true' in client.stream.message()["result"]["content"][0]["text"]
    client.stream.reply.close()


def test_the_session_ends_with_its_stream(bridge: Bridge) -> None:
    client = EventClient(bridge)
    client.open()
    client.stream.reply.close()
    until(lambda: client.post(request("ping", None, 1)).status == 404)


def test_the_stream_ends_with_the_child_after_telling_what_was_lost(bridge: Bridge) -> None:
    client = EventClient(bridge)
    client.open()
    assert "exited with status 3" in client.ask("tools/call", {"name": "die", "arguments": {}})["error"]["message"]
    while client.stream.next() is not None:
        pass


def test_an_unknown_session_is_404_and_a_wrong_method_405(bridge: Bridge) -> None:
    assert bridge.request("POST", "/mcp/x/messages?session_id=x", b"{}").status == 404
    assert bridge.request("POST", "/mcp/x/messages", b"{}").status == 404
    assert bridge.request("POST", "/mcp/x/sse", b"{}").status == 405
    assert bridge.request("GET", "/mcp/x/messages").status == 405


def test_event_sessions_count_towards_the_limit(start_bridge: Start) -> None:
    bridge = start_bridge("--max-sessions", "1")
    client = EventClient(bridge)
    assert bridge.request("GET", "/sse").status == 503
    client.stream.reply.close()
    until(lambda: bridge.health()["sessions"] == 0)
    EventClient(bridge)
