# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The probe against servers made with the official MCP SDK, in each of the ways that it can serve."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.fleet import probe_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ProbeTarget, ToolCall
from mcp.server import MCPServer


@contextmanager
def running(app: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
    finally:
        server.should_exit = True
        thread.join(20)


def calculator() -> MCPServer:
    server = MCPServer("calculator", version="3.2.1")

    @server.tool()
    def add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    def fail() -> str:
        raise RuntimeError("out of order")

    return server


def of_the_time_of_sessions(app: Any) -> Any:
    """The same server as one that has never heard of the revision without sessions."""

    async def older(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        headers = dict(scope.get("headers", []))
        if headers.get(b"mcp-protocol-version") != b"2026-07-28":
            await app(scope, receive, send)
            return
        error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Bad Request: unsupported version"}}
        await send({"type": "http.response.start", "status": 400, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(error).encode()})

    return older


CALL = ToolCall("add", {"a": 40, "b": 2}, "^42$")


@pytest.mark.parametrize("json_response", [True, False])
@pytest.mark.parametrize("stateless", [True, False])
@pytest.mark.parametrize("sessions", [True, False])
def test_a_server_passes_however_it_serves(json_response: bool, stateless: bool, sessions: bool) -> None:
    app: Any = calculator().streamable_http_app(json_response=json_response, stateless_http=stateless)
    with running(of_the_time_of_sessions(app) if sessions else app) as url:
        (report,) = probe_fleet([ProbeTarget("calculator", url, call=CALL)], timeout=10, deadline=20)
    assert (report["state"], report["reason"]) == ("ok", None)
    assert report["protocol"] == ("2025-11-25" if sessions else "2026-07-28")
    assert report["server"] == {"name": "calculator", "version": "3.2.1"}
    assert report["tools"] == ["add", "fail"]


def test_the_probe_leaves_no_session_behind() -> None:
    server = calculator()
    app: Any = server.streamable_http_app()
    with running(of_the_time_of_sessions(app)) as url:
        probe_fleet([ProbeTarget(f"s{n}", url, call=CALL) for n in range(20)], timeout=10, deadline=20)
        assert server.session_manager._server_instances == {}


def test_a_tool_that_breaks_is_told() -> None:
    with running(calculator().streamable_http_app()) as url:
        (report,) = probe_fleet([ProbeTarget("calculator", url, call=ToolCall("fail"))], timeout=10, deadline=20)
    assert report["cause"] == "expectation"
    assert "fail" in report["reason"]


def test_a_server_of_the_older_transport_passes_too() -> None:
    with running(calculator().sse_app()) as url:
        endpoint = ProbeTarget("calculator", url.replace("/mcp", "/sse"), call=CALL)
        (report,) = probe_fleet([endpoint], timeout=20, deadline=40)
    assert (report["state"], report["reason"]) == ("ok", None)
    assert report["server"] == {"name": "calculator", "version": "3.2.1"}
    assert report["tools"] == ["add", "fail"]


def behind_a_prefix(app: Any, root_path: str) -> Any:
    """The same server behind a balancer that takes /mcp/calculator off; ``root_path`` is what it knows of that."""

    async def stripped(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] == "http":
            path = scope["path"].removeprefix("/mcp/calculator")
            path = "/nobody" if path == scope["path"] else f"{root_path}{path}"
            scope = {**scope, "path": path, "raw_path": path.encode(), "root_path": root_path}
        await app(scope, receive, send)

    return stripped


@pytest.mark.parametrize(("root_path", "cause"), [("/mcp/calculator", None), ("", "prefix")])
def test_a_server_of_the_older_transport_has_to_know_its_prefix(root_path: str, cause: str | None) -> None:
    with running(behind_a_prefix(calculator().sse_app(), root_path)) as url:
        endpoint = ProbeTarget("calculator", url.replace("/mcp", "/mcp/calculator/sse"))
        (report,) = probe_fleet([endpoint], timeout=20, deadline=40)
    assert report["cause"] == cause
    if cause:
        assert report["reason"] == (
            "the server asks for messages at /messages/, which does not lead back to it from /mcp/calculator/sse"
        )
