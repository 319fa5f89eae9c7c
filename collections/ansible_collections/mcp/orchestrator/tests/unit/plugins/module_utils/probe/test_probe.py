# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the probe reports of servers that behave in one certain way, good or bad."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.fleet import probe_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ProbeTarget, ToolCall
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.probe.scripted import (
    INTRODUCTION,
    Request,
    Scripted,
    answer,
    error,
    result,
    session_server,
    stream,
)

Serve = Callable[..., Scripted]


def ask(server: Scripted | str, *, call: ToolCall | None = None, timeout: float = 5, **options: Any) -> dict[str, Any]:
    url = server if isinstance(server, str) else server.url
    headers = options.pop("headers", {})
    deadline = options.pop("deadline", 20)
    endpoint = ProbeTarget("time", url, headers, call)
    return probe_fleet([endpoint], timeout=timeout, deadline=deadline, **options)[0]


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
        server.ended.wait(30)

    server = serve(session_server(initialize=lingering))
    began = time.monotonic()
    assert ask(server)["state"] == "ok"
    assert time.monotonic() - began < 2


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


# Faults


def test_a_port_that_nobody_listens_on_is_refused() -> None:
    report = ask("http://127.0.0.1:1/mcp")
    assert (report["cause"], report["step"]) == ("refused", "connect")
    assert report["reason"] == "connection refused: nothing listens on 127.0.0.1:1"


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    report = ask("http://no-such-host.invalid/mcp")
    assert (report["cause"], report["step"]) == ("unreachable", "connect")


@pytest.mark.parametrize("url", ["ftp://host/x", "mcp", "http://", "http://host:port/"])
def test_an_address_that_is_none_says_so(url: str) -> None:
    report = ask(url)
    assert (report["state"], report["step"]) == ("failing", "connect")
    assert url in report["reason"]


REFUSALS = [
    (404, {"server": "awselb/2.0"}, "", "no_route", "404 by the route: no rule of the balancer leads /mcp/time/mcp"),
    (404, {"server": "uvicorn"}, "Not Found", "not_found", "404 by the server: it does not serve MCP at"),
    (404, {"x_powered_by": "Express"}, "Cannot POST", "not_found", "404 by the server"),
    (404, {}, "nothing here", "not_found", "404: no route leads to /mcp/time/mcp, or the server behind it"),
    (503, {}, {"status": "failing", "reason": "the child ended: exit 1"}, "bridge",
     "503 by the bridge: the child ended: exit 1"),
    (503, {}, {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "too many sessions"}}, "bridge",
     "503 by the bridge: too many sessions"),
    (502, {}, {"jsonrpc": "2.0", "id": 2, "error": {"code": -32000, "message": "cannot start: no such file"}}, "bridge",
     "502 by the bridge: cannot start: no such file"),
    (502, {"server": "awselb/2.0"}, "", "balancer", "502 by the balancer: the server closed the connection"),
    (503, {"server": "awselb/2.0"}, "", "balancer", "503 by the balancer: the route has no healthy target"),
    (504, {}, "<html>", "balancer", "504 by the balancer: the server did not answer in the balancer's time"),
    (503, {"server": "nginx"}, "<html>", "not_mcp", "initialize was answered with 503"),
    (401, {"www_authenticate": 'Bearer realm="x"'}, "", "auth", "401: the server wants an authorization that the"),
    (403, {}, {"error": "forbidden"}, "auth", "403: "),
    (302, {"location": "https://login.example/?state=secret"}, "", "not_mcp", "redirects (302) to https://login.exa"),
    (406, {}, {"detail": "Not Acceptable"}, "not_mcp", "was answered with 406: Not Acceptable"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "headers", "body", "cause", "reason"), REFUSALS)
def test_a_refusal_says_who_refused_and_why(
    serve: Serve, status: int, headers: dict[str, str], body: Any, cause: str, reason: str
) -> None:
    def refuse(_request: Request) -> list[bytes]:
        return answer(status, body, **headers)

    report = ask(serve(session_server(initialize=refuse)))
    assert (report["state"], report["cause"], report["step"]) == ("failing", cause, "initialize")
    assert reason in report["reason"]
    assert "secret" not in report["reason"]


def test_no_route_is_said_at_the_first_request(serve: Serve) -> None:
    server = serve(lambda _request: answer(404, "", server="awselb/2.0"))
    assert ask(server)["cause"] == "no_route"
    assert server.steps == ["server/discover"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<h1>It works!</h1>", "text/html"),
        ("hello", "text/plain"),
        ("{}", "application/json"),
        ("[", "application/json"),
    ],
)
def test_a_web_page_is_not_mcp(serve: Serve, body: str, kind: str) -> None:
    report = ask(serve(lambda _request: answer(200, body, content_type=kind)))
    assert (report["cause"], report["step"]) == ("not_mcp", "initialize")
    assert report["reason"] == f"not MCP: initialize was answered with 200 and {kind}"


def test_something_that_does_not_speak_http_is_not_mcp(serve: Serve) -> None:
    report = ask(serve(lambda _request: [b"SSH-2.0-OpenSSH_9.2\r\n"]))
    assert report["cause"] == "not_mcp"
    assert "does not answer in HTTP" in report["reason"]


def test_a_request_that_is_accepted_and_never_answered_is_not_mcp(serve: Serve) -> None:
    report = ask(serve(session_server(initialize=lambda _request: answer(202))))
    assert report["reason"] == "not MCP: initialize was accepted (202) and never answered"


@pytest.mark.parametrize("step", ["initialize", "notifications/initialized", "tools/list", "tools/call"])
def test_silence_is_a_timeout_at_its_step(serve: Serve, step: str) -> None:
    server: Scripted

    def silent(_request: Request) -> Iterator[bytes]:
        server.ended.wait(30)
        yield b""

    server = serve(session_server(**{step.replace("/", "_"): silent}))
    began = time.monotonic()
    report = ask(server, call=ToolCall("now"), timeout=0.6)
    assert (report["cause"], report["step"]) == ("timeout", step.replace("notifications/", ""))
    assert time.monotonic() - began < 2.5


def test_a_server_that_drips_cannot_outlast_its_time(serve: Serve) -> None:
    server: Scripted

    def drip(_request: Request) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n"
        while not server.ended.wait(0.05):
            yield b" "

    server = serve(session_server(initialize=drip))
    began = time.monotonic()
    assert ask(server, timeout=0.8)["cause"] == "timeout"
    assert time.monotonic() - began < 2.5


def test_a_flood_is_cut_off(serve: Serve) -> None:
    def flood(_request: Request) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"
        for _number in range(40):
            yield b" " * (1024 * 1024)

    report = ask(serve(session_server(initialize=flood)), timeout=20, deadline=30)
    assert report["reason"] == "the answer to initialize is larger than 16 MiB"


@pytest.mark.parametrize("step", ["initialize", "tools/list"])
def test_a_connection_that_breaks_off_says_at_which_step(serve: Serve, step: str) -> None:
    report = ask(serve(session_server(**{step.replace("/", "_"): lambda _request: None})))
    assert (report["cause"], report["step"]) == ("closed", step)
    assert report["reason"] == f"the connection was closed before {step} was answered"


def test_a_stream_that_ends_without_an_answer_is_closed(serve: Serve) -> None:
    report = ask(serve(session_server(initialize=lambda _request: stream(b": nothing\n\n"))))
    assert (report["cause"], report["step"]) == ("closed", "initialize")


def test_an_error_in_answer_to_initialize_is_quoted_in_one_short_line(serve: Serve) -> None:
    long = "bad\nthings " + "x" * 500
    report = ask(serve(session_server(initialize=lambda request: answer(200, error(request, -32603, long)))))
    assert report["reason"].startswith("initialize was answered with error -32603: bad things xxx")
    assert len(report["reason"]) < 300
    assert "\n" not in report["reason"]


def test_deeply_nested_json_is_only_not_mcp(serve: Serve) -> None:
    report = ask(serve(lambda _request: answer(200, "[" * 100_000, content_type="application/json")))
    assert report["cause"] == "not_mcp"


# TLS


def test_a_certificate_that_nobody_signed_is_told(serve: Serve, server_tls: ssl.SSLContext) -> None:
    report = ask(serve(session_server(), server_tls))
    assert (report["cause"], report["step"]) == ("tls", "connect")
    assert "certificate" in report["reason"]


def test_a_certificate_that_is_trusted_is_accepted(
    serve: Serve, server_tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert ask(serve(session_server(), server_tls))["state"] == "ok"


def test_certificates_are_not_looked_at_when_told_so(serve: Serve, server_tls: ssl.SSLContext) -> None:
    assert ask(serve(session_server(), server_tls), verify_tls=False)["state"] == "ok"


def test_a_server_without_tls_at_an_https_address_is_told(serve: Serve) -> None:
    report = ask(serve(session_server()).url.replace("http:", "https:"))
    assert report["cause"] == "tls"


# Secrets


def test_headers_are_sent_and_never_told(serve: Serve) -> None:
    server = serve(session_server(tools_list=lambda request: answer(200, error(request, -32000, "no"))))
    report = ask(server, headers={"Authorization": "Bearer sesame"})
    assert all(request.headers["authorization"] == "Bearer sesame" for request in server.requests)
    assert "sesame" not in json.dumps(report)


def test_a_header_that_http_does_not_allow_is_not_quoted(serve: Serve) -> None:
    report = ask(serve(session_server()), headers={"Authorization": "Bearer sesame\n"})
    assert report["cause"] == "error"
    assert "sesame" not in json.dumps(report)


# Many servers


def test_reports_come_in_the_order_of_the_endpoints(serve: Serve) -> None:
    servers = [serve(session_server()) for _number in range(40)]
    endpoints = [ProbeTarget(f"s{number}", server.url) for number, server in enumerate(servers)]
    reports = probe_fleet(endpoints, timeout=10, deadline=30)
    assert [report["name"] for report in reports] == [f"s{number}" for number in range(40)]
    assert {report["state"] for report in reports} == {"ok"}


def test_nobody_waits_longer_than_the_deadline(serve: Serve) -> None:
    silent = serve(lambda _request: iter(lambda: (silent.ended.wait(0.1) and b"") or b"", None))
    endpoints = [ProbeTarget(f"s{number}", silent.url) for number in range(40)]
    began = time.monotonic()
    reports = probe_fleet(endpoints, timeout=1, deadline=1.5)
    assert time.monotonic() - began < 4
    assert {report["cause"] for report in reports} == {"timeout", "deadline"}


def test_no_endpoints_are_no_reports() -> None:
    assert probe_fleet([], timeout=1, deadline=1) == []


def test_a_fresh_route_is_asked_again_until_it_answers(serve: Serve) -> None:
    plain = session_server()
    server: Scripted

    def script(request: Request) -> Any:
        return answer(404, "", server="awselb/2.0") if len(server.requests) < 3 else plain(request)

    server = serve(script)
    assert ask(server, settle=10)["state"] == "ok"


def test_a_server_that_is_slow_to_start_is_asked_again_while_its_route_settles(serve: Serve) -> None:
    plain = session_server()
    server: Scripted

    def silent() -> Iterator[bytes]:
        server.ended.wait(30)
        yield b""

    def script(request: Request) -> Any:
        return silent() if len(server.requests) < 3 else plain(request)

    server = serve(script)
    assert ask(server, timeout=2, settle=60, deadline=60)["state"] == "ok"


def test_a_server_that_is_no_mcp_server_is_not_asked_again(serve: Serve) -> None:
    server = serve(lambda _request: answer(200, "hello", content_type="text/plain"))
    ask(server, settle=10)
    assert server.steps == ["server/discover", "initialize", "GET"]
