# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the probe reports of servers that behave well, each in its own way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ToolCall
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.probe.scripted import (
    INTRODUCTION,
    Request,
    Scripted,
    Serve,
    answer,
    ask,
    result,
    session_server,
    stream,
)


def test_a_server_with_sessions_is_greeted_asked_and_left(serve: Serve) -> None:
    server = serve(session_server())
    report = ask(server)
    assert report["state"] == "ok"
    assert report["protocol"] == "2025-11-25"
    assert report["server"] == {"name": "scripted", "version": "1.2.3"}
    assert report["tools"] == ["now"]
    assert server.steps == ["server/discover", "initialize", "notifications/initialized", "tools/list", "DELETE"]


def test_every_request_after_initialize_bears_the_session_and_the_revision(serve: Serve) -> None:
    server = serve(session_server())
    ask(server)
    for request in server.requests[2:]:
        assert request.headers["mcp-session-id"] == "s-1"
        assert request.headers["mcp-protocol-version"] == "2025-11-25"
    assert "mcp-session-id" not in server.requests[1].headers
    assert "mcp-protocol-version" not in server.requests[1].headers


def test_one_connection_serves_the_whole_conversation(serve: Serve) -> None:
    server = serve(session_server())
    ask(server)
    assert len(server._open) == 1


def test_a_server_that_closes_after_each_answer_is_asked_all_the_same(serve: Serve) -> None:
    plain = session_server()

    def closing(request: Request) -> list[bytes]:
        return [piece.replace(b"\r\n", b"\r\nconnection: close\r\n", 1) for piece in plain(request) or ()]

    server = serve(closing)
    assert ask(server)["state"] == "ok"
    assert len(server._open) == 5


def test_a_server_without_sessions_needs_two_requests(serve: Serve) -> None:
    def script(request: Request) -> list[bytes]:
        if request.message["method"] == "server/discover":
            info = {"io.modelcontextprotocol/serverInfo": {"name": "new", "version": "2"}}
            found = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "_meta": info}
            return answer(200, result(request, found))
        return answer(200, result(request, {"tools": [{"name": "now"}]}))

    server = serve(script)
    report = ask(server)
    assert (report["state"], report["protocol"]) == ("ok", "2026-07-28")
    assert report["server"] == {"name": "new", "version": "2"}
    assert server.steps == ["server/discover", "tools/list"]
    for request in server.requests:
        assert request.headers["mcp-method"] == request.message["method"]
        assert request.headers["mcp-protocol-version"] == "2026-07-28"
        meta = request.message["params"]["_meta"]
        assert meta["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
        assert meta["io.modelcontextprotocol/clientCapabilities"] == {}


@pytest.mark.parametrize("status", [400, 404, 405, 500])
def test_a_server_that_refuses_discover_in_any_way_is_greeted_as_an_older_one(serve: Serve, status: int) -> None:
    server = serve(session_server(server_discover=lambda _request: answer(status, "no", server="old")))
    assert ask(server)["protocol"] == "2025-11-25"


def test_a_server_that_only_discovers_older_revisions_is_initialized(serve: Serve) -> None:
    found = {"supportedVersions": ["2025-11-25"], "capabilities": {}}
    server = serve(session_server(server_discover=lambda request: answer(200, result(request, found))))
    assert ask(server)["protocol"] == "2025-11-25"


def test_a_server_that_is_silent_about_discover_is_initialized_in_time(serve: Serve) -> None:
    server: Scripted

    def silent(_request: Request) -> Iterator[bytes]:
        server.ended.wait(30)
        yield b""

    server = serve(session_server(server_discover=silent))
    assert ask(server, timeout=1)["state"] == "ok"


def test_answers_may_come_as_event_streams_among_other_events(serve: Serve) -> None:
    def listed(request: Request) -> Iterator[bytes]:
        reply = json.dumps(result(request, {"tools": [{"name": "now"}]}), indent=1)
        data = "".join(f"data: {line}\n" for line in reply.splitlines())
        return stream(
            b"id: 1\ndata:\n\n",
            b": a comment\n\n",
            b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n',
            b"event: other\ndata: {}\n\n",
            f"event: message\r\n{data}\n".encode(),
        )

    assert ask(serve(session_server(tools_list=listed)))["tools"] == ["now"]


def test_a_stream_that_stays_open_after_its_answer_does_not_hold_the_probe(serve: Serve) -> None:
    server: Scripted

    def lingering(request: Request) -> Iterator[bytes]:
        pieces = list(stream(b"data: " + json.dumps(result(request, INTRODUCTION)).encode() + b"\n\n"))
        yield from pieces[:-1]
        server.ended.wait(300)

    server = serve(session_server(initialize=lingering))
    assert ask(server, timeout=60, deadline=60)["state"] == "ok"


def test_all_pages_of_the_tools_are_read(serve: Serve) -> None:
    def page(request: Request) -> list[bytes]:
        number = int(request.message["params"].get("cursor", 0))
        listed: dict[str, Any] = {"tools": [{"name": f"tool-{number}"}]}
        if number < 4:
            listed["nextCursor"] = str(number + 1)
        return answer(200, result(request, listed))

    assert ask(serve(session_server(tools_list=page)))["tools"] == [f"tool-{number}" for number in range(5)]


def test_pages_without_an_end_are_a_fault_of_the_server(serve: Serve) -> None:
    page = {"tools": [{"name": "now"}], "nextCursor": "again"}
    report = ask(serve(session_server(tools_list=lambda request: answer(200, result(request, page)))))
    assert (report["cause"], report["step"]) == ("error", "tools/list")
    assert "do not end" in report["reason"]


def test_a_server_without_tools_is_well(serve: Serve) -> None:
    introduction = {**INTRODUCTION, "capabilities": {"prompts": {}}}
    server = serve(session_server(initialize=lambda request: answer(200, result(request, introduction))))
    report = ask(server)
    assert (report["state"], report["tools"]) == ("ok", [])
    assert "tools/list" not in server.steps


def test_schemas_come_when_asked_for(serve: Serve) -> None:
    server = serve(session_server())
    assert ask(server, schemas=True)["schemas"] == {"now": {"type": "object"}}
    assert "schemas" not in ask(server)


def test_each_step_has_its_latency(serve: Serve) -> None:
    latency = ask(serve(session_server()))["latency_ms"]
    assert set(latency) == {"connect", "discover", "initialize", "initialized", "tools_list", "total"}
    assert latency["total"] + 0.5 >= sum(value for step, value in latency.items() if step != "total")


# Tool calls


def test_a_tool_call_that_meets_its_expectation_passes(serve: Serve) -> None:
    server = serve(session_server())
    assert ask(server, call=ToolCall("now", {}, r"\d\d:\d\d UTC"))["state"] == "ok"
    assert server.requests[4].message["params"] == {"name": "now", "arguments": {}}


def test_a_tool_call_that_misses_its_expectation_fails_and_says_what_came(serve: Serve) -> None:
    report = ask(serve(session_server()), call=ToolCall("now", {}, "CET"))
    assert (report["cause"], report["step"]) == ("expectation", "tools/call")
    assert "/CET/" in report["reason"]
    assert "12:00 UTC" in report["reason"]


def test_a_tool_call_that_reports_an_error_fails(serve: Serve) -> None:
    said = {"content": [{"type": "text", "text": "no such zone"}], "isError": True}
    server = serve(session_server(tools_call=lambda request: answer(200, result(request, said))))
    report = ask(server, call=ToolCall("now"))
    assert report["reason"] == "now reports an error: no such zone"


def test_the_session_ends_even_when_the_probe_fails(serve: Serve) -> None:
    server = serve(session_server())
    ask(server, call=ToolCall("now", {}, "CET"))
    assert server.steps[-1] == "DELETE"


def test_parameters_that_a_schema_wants_in_headers_are_sent_there(serve: Serve) -> None:
    schema = {"properties": {"zone": {"type": "string", "x-mcp-header": "Zone"}, "other": {"type": "string"}}}
    tools = {"tools": [{"name": "now", "inputSchema": schema}]}
    server = serve(session_server(tools_list=lambda request: answer(200, result(request, tools))))
    ask(server, call=ToolCall("now", {"zone": "Zürich", "other": "x"}))
    headers = server.requests[4].headers
    assert headers["mcp-param-zone"] == "=?base64?WsO8cmljaA==?="
    assert headers["mcp-name"] == "now"
    assert "mcp-param-other" not in headers
