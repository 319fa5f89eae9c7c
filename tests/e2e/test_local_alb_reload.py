"""Requests on connections that were there before a change: they follow the rules as they are now."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest

from tests.e2e.support.local_alb import Document, LocalAlb, running


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAlb]:
    with running(LocalAlb(tmp_path_factory.mktemp("alb"))) as host:
        yield host


class Kept:
    """A connection that a client keeps open."""

    def __init__(self, host: LocalAlb) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)

    def get(self, path: str, **headers: str) -> tuple[Document, http.client.HTTPResponse]:
        self._connection.request("GET", path, headers={name.replace("_", "-"): each for name, each in headers.items()})
        answer = self._connection.getresponse()
        body = answer.read()
        return dict(json.loads(body)) if answer.status == 200 else {"status": answer.status}, answer

    def close(self) -> None:
        self._connection.close()


def test_a_kept_connection_leads_to_no_target_that_has_left_and_to_sessions_that_began_since(host: LocalAlb) -> None:
    old, new = host.upstream("old"), host.upstream("new")
    group = host.group("g", old.port, delay=60)
    host.rule(10, ["/kept"], group)
    host.healthy(group)
    kept = [Kept(host) for _ in range(3)]
    before, _ = kept[0].get("/kept")
    assert [each.get("/kept")[0]["upstream"] for each in kept] == ["old"] * 3

    host.register(group, new.port)
    host.healthy(group)
    host.deregister(group, old.port)
    host.settled()
    session = host.get("/kept", X_Open_Session="1").headers["mcp-session-id"]

    after, answer = kept[0].get("/kept")
    assert after["upstream"] == "new"
    # Nothing else of the request has changed on this way, and of the answer only that the connection ends.
    changing = ("x-amzn-trace-id", "host")
    assert [pair for pair in after["all"] if pair[0] not in changing] == [
        pair for pair in before["all"] if pair[0] not in changing
    ]
    assert answer.headers["Connection"] == "close"
    assert kept[1].get("/kept", Mcp_Session_Id=session)[0]["upstream"] == "new"
    old.close()
    assert kept[2].get("/kept")[0]["upstream"] == "new"
    for each in kept:
        each.close()


def test_a_kept_connection_gets_no_answer_of_a_rule_that_is_gone(host: LocalAlb) -> None:
    group = host.group("gone", host.upstream("gone").port)
    rule = host.rule(20, ["/gone"], group)
    host.healthy(group)
    kept = Kept(host)
    assert kept.get("/gone")[0]["upstream"] == "gone"
    host.client.delete_rule(RuleArn=rule)
    host.settled()
    assert kept.get("/gone")[0] == {"status": 404}
    kept.close()
