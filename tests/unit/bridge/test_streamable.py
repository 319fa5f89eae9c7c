"""Streamable HTTP as the revisions from 2025-03-26 to 2025-11-25 have it."""

from __future__ import annotations

import json
import threading

import pytest

from tests.unit.bridge.client import Bridge, Client, Listener, last, request, until


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2027-01-01"])
def test_a_client_of_any_revision_with_sessions_is_served(bridge: Bridge, revision: str) -> None:
    client = Client(bridge, revision)
    assert client.open()["protocolVersion"] == revision
    assert client.call("echo", text="hé") == "hé"
    assert client.delete().status == 204


def test_the_session_is_named_by_the_answer_to_initialize_and_nobody_can_guess_it(bridge: Bridge) -> None:
    names = set()
    for _ in range(3):
        client = Client(bridge)
        client.open()
        names.add(client.session)
        assert client.session is not None
        assert len(client.session) >= 32
        client.delete()
    assert len(names) == 3


def test_an_unknown_session_is_404_and_a_missing_one_400(bridge: Bridge) -> None:
    client = Client(bridge)
    assert client.post(request("tools/list", None, 1)).status == 400
    assert client.bridge.request("DELETE").status == 400
    client.session = "constructor"
    reply = client.post(request("tools/list", None, 7))
    assert reply.status == 404
    assert reply.json["id"] is None  # the body is not read
    assert client.listen().status == 404
    assert client.delete().status == 404


def test_a_deleted_session_is_404(bridge: Bridge) -> None:
    client = Client(bridge)
    client.open()
    assert client.delete().status == 204
    assert client.post(request("ping", None, 1)).status == 404


def test_a_quick_answer_is_plain_json(client: Client) -> None:
    def plain() -> bool:  # on a busy machine an answer may not be quick
        reply = client.post(client.calling("echo", text="x"))
        return (reply.status, reply.headers["content-type"]) == (200, "application/json")

    until(plain)


def test_a_client_that_takes_only_json_gets_json_however_long_it_takes(client: Client) -> None:
    reply = client.post(client.calling("sleep", seconds=2), accept="application/json")
    assert reply.json["result"]["content"][0]["text"] == "slept"


def test_a_client_that_takes_only_streams_gets_a_stream(client: Client) -> None:
    reply = client.post(client.calling("echo", text="x"), accept="text/event-stream")
    assert last(reply)["result"]["content"][0]["text"] == "x"
    assert reply.is_stream


def test_a_client_that_takes_neither_is_406(client: Client) -> None:
    assert client.post(client.calling("echo"), accept="text/html").status == 406
    assert client.bridge.request("GET", headers=client.headers(accept="application/json")).status == 406


def test_a_body_that_is_not_declared_as_json_is_415(client: Client) -> None:
    assert client.post(client.calling("echo"), content_type="text/plain").status == 415


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{nope", -32700),
        (b"\xff", -32700),
        (b"42", -32600),
        (b"{}", -32600),
        (b"[]", -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        (b'{"id":[],"method":"ping"}', -32600),
        (b'{"id":1.5,"method":"ping"}', -32600),
        (b'{"id":NaN,"method":"ping"}', -32600),
        (b'{"id":true,"method":"ping"}', -32600),
        (b'{"id":1,"method":["ping"]}', -32600),
        (b'{"id":1,"method":"ping","params":[1]}', -32602),
        (b'{"id":1,"method":"ping","params":"x"}', -32602),
        (b'{"id":1,"method":"ping","params":{"_meta":7}}', -32602),
        (b'{"id":1,"method":"ping","params":{"_meta":{"progressToken":{}}}}', -32602),
        (b'{"id":1,"method":"ping","params":{"_meta":{"progressToken":[1]}}}', -32602),
        (b'{"id":1,"method":"ping","params":{"_meta":{"progressToken":1.5}}}', -32602),
        (b'{"method":"notifications/cancelled","params":{"requestId":{}}}', -32602),
        (b'{"method":"notifications/cancelled","params":{"requestId":[]}}', -32602),
        (b'{"method":"notifications/progress","params":{"progressToken":true}}', -32602),
        (b"[" + b",".join([b'{"id":1,"method":"ping"}'] * 101) + b"]", -32600),
        (b'{"id":1,"method":"ping","params":{"x":[' + b"[]," * 250_000 + b"[]]}}", -32600),
        (b"[" * 100_000, -32700),
    ],
)
def test_a_body_that_is_no_message_is_400_with_the_reason(client: Client, body: bytes, code: int) -> None:
    reply = client.post(body)
    assert reply.status == 400
    assert reply.json["error"]["code"] == code


def test_notifications_and_answers_are_202_without_a_body(client: Client) -> None:
    assert client.post({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"}).status == 202
    reply = client.post({"jsonrpc": "2.0", "id": "nobody-asked", "result": {}})
    assert (reply.status, reply.body) == (202, b"")


def test_other_methods_are_405_and_other_paths_404(bridge: Bridge) -> None:
    reply = bridge.request("PUT")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, POST, DELETE")
    assert bridge.request("GET", "/mcp/xy").status == 404
    assert bridge.request("GET", "/mcp/x/other").status == 404


@pytest.mark.parametrize("path", ["/mcp/x/mcp", "/mcp/x/mcp/", "/mcp/x", "/mcp/x/", "/mcp", "/"])
def test_the_endpoint_has_an_alias_and_works_where_a_balancer_takes_the_prefix_away(bridge: Bridge, path: str) -> None:
    body = json.dumps(request("ping", None, 1)).encode()
    reply = bridge.request("POST", path, body, Client(bridge).headers())
    assert reply.json["error"]["message"] == "the Mcp-Session-Id header is missing"


@pytest.mark.parametrize(
    "value",
    [
        '{"big":123456789012345678901234567890,"small":1e-400,"float":1.10,"exp":1E5,"neg":-0}',
        '{"é":"\\u00e9","pair":"\\ud83c\\udf89","lone":"\\ud800","nul":"\\u0000","slash":"\\/"}',
        '{"unknown":{"deep":[[[[{"a":null}]]]]},"jsonrpc":"1.0","id":"inner","method":"inner"}',
        '{ "spaces" :  [ 1 , 2 ]\t}',
        '{"dup":1,"dup":2}',
        '{"nan":NaN,"inf":-Infinity}',
    ],
)
def test_what_the_server_says_arrives_byte_for_byte(client: Client, value: str) -> None:
    reply = client.post(client.calling("raw", json=value))
    assert reply.body.endswith(b'"result":' + value.encode() + b"}")


def test_what_the_client_says_may_be_spread_over_lines(client: Client) -> None:
    body = b'{"jsonrpc":"2.0",\r\n"id":"q","method":"tools/call",\n"params":{"name":"params","arguments":{"f":1.10e2}}}'
    arguments = json.loads(client.post(body).json["result"]["content"][0]["text"])["arguments"]
    assert arguments == {"f": 110.0}


@pytest.mark.parametrize("ident", [0, -1, 2**53, "", "a b", "é", 1.0])
def test_ids_of_any_kind_come_back_as_they_were(client: Client, ident: int | str | float) -> None:
    message = {**client.calling("echo", text="x"), "id": ident}
    answer = last(client.post(message))
    assert answer["id"] == ident
    assert type(answer["id"]) is type(ident)


def test_an_id_that_is_in_flight_cannot_be_used_again(client: Client) -> None:
    slow = client.calling("sleep", seconds=0.6)
    results = []
    thread = threading.Thread(target=lambda: results.append(last(client.post(slow))))
    thread.start()
    until(lambda: client.bridge.health()["calls_in_flight"] == 1)
    assert client.post({**client.calling("echo"), "id": slow["id"]}).status == 400
    thread.join()
    assert results[0]["result"]["content"][0]["text"] == "slept"


def test_progress_arrives_on_the_stream_of_its_call(client: Client) -> None:
    listener = Listener(client.listen())
    both = []

    def run(token: str | int) -> None:
        reply = client.post(client.calling("progress", {"progressToken": token}, steps=5, tag=str(token)))
        both.append((token, [event.json for event in reply.events if event.data]))

    threads = [threading.Thread(target=run, args=(token,)) for token in ("a", "b", 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(both) == 3
    for token, messages in both:
        assert [one["params"]["progress"] for one in messages[:-1]] == [1, 2, 3, 4, 5]
        assert {one["params"]["progressToken"] for one in messages[:-1]} == {token}
        assert "result" in messages[-1]
    assert [event for event in listener.seen if event.data] == []


def test_a_servers_question_reaches_its_client_on_the_call_in_flight_and_the_answer_comes_back(client: Client) -> None:
    for tool, method in (
        ("sample", "sampling/createMessage"),
        ("elicit", "elicitation/create"),
        ("roots", "roots/list"),
    ):
        listener = Listener(client.post(client.calling(tool, tag="question")))
        asked = listener.message()
        assert asked["method"] == method
        answer = {"jsonrpc": "2.0", "id": asked["id"], "result": {"for": tool}}
        assert client.post(answer).status == 202
        assert json.loads(listener.message()["result"]["content"][0]["text"])["result"] == {"for": tool}
        while listener.next() is not None:
            pass


def test_a_question_between_calls_waits_for_the_listening_stream(client: Client) -> None:
    client.call("later", seconds=0.05)
    listener = Listener(client.listen())
    asked = listener.message()
    assert asked["method"] == "roots/list"
    assert client.post({"jsonrpc": "2.0", "id": asked["id"], "result": {"roots": []}}).status == 202


def test_list_changes_go_to_the_listening_stream_where_there_is_one(client: Client) -> None:
    listener = Listener(client.listen())
    reply = client.post(client.calling("changed"))
    assert not reply.is_stream
    assert listener.message()["method"] == "notifications/tools/list_changed"


def test_what_one_client_causes_never_reaches_another(bridge: Bridge) -> None:
    one, other = Client(bridge), Client(bridge)
    one.open()
    other.open()
    heard = Listener(other.listen())
    one.call("set", value="mine")
    assert other.call("get") == {"value": None}
    one.call("log", count=3, tag="mine")
    one.call("changed")
    assert one.call("whoami")["pid"] != other.call("whoami")["pid"]
    assert other.delete().status == 204
    while heard.next() is not None:  # the session's end ends its streams
        pass
    assert [event.data for event in heard.seen if event.data] == []
    one.delete()


def test_a_broken_stream_is_resumed_where_it_broke(client: Client) -> None:
    reply = client.post(client.calling("sleep", {"progressToken": "t"}, seconds=1.2), accept="text/event-stream")
    primer = next(reply.events)
    reply.close()
    resumed = client.listen(last_event_id=primer.id or "")
    answer = [event for event in resumed.events if event.data]
    assert [event.json["result"]["content"][0]["text"] for event in answer] == ["slept"]


def test_the_end_of_a_stream_can_be_had_again(client: Client) -> None:
    reply = client.post(client.calling("progress", {"progressToken": 1}, steps=4))
    all_events = list(reply.events)
    middle = next(event for event in all_events if event.data and event.json["params"]["progress"] == 2)
    again = list(client.listen(last_event_id=middle.id or "").events)
    assert [event.id for event in again] == [event.id for event in all_events[all_events.index(middle) + 1 :]]


def test_nobody_can_resume_a_stream_of_another_session(bridge: Bridge, client: Client) -> None:
    reply = client.post(client.calling("progress", {"progressToken": 1}, steps=3))
    event = list(reply.events)[-1]
    other = Client(bridge)
    other.open()
    assert other.listen(last_event_id=event.id or "").status == 400
    assert other.listen(last_event_id="nonsense").status == 400
    other.delete()


def test_what_is_said_while_nobody_listens_waits_for_the_next_listener(client: Client) -> None:
    first = client.listen()
    next(first.events)
    first.close()
    client.post(client.calling("changed"), accept="application/json")
    second = Listener(client.listen())
    assert second.message()["method"] == "notifications/tools/list_changed"


def test_a_cancelled_call_ends_and_the_server_hears_of_it(client: Client) -> None:
    message = client.calling("sleep", seconds=30)
    reply = Listener(client.post(message, accept="text/event-stream"))
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": message["id"]}}
    assert client.post(cancelled).status == 202
    assert reply.message()["error"]["code"] == -32800
    assert client.call("cancelled") == [str(message["id"])]


def test_a_disconnect_does_not_cancel(client: Client) -> None:
    reply = client.post(client.calling("sleep", seconds=0.8), accept="text/event-stream")
    next(reply.events)
    reply.close()
    assert client.call("cancelled") == []
    assert client.bridge.health()["calls_in_flight"] >= 1


def test_a_batch_is_split_for_the_server_and_answered_as_a_batch(bridge: Bridge) -> None:
    client = Client(bridge, "2025-03-26")
    client.open()
    batch = [client.calling("echo", text="[1]"), {"jsonrpc": "2.0", "method": "notifications/x"}]
    batch.append(client.calling("echo", text='"}'))
    reply = client.post(batch)
    assert sorted(one["result"]["content"][0]["text"] for one in reply.json) == ['"}', "[1]"]
    assert client.post([{"jsonrpc": "2.0", "method": "notifications/x"}]).status == 202
    client.delete()


def test_a_revision_without_batches_refuses_them(client: Client) -> None:
    assert client.post([client.calling("echo")]).status == 400


def test_an_initialize_that_the_server_refuses_opens_no_session(bridge: Bridge) -> None:
    before = bridge.health()["sessions"]
    reply = Client(bridge).post(request("initialize", {"no": "version"}, 1))
    assert "error" in last(reply)
    assert "mcp-session-id" not in reply.headers
    until(lambda: bridge.health()["sessions"] == before)


def test_a_client_that_already_has_a_session_cannot_open_it_again(client: Client) -> None:
    assert client.post(request("initialize", {"protocolVersion": "2025-06-18"}, 99)).status == 200
    assert client.call("echo", text="still here") == "still here"
