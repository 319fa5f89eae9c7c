"""Random interleavings of clients, calls, drops, crashes and cancellations, against a simple model: every call gets
exactly one answer or error, at the right client, in any isolation."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.bridge.client import HOSTILE, Bridge, Client, Listener, Reply, start

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.integers(0, 3)),
        st.tuples(st.just("close"), st.integers(0, 3)),
        st.tuples(st.just("listen"), st.integers(0, 3)),
        st.tuples(
            st.sampled_from(
                ["echo", "progress", "sleep", "raw", "split", "twice", "garbage", "drop", "die", "cancel", "late"]
            ),
            st.integers(0, 3),
        ),
    ),
    min_size=1,
    max_size=25,
)


@dataclass
class Call:
    """A call in the model: what was asked, and what may have befallen it."""

    client: Client
    kind: str
    tag: str
    message: dict[str, Any]
    may_fail: bool = False
    dropped: bool = False
    reply: Reply | None = None
    messages: list[Any] = field(default_factory=list)
    failure: Exception | None = None
    thread: threading.Thread | None = None

    def run(self) -> None:
        try:
            reply = self.client.post(self.message)
            if self.dropped:
                reply.close()
                return
            self.reply = reply
            self.messages = [event.json for event in reply.events if event.data] if reply.is_stream else [reply.json]
        except Exception as error:
            self.failure = error


class World:
    """The model, beside the bridge that it models."""

    def __init__(self, bridge: Bridge, isolation: str) -> None:
        self.bridge = bridge
        self.isolation = isolation
        self.clients: dict[int, Client] = {}
        self.listeners: dict[int, Listener] = {}
        self.calls: list[Call] = []

    def client(self, number: int) -> Client:
        if number not in self.clients:
            client = self.clients[number] = Client(self.bridge)
            client.open()
        return self.clients[number]

    def step(self, what: str, number: int) -> None:
        if what == "open":
            self.client(number)
        elif what == "close":
            self.close(number)
        elif what == "listen":
            if number not in self.listeners:
                self.listeners[number] = Listener(self.client(number).listen())
        elif what == "cancel":
            self.cancel(number)
        else:
            self.call(what, number)

    def call(self, kind: str, number: int) -> None:
        client = self.client(number)
        tag = f"{id(self)}-{len(self.calls)}"
        arguments: dict[str, Any] = {"text": tag, "tag": tag, "steps": 3, "seconds": 0.05}
        tool = {"drop": "echo", "late": "sleep", "raw": "raw"}.get(kind, kind)
        if kind == "late":
            arguments["seconds"] = 0.7  # long enough to be answered by a stream
        if kind == "raw":
            arguments["json"] = json.dumps({"content": [{"type": "text", "text": tag}], "id": "inner"})
        message = client.calling(tool, {"progressToken": tag}, **arguments)
        call = Call(client, kind, tag, message, dropped=kind == "drop")
        self.calls.append(call)
        if kind == "die":
            self.crash(call)
            return
        call.thread = threading.Thread(target=call.run)
        call.thread.start()

    def crash(self, call: Call) -> None:
        """The server dies in this call: others that are in flight at the same child may fail with it."""
        for other in self.calls:
            if self.isolation == "shared" or other.client is call.client:
                other.may_fail = other.may_fail or (other.thread is not None and other.thread.is_alive())
        call.run()
        assert call.failure is None
        assert [one.get("id") for one in call.messages] == [call.message["id"]]
        assert "error" in call.messages[0]
        if self.isolation == "shared":
            for other in self.calls:  # those that started while it was dying
                other.may_fail = other.may_fail or (other.thread is not None and other.thread.is_alive())
            self.forget(*self.clients)
        elif self.isolation == "per_session":
            self.forget(*[number for number, client in self.clients.items() if client is call.client])

    def close(self, number: int) -> None:
        client = self.clients.get(number)
        if client is None:
            return
        for call in self.calls:
            if call.client is client:
                call.may_fail = call.may_fail or (call.thread is not None and call.thread.is_alive())
        assert client.delete().status == 204
        self.forget(number)

    def forget(self, *numbers: int) -> None:
        for number in numbers:
            self.clients.pop(number, None)
            listener = self.listeners.pop(number, None)
            if listener is not None:
                while listener.next() is not None:  # its session's end ends it
                    pass
                self.heard(listener)

    def cancel(self, number: int) -> None:
        client = self.clients.get(number)
        for call in self.calls:
            if call.client is client and client is not None and call.thread is not None and call.thread.is_alive():
                call.may_fail = True
                params = {"requestId": call.message["id"]}
                client.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
                return

    def heard(self, listener: Listener) -> None:
        """Nothing in this world belongs on a listening stream, but a log of one's own garbage does no harm."""
        assert [event.data for event in listener.seen if event.data] == []

    def end(self) -> None:
        deadline = time.monotonic() + 60
        for call in self.calls:
            if call.thread is not None:
                call.thread.join(max(0.0, deadline - time.monotonic()))
                assert not call.thread.is_alive(), f"{call.kind} has no answer"
        for call in self.calls:
            self.check(call)
        for number in list(self.clients):
            self.close(number)

    def check(self, call: Call) -> None:
        if call.dropped or call.kind == "die":
            return
        assert call.failure is None, (call.kind, call.failure)
        assert call.reply is not None
        if call.reply.status == 404:
            assert call.may_fail or self.isolation == "shared"
            return
        answers = [message for message in call.messages if "method" not in message]
        assert [answer["id"] for answer in answers] == [call.message["id"]], call.kind
        if "error" in answers[0]:
            assert call.may_fail, (call.kind, answers[0])
            return
        for note in call.messages[:-1]:
            assert note["params"].get("progressToken") == call.tag
        text = answers[0]["result"]["content"][0]["text"]
        expected = {"echo": call.tag, "raw": call.tag, "sleep": "slept", "late": "slept", "twice": "first"}
        assert text == expected.get(call.kind, text)


@pytest.fixture(scope="module", params=["per_session", "pooled", "shared"])
def world(request: pytest.FixtureRequest) -> Iterator[tuple[Bridge, str]]:
    command = [HOSTILE[0], "-S", "-E", *HOSTILE[1:]]
    # So that it sleeps and wakes again between the steps.
    bridge = start("--isolation", request.param, "--pool-size", "3", "--sleep-after", "0.2", command=command)
    yield bridge, request.param
    assert bridge.stop() == 0


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_every_call_gets_exactly_one_answer_at_its_own_client(
    world: tuple[Bridge, str], steps: list[tuple[str, int]]
) -> None:
    model = World(*world)
    try:
        for what, number in steps:
            model.step(what, number)
    finally:
        model.end()
