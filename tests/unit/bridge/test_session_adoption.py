"""Sessions that move to another container of their server, where children serve many."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.support.waiting import until
from tests.unit.bridge.client import Bridge, Client, Listener, Reply, last, request, start
from tests.unit.bridge.test_identity import ANN, BOB, Known, token

KEY, FORMER = "5e" * 32, "7a" * 32
Start = Callable[..., Bridge]


def with_key(*options: str, keys: str = KEY, isolation: str = "pooled", **more: dict[str, float]) -> Bridge:
    bridge = start("--isolation", isolation, *options, env={**os.environ, "MCP_BRIDGE_SESSION_KEYS": keys}, **more)
    bridge.wait_healthy()
    return bridge


@pytest.fixture(scope="module", params=["pooled", "shared"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Bridge, Bridge]]:
    """Two containers of one server."""
    both = with_key(isolation=request.param), with_key(isolation=request.param)
    yield both
    for bridge in both:
        assert bridge.stop() == 0


@pytest.fixture
def one(request: pytest.FixtureRequest) -> Iterator[Start]:
    started: list[Bridge] = []

    def make(*options: str, keys: str = KEY, **more: dict[str, float]) -> Bridge:
        started.append(with_key(*options, keys=keys, **more))
        return started[-1]

    yield make
    for bridge in started:
        if bridge.process.poll() is None:
            assert bridge.stop() == 0


def opened(bridge: Bridge, revision: str = "2025-11-25") -> Client:
    client = Client(bridge, revision)
    client.open()
    return client


@pytest.mark.parametrize("revision", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_calls_of_one_session_go_to_any_container(pair: tuple[Bridge, Bridge], revision: str) -> None:
    client = opened(pair[0], revision)
    for number in range(6):
        client.bridge = pair[number % 2]
        assert client.call("echo", text=f"call {number}") == f"call {number}"


def test_what_was_agreed_holds_in_the_other_container(pair: tuple[Bridge, Bridge]) -> None:
    batch = [request("ping", None, 1), request("ping", None, 2)]
    for revision, status in (("2025-03-26", 200), ("2025-06-18", 400)):
        client = opened(pair[0], revision)
        client.bridge = pair[1]
        assert client.post(batch).status == status


def test_an_answer_as_a_stream_has_the_id_too(pair: tuple[Bridge, Bridge]) -> None:
    client = Client(pair[0])
    hello = {"protocolVersion": client.revision, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    reply = client.post(request("initialize", hello, 1), accept="text/event-stream")
    assert reply.is_stream
    assert "result" in last(reply)
    client.session, client.bridge = reply.headers["mcp-session-id"], pair[1]
    assert client.call("echo", text="there") == "there"


def test_progress_comes_in_the_other_container(pair: tuple[Bridge, Bridge]) -> None:
    client = opened(pair[0])
    client.bridge = pair[1]
    reply = client.post(client.calling("progress", {"progressToken": "mine"}, steps=2))
    seen = [event.json for event in reply.events if event.data]
    assert [each["params"]["progressToken"] for each in seen if "method" in each][:1] == ["mine"]
    assert "result" in seen[-1]


@pytest.mark.parametrize("seen_before", [None, "0-7", "1-0"])
def test_a_listening_stream_is_opened_anew_and_the_stream_of_a_lost_call_is_not(
    pair: tuple[Bridge, Bridge], seen_before: str | None
) -> None:
    client = opened(pair[0])
    client.bridge = pair[1]
    reply = client.listen(**({} if seen_before is None else {"last_event_id": seen_before}))
    if seen_before == "1-0":
        assert reply.status == 400
        return
    listener = Listener(reply)
    client.call("changed")
    assert listener.message()["method"].endswith("list_changed")
    reply.close()


def test_an_ended_session_is_gone_where_it_was_ended(pair: tuple[Bridge, Bridge]) -> None:
    client = opened(pair[0])
    assert client.delete().status == 204
    assert client.post(client.calling("echo", text="x")).status == 404
    assert client.listen().status == 404
    assert client.delete().status == 404
    client.bridge = pair[1]  # which nobody has told
    assert client.delete().status == 204
    assert client.post(client.calling("echo", text="x")).status == 404


def answers(bridge: Bridge, session: str, who: dict[str, str] | None = None) -> list[tuple[int, bytes]]:
    """What a client with that session's id is told."""
    client = Known(bridge, who or {})
    client.session = session
    replies: list[Reply] = [client.post(client.calling("echo", text="x")), client.listen(), client.delete()]
    return [(reply.status, reply.body) for reply in replies]


def test_a_wrong_id_is_answered_as_an_unknown_one(pair: tuple[Bridge, Bridge], one: Start) -> None:
    unknown = answers(pair[1], "0" * 32)
    assert [status for status, _ in unknown] == [404, 404, 404]
    name = opened(pair[0]).session
    assert name is not None
    for wrong in (
        name[:-1] + ("0" if name[-1] != "0" else "1"),  # tampered with
        name[:32],
        name + "0",
        name.replace("2025-11-25", "2025-03-26"),
        opened(one(keys=FORMER)).session or "",  # another server's
    ):
        assert answers(pair[1], wrong) == unknown, wrong


def test_a_session_of_somebody_else_is_unknown_in_every_container(pair: tuple[Bridge, Bridge]) -> None:
    ann = Known(pair[0], {"authorization": token(**ANN)})
    ann.open()
    assert ann.session is not None
    unknown = answers(pair[1], "0" * 32)
    for who in ({}, {"authorization": "Bearer opaque"}, {"authorization": token(**BOB)}):
        assert answers(pair[1], ann.session, who) == unknown
    ann.bridge, ann.who = pair[1], {"authorization": token(2, **ANN)}
    assert ann.call("echo", text="still ann") == "still ann"
    for who in ({}, {"authorization": token(**BOB)}):
        assert answers(pair[1], ann.session, who) == unknown


def test_an_old_id_is_unknown_and_a_session_that_is_open_goes_on(one: Start) -> None:
    opener, other = one(limits={"id_seconds": 0.0}), one(limits={"id_seconds": 0.0})
    client = opened(opener)
    assert client.call("echo", text="in use") == "in use"
    assert answers(other, client.session or "") == answers(other, "0" * 32)
    assert client.call("echo", text="in use") == "in use"


def test_the_session_goes_on_after_the_bridge_has_ended_it_for_want_of_use(one: Start) -> None:
    bridge = one("--idle-timeout", "0.1")
    client = opened(bridge)
    until(lambda: bridge.metrics()["mcp_bridge_sessions"] == 0, "the session is ended")
    assert client.call("echo", text="back") == "back"


def test_there_are_no_more_sessions_than_may_be(one: Start) -> None:
    first, second = one(), one("--max-sessions", "1")
    held = opened(second)
    newcomer = opened(first)
    newcomer.bridge = second
    busy = held.post(held.calling("sleep", seconds=2), accept="text/event-stream")
    for reply in (newcomer.post(newcomer.calling("echo", text="x")), newcomer.listen(), newcomer.delete()):
        assert (reply.status, reply.headers.get("retry-after")) == (503, "5")
        assert b"all 1 sessions are in use" in reply.body
    assert "result" in last(busy)
    assert held.delete().status == 204
    assert newcomer.call("echo", text="x") == "x"


def test_another_key_first_and_the_former_one_behind_it_keep_sessions(one: Start) -> None:
    client = opened(one(keys=FORMER))
    client.bridge = one(keys=f"{KEY},{FORMER}")
    assert client.call("echo", text="rotated") == "rotated"


def test_the_server_does_not_get_the_key(one: Start) -> None:
    assert not [name for name in opened(one()).call("environment") if "SESSION_KEY" in name]


def test_a_session_with_a_process_of_its_own_stays_where_it_is(one: Start) -> None:
    first = with_key(isolation="per_session")
    second = with_key(isolation="per_session")
    client = opened(first)
    assert len(client.session or "") == 32
    client.bridge = second
    assert client.post(client.calling("echo", text="x")).status == 404
    for bridge in (first, second):
        assert bridge.stop() == 0


@pytest.mark.parametrize("keys", ["secret", "abcd", "zz" * 32])
def test_a_key_that_is_none_is_not_shown(keys: str) -> None:
    with pytest.raises(AssertionError, match="must hold keys of 16 bytes or more") as caught:
        with_key(keys=keys)
    assert keys not in str(caught.value).replace("MCP_BRIDGE_SESSION_KEYS", "")
