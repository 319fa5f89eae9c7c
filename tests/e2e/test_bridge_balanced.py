"""The bridge behind a real balancer, one that keeps the path and one whose rule takes the prefix away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.support.local_alb import LocalAlb, running
from tests.unit.bridge.client import Bridge, Client, Listener, request, start
from tests.unit.bridge.test_legacy_sse import EventClient
from tests.unit.bridge.test_stateless_http import envelope, last, send, tool


class Balanced(Bridge):
    """A bridge as it is seen through the balancer."""

    def __init__(self, port: int, path: str) -> None:
        self.port = port
        self.path = path
        self.log = []


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAlb]:
    with running(LocalAlb(tmp_path_factory.mktemp("alb"))) as host:
        yield host


@pytest.fixture(scope="module", params=["kept", "taken"])
def balanced(host: LocalAlb, request: pytest.FixtureRequest) -> Iterator[Balanced]:
    """A pooled server behind a rule; with `taken` the rule rewrites `/mcp/taken/x` to `/x`."""
    name = request.param
    path = f"/mcp/{name}"
    behind = start("--isolation", "pooled", path=path)
    behind.wait_healthy()
    group = host.group(f"mcp-{name}", behind.port)
    rewrites = [{"Regex": f"^{path}/?(.*)$", "Replace": "/$1"}]
    transforms = [{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": rewrites}}]
    host.rule(len(name) * 7, [path, f"{path}/*"], group, **({"Transforms": transforms} if name == "taken" else {}))
    host.healthy(group)
    yield Balanced(host.port, path)
    assert behind.stop() == 0


@pytest.fixture(scope="module")
def personal(host: LocalAlb) -> Iterator[Balanced]:
    behind = start("--max-sessions", "2", path="/mcp/personal")
    behind.wait_healthy()
    group = host.group("mcp-personal", behind.port)
    host.rule(100, ["/mcp/personal", "/mcp/personal/*"], group)
    host.healthy(group)
    yield Balanced(host.port, "/mcp/personal")
    assert behind.stop() == 0


def test_clients_of_both_eras_are_served(balanced: Balanced) -> None:
    client = Client(balanced)
    client.open()
    assert client.call("echo", text="older") == "older"
    found = last(send(balanced, tool("echo", envelope(), text="newer")))
    assert found["result"]["content"][0]["text"] == "newer"
    assert client.delete().status == 204


def test_the_older_transport_is_told_a_path_that_leads_back_to_it(balanced: Balanced) -> None:
    client = EventClient(balanced, f"{balanced.path}/sse")
    assert client.endpoint.startswith(f"{balanced.path}/messages?session_id=")
    client.open()
    answer = client.ask("tools/call", {"name": "echo", "arguments": {"text": "through"}}, 7)
    assert answer["result"]["content"][0]["text"] == "through"
    client.stream.reply.close()


def test_health_is_seen_and_metrics_are_not(balanced: Balanced) -> None:
    assert balanced.health()["state"] == "ok"
    assert balanced.request("GET", f"{balanced.path}/metrics").status == 404


def test_a_broken_stream_is_resumed_and_a_full_bridge_says_when_to_come_back(personal: Balanced) -> None:
    clients = [Client(personal) for _ in range(2)]
    for client in clients:
        client.open()
    refused = Client(personal).post(request("initialize", {"protocolVersion": "2025-06-18"}, 1))
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    call = clients[0].calling("sleep", {"progressToken": 1}, seconds=2)
    first = Listener(clients[0].post(call, accept="text/event-stream"))
    event = first.next(30)  # the stream begins with the id from which it can be resumed
    assert event is not None
    first.reply.close()
    again = Listener(clients[0].listen(last_event_id=event.id or ""))
    assert again.message(30)["result"]["content"][0]["text"] == "slept"
    for client in clients:
        client.delete()
