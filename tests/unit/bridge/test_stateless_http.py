"""Revision 2026-07-28: requests that stand alone."""

from __future__ import annotations

import base64
import gc
import json
import weakref
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from bridge.limits import Limits
from bridge.metrics import Metrics
from bridge.protocol.message import parse
from bridge.transport.plain_stream import PlainStreams
from bridge.transport.stateless_http import StatelessHttp
from bridge.upstream.handshake import Handshake
from bridge.upstream.health import Health
from bridge.upstream.rest import Rest

from tests.unit.bridge.client import BOTH, HOSTILE, META, Bridge, Client, Listener, Reply, last, request, start, until

Start = Callable[..., Bridge]
MODERN = "2026-07-28"


def envelope(**more: Any) -> dict[str, Any]:
    return {META + "protocolVersion": MODERN, META + "clientCapabilities": {}, **more}


def send(bridge: Bridge, message: dict[str, Any], **headers: str | None) -> Reply:
    """Posts `message` with the headers that belong to it; those given replace them, None leaves one out."""
    params = message.get("params", {})
    named = params.get("name") or params.get("uri")
    found: dict[str, str | None] = {
        "content-type": "application/json",
        "accept": BOTH,
        "mcp-protocol-version": params.get("_meta", {}).get(META + "protocolVersion", MODERN),
        "mcp-method": message.get("method"),
        "mcp-name": named,
    }
    found.update({name.replace("_", "-"): value for name, value in headers.items()})
    kept = {name: value for name, value in found.items() if value is not None}
    return bridge.request("POST", None, json.dumps(message).encode(), kept)


def tool(name: str, meta: dict[str, Any] | None = None, ident: int | str = 1, **arguments: Any) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments, "_meta": envelope() if meta is None else meta}
    return request("tools/call", params, ident)


def text(reply: Reply) -> Any:
    return json.loads(last(reply)["result"]["content"][0]["text"])


@pytest.fixture(scope="module")
def modern() -> Iterator[Bridge]:
    """A bridge before a server of the new era."""
    bridge = start(command=[*HOSTILE, "--modern", "--pages"])
    bridge.wait_healthy()
    yield bridge
    assert bridge.stop() == 0


@pytest.fixture(scope="module", params=["pooled", "shared"])
def translating(request: pytest.FixtureRequest) -> Iterator[Bridge]:
    """A bridge before an older server whose children serve many clients."""
    bridge = start("--isolation", request.param, command=[*HOSTILE, "--pages"])
    bridge.wait_healthy()
    yield bridge
    assert bridge.stop() == 0


def test_a_server_of_the_new_era_is_relayed_without_a_session(modern: Bridge) -> None:
    found = send(modern, request("server/discover", {"_meta": envelope()}, "d"))
    assert last(found)["result"]["supportedVersions"] == [MODERN]
    assert last(found)["id"] == "d"
    reply = send(modern, tool("params", envelope(x=1), f=1))
    assert "mcp-session-id" not in reply.headers
    assert text(reply) == {"meta": envelope(x=1), "arguments": {"f": 1}}


def test_progress_comes_on_the_requests_own_stream(modern: Bridge) -> None:
    reply = send(modern, tool("progress", envelope(progressToken="mine"), steps=3))
    messages = [event.json for event in reply.events]
    assert [one.get("params", {}).get("progressToken") for one in messages] == ["mine"] * 3 + [None]
    assert messages[-1]["result"]["resultType"] == "complete"


def test_an_older_server_is_told_by_the_documented_error_so_that_clients_fall_back(bridge: Bridge) -> None:
    reply = send(bridge, request("server/discover", {"_meta": envelope()}, 5))
    assert reply.status == 400
    assert reply.json["id"] == 5
    assert reply.json["error"]["code"] == -32022
    assert reply.json["error"]["data"]["requested"] == MODERN
    assert "2025-11-25" in reply.json["error"]["data"]["supported"]


def test_both_eras_are_served_on_one_url(translating: Bridge) -> None:
    client = Client(translating)
    client.open()
    assert client.call("echo", text="old") == "old"
    assert last(send(translating, tool("echo", text="new")))["result"]["content"][0]["text"] == "new"


def test_an_older_server_serves_new_clients_where_children_are_shared(translating: Bridge) -> None:
    found = last(send(translating, request("server/discover", {"_meta": envelope()}, 1)))["result"]
    assert found["supportedVersions"][0] == MODERN
    assert found["_meta"][META + "serverInfo"]["name"] == "hostile"
    assert found["instructions"] == "beware"
    listed = last(send(translating, request("tools/list", {"_meta": envelope()}, "l")))
    assert (listed["id"], listed["result"]["resultType"], listed["result"]["ttlMs"]) == ("l", "complete", 0)
    assert text(send(translating, tool("params", envelope(own=1), a=1))) == {"meta": {"own": 1}, "arguments": {"a": 1}}


def test_a_subscription_to_an_older_server_hears_of_list_changes(translating: Bridge) -> None:
    params = {"_meta": envelope(), "notifications": {"toolsListChanged": True, "resourceSubscriptions": ["x://1"]}}
    listener = Listener(send(translating, request("subscriptions/listen", params, "sub")))
    acknowledged = listener.message()
    assert acknowledged["params"]["notifications"] == {"toolsListChanged": True}
    send(translating, tool("changed"))
    changed = listener.message()
    assert changed["method"] == "notifications/tools/list_changed"
    assert changed["params"]["_meta"] == {META + "subscriptionId": "sub"}
    listener.reply.close()


def test_subscriptions_of_many_clients_are_kept_apart(modern: Bridge) -> None:
    params = {"_meta": envelope(), "notifications": {"toolsListChanged": True}}
    listeners = [Listener(send(modern, request("subscriptions/listen", params, ident))) for ident in ("a", 2)]
    for listener, ident in zip(listeners, ("a", 2), strict=True):
        for _ in range(3):
            assert listener.message()["params"]["_meta"] == {META + "subscriptionId": ident}
        listener.reply.close()
    until(lambda: modern.health()["calls_in_flight"] == 0)


def test_leaving_the_stream_cancels(modern: Bridge) -> None:
    listener = Listener(
        send(modern, tool("sleep", envelope(progressToken="p"), seconds=60), accept="text/event-stream")
    )
    until(lambda: modern.health()["calls_in_flight"] == 1)
    listener.reply.close()
    until(lambda: modern.health()["calls_in_flight"] == 0)
    cancelled = 'mcp_method_name="tools/call",gen_ai_tool_name="_OTHER",error_type="cancelled"'
    assert modern.metrics()[f"mcp_server_operation_duration_seconds_count{{{cancelled}}}"] >= 1


@pytest.mark.parametrize(
    ("headers", "wrong"),
    [
        ({"mcp_method": "tools/list"}, "Mcp-Method"),
        ({"mcp_method": None}, "Mcp-Method"),
        ({"mcp_name": "other"}, "Mcp-Name"),
        ({"mcp_name": None}, "Mcp-Name"),
        ({"mcp_name": "=?base64?bm90IGl0?="}, "Mcp-Name"),
        ({"mcp_name": "=?base64?!!!?="}, "Mcp-Name"),
        ({"mcp_protocol_version": "2099-01-01"}, "MCP-Protocol-Version"),
        ({"mcp_protocol_version": None}, "MCP-Protocol-Version"),
    ],
)
def test_headers_that_contradict_the_body_are_refused(modern: Bridge, headers: dict[str, Any], wrong: str) -> None:
    reply = send(modern, tool("echo", text="x"), **headers)
    assert reply.status == 400
    assert reply.json["error"]["code"] == -32020
    assert wrong in reply.json["error"]["message"]


def test_a_name_beyond_ascii_travels_encoded(modern: Bridge) -> None:
    encoded = f"=?base64?{base64.b64encode('größe'.encode()).decode()}?="
    reply = send(modern, tool("größe"), mcp_name=encoded)
    assert reply.status == 404  # the server knows no such tool, and says so with "method not found"


@pytest.mark.parametrize("lacking", ["protocolVersion", "clientCapabilities"])
def test_a_request_without_its_envelope_is_invalid(modern: Bridge, lacking: str) -> None:
    meta = envelope()
    del meta[META + lacking]
    reply = send(modern, tool("echo", meta))
    assert reply.status == 400
    assert reply.json["error"]["code"] == -32602
    assert lacking in reply.json["error"]["message"]


def test_a_revision_that_nobody_knows_is_answered_with_those_that_are(modern: Bridge, translating: Bridge) -> None:
    meta = {**envelope(), META + "protocolVersion": "2099-01-01"}
    for bridge in (modern, translating):
        reply = send(bridge, tool("echo", meta))
        assert reply.status == 400
        assert reply.json["error"]["code"] == -32022
        assert MODERN in reply.json["error"]["data"]["supported"]


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "resources/subscribe"])
def test_a_method_that_only_older_revisions_have_is_404(translating: Bridge, method: str) -> None:
    reply = send(translating, request(method, {"_meta": envelope(), "level": "info", "uri": "x://1"}, 3), mcp_name=None)
    assert (reply.status, reply.json["error"]["code"]) == (404, -32601)


@pytest.mark.parametrize(("level", "messages"), [(None, 0), ("error", 0), ("info", 2), ("debug", 2)])
def test_an_older_servers_log_comes_where_the_request_asks_for_it(
    translating: Bridge, level: str | None, messages: int
) -> None:
    meta = envelope() if level is None else envelope(**{META + "logLevel": level})
    reply = send(translating, tool("log", meta, count=2, tag="t"))
    found = [event.json for event in reply.events] if reply.is_stream else [reply.json]
    assert [one["params"]["data"] for one in found[:-1]] == [["t", 0], ["t", 1]][:messages]
    assert found[-1]["result"]["content"][0]["text"] == "logged"


def test_white_space_around_a_header_means_nothing(modern: Bridge) -> None:
    assert send(modern, tool("echo", text="x"), mcp_name="  echo \t").status == 200


def test_a_method_that_the_server_lacks_is_404_with_its_error(modern: Bridge) -> None:
    reply = send(modern, request("no/such", {"_meta": envelope()}, 3))
    assert reply.status == 404
    assert reply.json["error"]["code"] == -32601


def test_get_delete_batches_and_answers_are_not_of_this_revision(modern: Bridge) -> None:
    for method in ("GET", "DELETE"):
        assert modern.request(method, headers={"mcp-protocol-version": MODERN, "accept": BOTH}).status == 405
    headers = {"content-type": "application/json", "mcp-protocol-version": MODERN}
    assert modern.request("POST", None, json.dumps([tool("echo")]).encode(), headers).status == 400
    assert modern.request("POST", None, b'{"jsonrpc":"2.0","id":1,"result":{}}', headers).status == 400
    assert modern.request("POST", None, b'{"jsonrpc":"2.0","method":"notifications/x"}', headers).status == 202


def test_while_the_server_is_unwell_the_answer_is_503_with_the_reason(start_bridge: Start) -> None:
    bridge = start_bridge(command=["/does/not/exist"])
    until(lambda: bridge.health()["state"] == "failing")
    reply = send(bridge, tool("echo"))
    assert reply.status == 503
    assert "cannot be started" in reply.json["error"]["message"]


def test_a_server_that_dies_in_a_call_is_told_and_the_next_call_is_served(modern: Bridge) -> None:
    assert "exited with status 3" in last(send(modern, tool("die")))["error"]["message"]
    assert last(send(modern, tool("echo", text="x")))["result"]["content"][0]["text"] == "x"


REGION = {"mcp_param_region": "eu"}


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({}, {}),
        ({"region": None, "where": {}}, {}),
        ({"region": "eu", "count": 2}, REGION),
        ({"region": "größe"}, {"mcp_param_region": f"=?base64?{base64.b64encode('größe'.encode()).decode()}?="}),
        ({"where": {"deep": 42}}, {"mcp_param_deep": "42.0"}),
        ({"other": "x"}, {"mcp_param_other": "y"}),
    ],
)
def test_arguments_that_agree_with_their_headers_are_passed_on(
    modern: Bridge, translating: Bridge, arguments: dict[str, Any], headers: dict[str, str]
) -> None:
    for bridge in (modern, translating):
        assert text(send(bridge, tool("params", **arguments), **headers))["arguments"] == arguments


@pytest.mark.parametrize(
    ("arguments", "headers", "wrong"),
    [
        ({"region": "eu"}, {}, "region"),
        ({"region": "us"}, REGION, "region"),
        ({}, REGION, "region"),
        ({"region": None}, REGION, "region"),
        ({"region": "eu"}, {"mcp_param_region": "=?base64?!!!?="}, "region"),
        ({"region": "größe"}, {"mcp_param_region": "größe"}, "region"),
        ({"region": ["eu"]}, REGION, "region"),
        ({"where": {"deep": 42}}, {"mcp_param_deep": "42.5"}, "deep"),
        ({"where": {"deep": True}}, {"mcp_param_deep": "1"}, "deep"),
    ],
)
def test_arguments_that_contradict_their_headers_are_refused(
    modern: Bridge, translating: Bridge, arguments: dict[str, Any], headers: dict[str, str], wrong: str
) -> None:
    for bridge in (modern, translating):
        reply = send(bridge, tool("params", **arguments), **headers)
        assert (reply.status, reply.json["error"]["code"]) == (400, -32020)
        assert f"mcp-param-{wrong}" in reply.json["error"]["message"]


def test_a_server_that_cannot_list_its_tools_is_called_all_the_same(start_bridge: Start) -> None:
    bridge = start_bridge(command=[*HOSTILE, "--modern", "--no-list"])
    bridge.wait_healthy()
    for _ in range(2):
        assert text(send(bridge, tool("params", a=1), **REGION))["arguments"] == {"a": 1}


class Departed:
    """A request whose client has left."""

    client = "192.0.2.1"
    answered = True
    on_lost = None

    def __init__(self, message: dict[str, Any]) -> None:
        self.headers = {
            b"mcp-protocol-version": MODERN.encode(),
            b"mcp-method": message["method"].encode(),
        }

    def open_stream(self, **_more: Any) -> None:
        """There is nobody to write to."""

    write = release = open_stream


def test_a_subscriber_that_left_before_the_server_was_ready_is_forgotten() -> None:
    message = request("subscriptions/listen", {"_meta": envelope(), "notifications": {"toolsListChanged": True}}, 1)
    health, limits = Health(), Limits()
    services: Any = SimpleNamespace(loop=None, log=None, limits=limits, metrics=Metrics(), calls=None)
    upstreams: Any = SimpleNamespace(dedicated=False)
    served = StatelessHttp(services, upstreams, health, Rest(limits, "x"), PlainStreams(limits))
    departed: Any = Departed(message)
    served.serve(departed, [parse(json.dumps(message).encode())], batch=False, can_json=True, can_stream=True)
    kept = weakref.ref(departed)
    del departed
    answer = parse(b'{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}}')
    health.initialized(Handshake(False, "2025-11-25", ("2025-11-25",), answer), 0.0)
    gc.collect()
    assert kept() is None
