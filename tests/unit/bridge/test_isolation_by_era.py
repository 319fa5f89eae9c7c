"""What an isolation says holds in both eras: for clients with sessions, and for requests that stand alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.unit.bridge.client import BOTH, HOSTILE, META, Bridge, Client, last, request

Start = Callable[..., Bridge]
MODERN = "2026-07-28"
TOKEN = "${header:Authorization}"


class Case(NamedTuple):
    """`server`: the eras that it knows; `era`: that of the client. `processes`: how many serve two clients with two
    calls each; `falls_back`: the client is told to open a session."""

    server: str
    isolation: str
    era: str
    token: bool
    processes: int
    falls_back: bool = False


CASES = [
    Case(server, isolation, era, token, processes, falls_back)
    for server, isolation, era, processes, falls_back in (
        ("old", "per_session", "old", 2, False),
        ("both", "per_session", "old", 2, False),
        ("old", "per_session", "modern", 2, True),
        ("both", "per_session", "modern", 2, True),
        ("modern", "per_session", "modern", 4, False),
        ("old", "pooled", "old", 1, False),
        ("both", "pooled", "old", 1, False),
        ("old", "pooled", "modern", 1, False),
        ("both", "pooled", "modern", 1, False),
        ("modern", "pooled", "modern", 1, False),
        ("old", "shared", "old", 1, False),
        ("both", "shared", "old", 1, False),
        ("old", "shared", "modern", 1, False),
        ("both", "shared", "modern", 1, False),
        ("modern", "shared", "modern", 1, False),
    )
    for token in ((True, False) if isolation == "per_session" else (False,))
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case[:4])))
def test_an_isolation_holds_in_both_eras(start_bridge: Start, case: Case) -> None:
    options = {"old": [], "both": ["--both"], "modern": ["--modern"]}[case.server]
    variables = {**os.environ, "TOKEN": TOKEN} if case.token else {**os.environ, "TOKEN": "fixed"}
    bridge = start_bridge("--isolation", case.isolation, command=[*HOSTILE, *options], env=variables)
    bridge.wait_healthy()
    found: list[tuple[str, Any]] = []
    for name in ("Bearer one", "Bearer two"):
        calls = _calls(bridge, case, name)
        found += [(name, calls()) for _ in range(2)]
    assert len({said["pid"] for _, said in found}) == case.processes
    for name, said in found:
        assert said["token"] == (name if case.token else "fixed")


@pytest.mark.parametrize("era", ["old", "modern"])
@pytest.mark.parametrize("isolation", ["pooled", "shared"])
def test_a_token_of_the_client_needs_per_session(isolation: str, era: str, start_bridge: Start) -> None:
    options = ["--modern"] if era == "modern" else []
    with pytest.raises(AssertionError, match="cannot pass"):
        start_bridge("--isolation", isolation, command=[*HOSTILE, *options], env={**os.environ, "TOKEN": TOKEN})


def test_a_client_without_the_token_gets_no_others(start_bridge: Start) -> None:
    bridge = start_bridge(command=[*HOSTILE, "--modern"], env={**os.environ, "TOKEN": TOKEN})
    bridge.wait_healthy()
    assert _ask_alone(bridge, "Bearer one")["token"] == "Bearer one"
    assert _ask_alone(bridge, None)["token"] is None


def _calls(bridge: Bridge, case: Case, authorization: str) -> Callable[[], Any]:
    """Returns what makes a call of one client, in the era that the bridge leaves it."""
    if case.era == "modern":
        refused = _post_alone(bridge, "server/discover", {}, authorization)
        if not case.falls_back:
            assert refused.status == 200
            return lambda: _ask_alone(bridge, authorization)
        answer = last(refused)
        assert (refused.status, answer["error"]["code"]) == (400, -32022)
        assert MODERN not in answer["error"]["data"]["supported"]
    client = Client(bridge)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    reply = client.post(request("initialize", hello, 1), authorization=authorization)
    assert "result" in last(reply)
    client.session = reply.headers["mcp-session-id"]
    client.revision = "2025-11-25"
    return lambda: client.call("whoami")


def _ask_alone(bridge: Bridge, authorization: str | None) -> Any:
    answer = last(_post_alone(bridge, "tools/call", {"name": "whoami", "arguments": {}}, authorization))
    return json.loads(answer["result"]["content"][0]["text"])


def _post_alone(bridge: Bridge, method: str, params: dict[str, Any], authorization: str | None) -> Any:
    meta = {META + "protocolVersion": MODERN, META + "clientCapabilities": {}}
    headers = {
        "content-type": "application/json",
        "accept": BOTH,
        "mcp-protocol-version": MODERN,
        "mcp-method": method,
        **({"mcp-name": params["name"]} if "name" in params else {}),
        **({"authorization": authorization} if authorization else {}),
    }
    body = json.dumps(request(method, {**params, "_meta": meta}, 1)).encode()
    return bridge.request("POST", None, body, headers)
