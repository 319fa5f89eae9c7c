"""LiteLLM Proxy as a client of the bridge: it opens a session for every operation, and passes tokens in headers."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.e2e.support.litellm import KEY, running
from tests.unit.bridge import client as bridges
from tests.unit.bridge.client import Bridge, free_port, start, until


@pytest.fixture(scope="module")
def personal() -> Iterator[Bridge]:
    """A server with a process for each session, which gets its client's token."""
    bridge = start(path="/mcp/personal", env={**os.environ, "TOKEN": "${header:Authorization}"})
    bridge.wait_healthy()
    yield bridge
    assert bridge.stop() == 0


@pytest.fixture(scope="module")
def pooled() -> Iterator[Bridge]:
    bridge = _pooled()
    yield bridge
    assert bridge.stop() == 0


def _pooled() -> Bridge:
    bridge = start(
        "--isolation", "pooled", path="/mcp/pooled", env={**os.environ, "MCP_BRIDGE_SESSION_KEYS": "5e" * 32}
    )
    bridge.wait_healthy()
    return bridge


@pytest.fixture(scope="module")
def port() -> int:
    """The proxy's."""
    return free_port()


@pytest.fixture(scope="module")
def proxy(
    personal: Bridge, pooled: Bridge, port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Any]]:
    """A running proxy with both servers: asks it, and gives what it answers."""
    servers = {
        "named": {"url": personal.url, "transport": "http"},  # gets x-mcp-named-authorization
        "callers": {"url": personal.url, "transport": "http", "extra_headers": ["Authorization"]},
        "pooled": {"url": pooled.url, "transport": "http"},
        "older": {"url": pooled.url.removesuffix("mcp") + "sse", "transport": "sse"},
    }
    with running(servers, port, tmp_path_factory.mktemp("litellm")) as ask:
        yield ask


@pytest.fixture
def mcp(proxy: Callable[..., str]) -> Callable[..., Any]:
    """Makes one request to the proxy's MCP endpoint: its result."""

    def ask(method: str, params: dict[str, Any], **headers: str) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        said = proxy("/mcp/", body, x_litellm_api_key=f"Bearer {KEY}", **headers)
        return next(json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: "))["result"]

    return ask


def test_the_tools_of_every_server_are_listed(mcp: Callable[..., Any]) -> None:
    found = {tool["name"] for tool in mcp("tools/list", {})["tools"]}
    assert found == {
        f"{name}-{tool}" for name in ("named", "callers", "pooled", "older") for tool in ("echo", "whoami")
    }


@pytest.mark.parametrize("server", ["named", "callers", "pooled", "older"])
def test_a_tool_is_called_in_every_isolation_and_transport(mcp: Callable[..., Any], server: str) -> None:
    found = mcp("tools/call", {"name": f"{server}-echo", "arguments": {"text": f"over {server}"}})
    assert found["content"][0]["text"] == f"over {server}"


@pytest.mark.parametrize(
    ("server", "token"),
    [("named", "Bearer of-this-server"), ("callers", "Bearer of-the-caller")],
)
def test_the_token_reaches_the_process_that_is_configured_to_have_it(
    mcp: Callable[..., Any], server: str, token: str
) -> None:
    headers = {"x_mcp_named_authorization": "Bearer of-this-server", "Authorization": "Bearer of-the-caller"}
    found = mcp("tools/call", {"name": f"{server}-whoami", "arguments": {}}, **headers)
    assert json.loads(found["content"][0]["text"])["token"] == token


def test_pooled_calls_share_processes_and_sessions_do_not(mcp: Callable[..., Any], personal: Bridge) -> None:
    def processes(server: str) -> set[int]:
        calls = (mcp("tools/call", {"name": f"{server}-whoami", "arguments": {}}) for _ in range(3))
        return {json.loads(found["content"][0]["text"])["pid"] for found in calls}

    assert len(processes("pooled")) == 1
    assert len(processes("named")) == 3
    # The proxy ends each session that it opens; nothing stays but the canary.
    until(lambda: personal.health()["sessions"] == 0 and len(personal.descendants()) == 1)


@pytest.mark.usefixtures("proxy")
def test_the_session_that_it_keeps_for_its_client_goes_on_after_a_restart_of_the_server(
    pooled: Bridge, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def calls() -> list[bool]:
        asking = httpx2.AsyncClient(headers={"x-litellm-api-key": f"Bearer {KEY}"}, timeout=60)
        transport = streamable_http_client(f"http://127.0.0.1:{port}/mcp/", http_client=asking)
        async with Client(transport, mode="legacy") as client:
            before = await client.call_tool("pooled-echo", {"text": "before"})
            await asyncio.to_thread(restart)
            after = [await client.call_tool("pooled-echo", {"text": "after"}) for _ in range(3)]
            return [result.is_error for result in (before, *after)]

    def restart() -> None:
        assert pooled.stop() == 0
        monkeypatch.setattr(bridges, "free_port", lambda: pooled.port)
        pooled.process = _pooled().process

    assert asyncio.run(calls()) == [False] * 4
