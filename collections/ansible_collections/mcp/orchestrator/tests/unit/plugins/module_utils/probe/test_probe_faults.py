# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the probe reports of servers that misbehave in one certain way."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ToolCall
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.probe.scripted import (
    Request,
    Scripted,
    Serve,
    answer,
    ask,
    error,
    session_server,
    stream,
)


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
    (504, {}, "<html>", "balancer", "504 by the balancer: the server did not answer within"),
    (503, {"server": "nginx"}, "<html>", "not_mcp", "initialize was answered with 503"),
    (401, {"www_authenticate": 'Bearer realm="x"'}, "", "auth", "401: the server requires an authorization that the"),
    (403, {}, {"error": "forbidden"}, "auth", "does not have: forbidden"),
    (403, {}, "you may not use this host", "auth", "does not have: you may not use this host"),
    (401, {"www_authenticate": "Bearer"}, "Invalid host header", "auth", "does not have (Bearer)"),
    (403, {"content_type": "text/plain"}, "Access is only allowed at localhost:8931", "guard",
     "403: the server does not accept the Host or Origin it is asked by: Access is only allowed at localhost:8931"),
    (403, {}, {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "Invalid Host: a.example"}}, "guard",
     "asked by: Invalid Host: a.example"),
    (403, {}, "Invalid Origin header", "guard", "asked by: Invalid Origin header"),
    (403, {}, 'This host ("alb.example") is not allowed.', "guard", "is not allowed"),
    (421, {}, "Invalid Host header", "guard", "421: the server does not accept the Host"),
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
        server.ended.wait(300)
        yield b""

    server = serve(session_server(**{step.replace("/", "_"): silent}))
    began = time.monotonic()
    report = ask(server, call=ToolCall("now"), timeout=1.5, deadline=200)
    assert (report["cause"], report["step"]) == ("timeout", step.replace("notifications/", ""))
    assert time.monotonic() - began < 60


def test_a_server_that_drips_cannot_outlast_its_time(serve: Serve) -> None:
    server: Scripted

    def drip(_request: Request) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n"
        while not server.ended.wait(0.05):
            yield b" "

    server = serve(session_server(initialize=drip))
    began = time.monotonic()
    assert ask(server, timeout=0.8, deadline=200)["cause"] == "timeout"
    assert time.monotonic() - began < 60


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
    report = ask(serve(session_server(), server_tls))
    assert report["state"] == "ok"
    left = datetime.fromisoformat(report["certificate_ends"]) - datetime.now(UTC)
    assert timedelta(days=1) < left <= timedelta(days=2)


def test_certificates_are_not_looked_at_when_told_so(serve: Serve, server_tls: ssl.SSLContext) -> None:
    report = ask(serve(session_server(), server_tls), verify_tls=False)
    assert (report["state"], report["certificate_ends"]) == ("ok", None)


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
