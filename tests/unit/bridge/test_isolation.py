"""Children that serve many clients: pooled, one call at a time, and shared, all at once."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.unit.bridge.client import HOSTILE, Bridge, Client, Listener, last, request, start, until

Start = Callable[..., Bridge]


@pytest.fixture(scope="module", params=["pooled", "shared"])
def many(request: pytest.FixtureRequest) -> Iterator[Bridge]:
    """A bridge whose clients share children."""
    bridge = start("--isolation", request.param, "--pool-size", "3")
    bridge.wait_healthy()
    yield bridge
    assert bridge.stop() == 0


@pytest.fixture(scope="module")
def pooled() -> Iterator[Bridge]:
    bridge = start("--isolation", "pooled", "--pool-size", "3")
    bridge.wait_healthy()
    yield bridge
    assert bridge.stop() == 0


@pytest.fixture(scope="module")
def shared() -> Iterator[Bridge]:
    bridge = start("--isolation", "shared")
    bridge.wait_healthy()
    yield bridge
    assert bridge.stop() == 0


def opened(bridge: Bridge, revision: str = "2025-11-25") -> Client:
    client = Client(bridge, revision)
    client.open()
    return client


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-03-26", "2025-11-25"])
def test_initialize_is_answered_in_the_servers_words_and_the_clients_revision(many: Bridge, revision: str) -> None:
    client = Client(many, revision)
    answer = client.open()
    assert answer["serverInfo"] == {"name": "hostile", "version": "1.0"}
    assert answer["instructions"] == "beware"
    assert answer["protocolVersion"] == revision


def test_a_client_of_an_unknown_revision_is_offered_the_servers(many: Bridge) -> None:
    assert Client(many, "2099-01-01").open()["protocolVersion"] == "2025-11-25"


def test_a_session_costs_no_child(many: Bridge) -> None:
    before = many.health()["starts"]
    for _ in range(5):
        opened(many).call("echo", text="x")
    assert many.health()["starts"] <= before + 1


@pytest.mark.parametrize("ident", [1, "one", "é", 0])
def test_ids_and_tokens_come_back_as_the_client_chose_them(many: Bridge, ident: int | str) -> None:
    client = opened(many)
    message = client.calling("progress", {"progressToken": ident, "x": "kept"}, steps=2)
    listener = Listener(client.post({**message, "id": ident}))
    notes = [listener.message(), listener.message()]
    assert [note["params"]["progressToken"] for note in notes] == [ident, ident]
    answer = listener.message()
    assert answer["id"] == ident
    assert client.call("params", {"x": "kept"})["meta"] == {"x": "kept"}


def test_clients_with_equal_ids_and_tokens_get_their_own(many: Bridge) -> None:
    clients = [opened(many) for _ in range(6)]
    found: dict[int, list[Any]] = {}

    def run(number: int) -> None:
        body = request(
            "tools/call",
            {
                "name": "progress",
                "arguments": {"steps": 20, "tag": f"tag-{number}"},
                "_meta": {"progressToken": "same"},
            },
            "same",
        )
        reply = clients[number].post(body)
        found[number] = [event.json for event in reply.events if event.data] if reply.is_stream else [reply.json]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, messages in found.items():
        assert {one["params"]["message"] for one in messages[:-1]} == {f"tag-{number}"}
        assert len(messages) == 21
        assert messages[-1]["id"] == "same"


def test_what_passes_is_untouched_but_for_id_and_token(many: Bridge) -> None:
    client = opened(many)
    value = '{"id":"inner","progressToken":7,"n":123456789012345678901234567890,"s":"\\u00e9\\ud800","f":1.10}'
    reply = client.post(client.calling("raw", json=value, id="argument", params={"id": 1, "_meta": {}}))
    assert reply.body.endswith(b'"result":' + value.encode() + b"}")


def test_a_key_that_occurs_twice_is_refused(many: Bridge) -> None:
    client = opened(many)
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}},"id":2}'
    assert last(client.post(body))["error"]["message"] == "the key 'id' occurs twice"


@pytest.mark.parametrize("hidden", ["1", '"1"', "1.0", '"\\u0031"'])
def test_an_id_behind_an_escape_is_replaced_like_any_other(many: Bridge, hidden: str) -> None:
    client = opened(many)
    params = '{"name":"params","arguments":{"id":"decoy","requestId":"decoy"},"_meta":{"progress\\u0054oken":7}}'
    body = f'{{"jsonrpc":"2.0","\\u0069d":{hidden},"method":"tools/call","params":{params}}}'
    answer = last(client.post(body.encode()))
    assert answer["id"] == json.loads(hidden)
    told = json.loads(answer["result"]["content"][0]["text"])
    assert told["arguments"] == {"id": "decoy", "requestId": "decoy"}
    assert told["meta"]["progressToken"] != 7


def test_a_call_waits_for_a_child_that_is_there_where_a_further_one_does_not_come_up(
    start_bridge: Start, tmp_path: Path
) -> None:
    mute = tmp_path / "mute"
    command = ["/bin/sh", "-c", f'[ -e {mute} ] && exec sleep 60; exec "$@"', "sh", *HOSTILE]
    limits = {"handshake_seconds": 0.5}
    bridge = start_bridge("--isolation", "pooled", "--pool-size", "3", command=command, limits=limits)
    bridge.wait_healthy()
    first, second = opened(bridge), opened(bridge)
    mute.touch()
    busy = threading.Thread(target=first.call, args=("sleep",), kwargs={"seconds": 2})
    busy.start()
    until(lambda: bridge.health()["calls_in_flight"] == 1)
    assert second.call("echo", text="in its turn") == "in its turn"
    assert any("pool: initialize was not answered within 0.5 s" in line for line in bridge.log)
    busy.join()


def test_no_more_children_start_at_once_than_there_are_processors_for(start_bridge: Start) -> None:
    command = [*HOSTILE, "--slow-start", "2"]
    bridge = start_bridge("--isolation", "pooled", command=command, through=["taskset", "-c", "0"])
    bridge.wait_healthy()
    clients = [opened(bridge) for _ in range(6)]
    before = bridge.health()["starts"]
    with ThreadPoolExecutor(len(clients)) as calling:
        done = [calling.submit(client.call, "sleep", seconds=1) for client in clients]
        until(lambda: bridge.metrics()["mcp_bridge_calls_queued"] == len(clients) - 1)
        assert bridge.health()["starts"] == before + 2
        assert [each.result() for each in done] == ["slept"] * len(clients)


def test_what_a_client_learns_of_its_own_call_says_nothing_of_another(shared: Bridge) -> None:
    client = opened(shared)
    for ident in ("a", "b"):
        threading.Thread(
            target=client.post, args=({**client.calling("sleep", seconds=30), "id": ident},), daemon=True
        ).start()
    until(lambda: shared.health()["calls_in_flight"] == 2)
    for ident in ("a", "b"):
        client.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": ident}})
    until(lambda: shared.health()["calls_in_flight"] == 0)
    first, second = client.call("cancelled")[-2:]
    assert len(first) == len(second) == 32
    assert sum(one == other for one, other in zip(first, second, strict=True)) < 16


def test_no_client_completes_or_cancels_anothers_call_whatever_it_sends(shared: Bridge) -> None:
    victim, attacker = opened(shared), opened(shared)
    found: list[Any] = []
    call = {**victim.calling("sleep", seconds=2), "id": 1}
    thread = threading.Thread(target=lambda: found.append(last(victim.post(call))))
    thread.start()
    until(lambda: shared.health()["calls_in_flight"] == 1)
    for ident in (b"1", b"1.0", b'"1"', b'"\\u0031"', b"1e0"):
        attacker.post(b'{"jsonrpc":"2.0","id":%b,"result":{"content":[]}}' % ident)
        attacker.post(b'{"jsonrpc":"2.0","\\u0069d":%b,"result":{"content":[]}}' % ident)
        for params in (b'{"requestId":%b}', b'{"request\\u0049d":%b,"_meta":{"requestId":"decoy"}}'):
            note = b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":' + params % ident + b"}"
            assert attacker.post(note).status == 202
    thread.join()
    assert found[0]["result"]["content"][0]["text"] == "slept"


def test_a_cancellation_names_the_callers_own_call_and_no_second_one(shared: Bridge) -> None:
    victim, attacker = opened(shared), opened(shared)
    before = len(victim.call("cancelled"))
    threading.Thread(
        target=attacker.post, args=({**attacker.calling("sleep", seconds=30), "id": "mine"},), daemon=True
    ).start()
    until(lambda: shared.health()["calls_in_flight"] == 1)
    params = b'{"request\\u0049d":"mine","requestId":"theirs"}'
    attacker.post(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":' + params + b"}")
    params = b'{"request\\u0049d":"mine","_meta":{"requestId":"theirs"}}'
    attacker.post(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":' + params + b"}")
    until(lambda: len(victim.call("cancelled")) == before + 1)
    assert not {"mine", "theirs"} & set(victim.call("cancelled"))
    until(lambda: shared.health()["calls_in_flight"] == 0)


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85"])
def test_a_text_that_some_servers_take_for_two_lines_is_one(many: Bridge, end: str) -> None:
    forged = f'{end}{{"jsonrpc":"2.0","id":"theirs","method":"ping"}}{end}'
    client = opened(many)
    body = json.dumps(client.calling("echo", text=forged), ensure_ascii=False).encode()
    assert end.encode() in body
    assert last(client.post(body))["result"]["content"][0]["text"] == forged


def test_what_is_not_utf_8_is_no_message(many: Bridge) -> None:
    client = opened(many)
    body = json.dumps(client.calling("echo", text="x"))
    for encoding in ("utf-16-le", "utf-16", "utf-32"):
        reply = client.post(body.encode(encoding))
        assert (reply.status, reply.json["error"]["code"]) == (400, -32700)


@pytest.mark.parametrize("tool", ["sample", "elicit", "roots"])
def test_a_servers_question_is_refused_with_the_reason(many: Bridge, tool: str) -> None:
    answer = opened(many).call(tool, tag="x")
    assert answer["error"]["code"] == -32601
    assert "set isolation to per_session" in answer["error"]["message"]


def test_logs_reach_the_caller_and_nobody_else(pooled: Bridge) -> None:
    one, other = opened(pooled), opened(pooled)
    heard = Listener(other.listen())
    found: dict[str, list[Any]] = {}

    def run(client: Client, tag: str) -> None:
        reply = client.post(client.calling("log", count=10, tag=tag))
        found[tag] = [event.json for event in reply.events if event.data]

    threads = [threading.Thread(target=run, args=(client, tag)) for client, tag in ((one, "one"), (other, "other"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for tag, messages in found.items():
        assert [note["params"]["data"][0] for note in messages[:-1]] == [tag] * 10
    assert [event for event in heard.seen if event.data] == []


def test_a_log_that_could_be_of_two_clients_reaches_neither(shared: Bridge) -> None:
    one, other = opened(shared), opened(shared)
    heard = Listener(other.listen())
    slow = threading.Thread(target=lambda: other.call("sleep", seconds=0.6))
    slow.start()
    until(lambda: shared.health()["calls_in_flight"] == 1)
    assert not one.post(one.calling("log", tag="whose")).is_stream
    slow.join()
    assert [event for event in heard.seen if event.data] == []


def test_list_changes_reach_every_listener(many: Bridge) -> None:
    clients = [opened(many) for _ in range(3)]
    heard = [Listener(client.listen()) for client in clients]
    clients[0].call("changed")
    assert [one.message()["method"] for one in heard] == ["notifications/tools/list_changed"] * 3


def test_resource_updates_reach_subscribers_only(shared: Bridge) -> None:
    one, other = opened(shared), opened(shared)
    heard, silent = Listener(one.listen()), Listener(other.listen())
    one.post(request("resources/subscribe", {"uri": "x://1"}, "s"))
    other.call("updated", uri="x://1")
    assert heard.message()["params"]["uri"] == "x://1"
    one.post(request("resources/unsubscribe", {"uri": "x://1"}, "u"))
    other.call("updated", uri="x://1")
    one.call("changed")
    assert heard.message()["method"] == "notifications/tools/list_changed"
    assert [event.json["method"] for event in silent.seen if event.data][:1] in (
        [],
        ["notifications/tools/list_changed"],
    )


def test_a_pooled_child_serves_one_call_at_a_time_and_the_pool_grows_to_its_bound(pooled: Bridge) -> None:
    client = opened(pooled)
    pids: list[int] = []

    def run() -> None:
        pids.append(client.call("whoami")["pid"])
        client.call("sleep", seconds=0.3)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: pooled.metrics()["mcp_bridge_calls_queued"] > 0)
    for thread in threads:
        thread.join()
    assert len(set(pids)) <= 3
    assert pooled.metrics()["mcp_bridge_calls_queued"] == 0


def test_the_death_of_a_pooled_child_costs_its_own_call_only(pooled: Bridge) -> None:
    one, other = opened(pooled), opened(pooled)
    results: list[Any] = []
    slow = threading.Thread(target=lambda: results.append(other.call("sleep", seconds=0.5)))
    slow.start()
    until(lambda: pooled.health()["calls_in_flight"] == 1)
    assert "exited with status 3" in one.call_raw("die")["error"]["message"]
    assert one.call("echo", text="again") == "again"
    slow.join()
    assert results == ["slept"]


def test_the_death_of_the_shared_child_ends_calls_and_a_new_one_serves_the_same_sessions(start_bridge: Start) -> None:
    bridge = start_bridge("--isolation", "shared")
    bridge.wait_healthy()
    one, other = opened(bridge), opened(bridge)
    results: list[Any] = []
    slow = threading.Thread(target=lambda: results.append(other.call_raw("sleep", seconds=20)))
    slow.start()
    until(lambda: bridge.health()["calls_in_flight"] == 1)
    assert "exited with status 3" in one.call_raw("die")["error"]["message"]
    slow.join(30)
    assert "exited with status 3" in results[0]["error"]["message"]
    for client in (one, other, opened(bridge)):
        assert client.call("echo", text="again") == "again"


def test_a_cancelled_call_reaches_the_server_under_its_own_id_and_ends(many: Bridge) -> None:
    client, bystander = opened(many), opened(many)
    message = {**client.calling("sleep", seconds=30), "id": "shared-id"}
    reply = Listener(client.post(message, accept="text/event-stream"))
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "shared-id"}}
    bystander.post(cancelled)  # it has no such call
    assert reply.events.empty() or reply.seen[0].data == ""
    client.post(cancelled)
    answer = reply.message()
    assert answer["id"] == "shared-id"
    assert "error" in answer
    assert bystander.call("echo", text="x") == "x"


def test_a_client_that_is_gone_does_not_keep_a_pooled_child(start_bridge: Start) -> None:
    bridge = start_bridge("--isolation", "pooled", "--pool-size", "1")
    bridge.wait_healthy()
    gone = opened(bridge)
    gone.post(gone.calling("sleep", seconds=60), accept="text/event-stream").close()
    gone.delete()
    assert opened(bridge).call("echo", text="x") == "x"


def test_a_server_that_cannot_start_is_told_to_every_client(start_bridge: Start) -> None:
    for isolation in ("pooled", "shared"):
        bridge = start_bridge("--isolation", isolation, command=[*HOSTILE, "--crash-at-start"])
        answer = last(Client(bridge).post(request("initialize", {"protocolVersion": "2025-06-18"}, 1)))
        assert "status 7" in answer["error"]["message"]


def test_a_pooled_child_that_dies_while_idle_is_not_given_to_anybody(start_bridge: Start) -> None:
    bridge = start_bridge("--isolation", "pooled")
    bridge.wait_healthy()
    client = opened(bridge)
    for _ in range(3):
        pid = client.call("whoami")["pid"]
        os.kill(pid, signal.SIGKILL)
        until(lambda gone=pid: gone not in bridge.descendants())  # type: ignore[misc]
        assert client.call("echo", text="x") == "x"
