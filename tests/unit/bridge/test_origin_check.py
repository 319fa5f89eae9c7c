"""Who may speak to the bridge from a browser."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.unit.bridge.client import Bridge, Client, Reply, request

Start = Callable[..., Bridge]
INITIALIZE = request("initialize", {"protocolVersion": "2025-06-18"}, 1)


def status(bridge: Bridge, **headers: str) -> int:
    return Client(bridge).post(INITIALIZE, **headers).status


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://localhost.evil.example", "null", "", "http://[", "x"]
)
def test_pages_of_other_origins_are_refused(bridge: Bridge, origin: str) -> None:
    assert status(bridge, origin=origin) == 403
    assert bridge.request("GET", "/sse", headers={"origin": origin}).status == 403
    assert bridge.request("POST", "/messages?session_id=1", b"{}", {"origin": origin}).status == 403


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080"])
def test_pages_on_the_machine_itself_and_clients_that_are_no_pages_are_served(bridge: Bridge, origin: str) -> None:
    assert status(bridge, origin=origin) == 200
    assert status(bridge) == 200


def test_origins_are_allowed_by_name_or_all_at_once(start_bridge: Start) -> None:
    bridge = start_bridge("--allow-origin", "https://app.example.com")
    assert status(bridge, origin="https://app.example.com") == 200
    assert status(bridge, origin="http://app.example.com") == 403
    assert status(start_bridge("--allow-origin", "*"), origin="https://any.example") == 200


def test_hosts_are_checked_where_some_are_named(start_bridge: Start) -> None:
    bridge = start_bridge("--allow-host", "mcp.example.com")
    assert status(bridge, host="mcp.example.com") == 200
    assert status(bridge, host="MCP.example.com:8080") == 200
    assert status(bridge, host="evil.example") == 403
    assert status(bridge, host="10.0.0.7:8000") == 200
    assert bridge.request("GET", "/health", headers={"host": "10.0.0.7"}).status != 403


def test_a_refusal_names_the_value_and_the_setting_in_a_line_that_harms_no_terminal(bridge: Bridge) -> None:
    def said(**headers: str) -> str:
        reply = Client(bridge).post(INITIALIZE, **headers)
        assert reply.status == 403
        text = reply.json["error"]["message"]
        assert isinstance(text, str)
        return text

    text = said(origin="https://evil.example")
    assert "'https://evil.example'" in text
    assert "[security] allowed_origins" in text
    assert len(said(origin="https://" + "e" * 5000)) < 400
    assert "\x9b" not in said(origin="https://evil\x9b31m")
    assert "cross-site" in said(sec_fetch_site="cross-site")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin", "what", "same-origin, none"])
def test_what_pages_fetch_without_saying_whose_they_are_is_refused(bridge: Bridge, site: str) -> None:
    headers = {"sec-fetch-site": site, "host": "rebound.example:8000", "accept": "*/*"}
    assert bridge.request("GET", "/sse", headers=headers).status == 403
    assert bridge.request("GET", headers=headers).status == 403
    assert bridge.request("GET", "/metrics", headers=headers).status == 404


def test_pages_of_allowed_origins_say_so_or_are_at_home(start_bridge: Start) -> None:
    bridge = start_bridge("--allow-origin", "https://app.example.com")
    assert status(bridge, origin="https://app.example.com", sec_fetch_site="cross-site") == 200
    assert status(bridge, sec_fetch_site="none") == 200
    assert status(bridge, sec_fetch_site="same-origin", host="app.example.com") == 200
    assert status(bridge, sec_fetch_site="same-origin", host="localhost:8000") == 200
    assert status(bridge, sec_fetch_site="same-origin", host="rebound.example") == 403


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("localhost:8000", True),
        ("127.0.0.1:20001", True),
        ("[::1]:8000", True),
        ("10.0.0.7", True),
        ("mcp-time:8000", True),
        ("ip-10-0-0-7.eu-central-1.compute.internal:20001", True),
        ("rebound.example:20001", False),
        ("internal.evil.example", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_a_name_that_was_led_here_opens_nothing_and_reads_no_numbers(bridge: Bridge, host: str, served: bool) -> None:
    """Over plain HTTP a page reads its own origin without a word of being one."""
    stream = bridge.request("GET", "/sse", headers={"host": host})
    stream.close()
    assert stream.status == (200 if served else 403)
    assert bridge.request("GET", "/metrics", headers={"host": host}).status == (200 if served else 404)
    health = bridge.request("GET", "/health", headers={"host": host})
    assert health.status == 200
    assert ("sessions" in health.json) == served
    behind = bridge.request("GET", "/sse", headers={"host": host, "x-forwarded-for": "203.0.113.9"})
    behind.close()
    assert behind.status == 200
    assert status(bridge, host=host) == 200


def preflight(bridge: Bridge, path: str | None = None, asked: str = "content-type", **headers: str) -> Reply:
    wanted = {
        "origin": "https://app.example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": asked,
        **headers,
    }
    return bridge.request("OPTIONS", path, headers=wanted)


def names(reply: Reply, header: str) -> set[str]:
    return {name.strip().lower() for name in reply.headers.get(header, "").split(",")}


def test_a_preflight_of_an_allowed_origin_is_answered(start_bridge: Start) -> None:
    bridge = start_bridge("--allow-origin", "https://app.example.com", env={**os.environ, "KEY": "${header:X-Api-Key}"})
    for path in (None, "/mcp/x", "/mcp/x/sse", "/mcp/x/messages"):
        reply = preflight(bridge, path, "content-type,mcp-param-region,mcp-param-a b,x-other")
        assert (reply.status, reply.body) == (204, b"")
        assert reply.headers["access-control-allow-origin"] == "https://app.example.com"
        assert "access-control-allow-credentials" not in reply.headers
        assert names(reply, "access-control-allow-methods") >= {"get", "post", "delete"}
        assert names(reply, "access-control-allow-headers") == {
            "content-type",
            "accept",
            "authorization",
            "mcp-session-id",
            "mcp-protocol-version",
            "last-event-id",
            "mcp-method",
            "mcp-name",
            "mcp-param-region",
            "x-api-key",
        }
        assert "access-control-request-headers" in names(reply, "vary")
    assert preflight(bridge, "/elsewhere").status == 404
    assert preflight(bridge, "/health").status == 405
    assert bridge.request("OPTIONS").status == 405


def test_a_preflight_of_another_origin_is_refused(start_bridge: Start) -> None:
    bridge = start_bridge("--allow-origin", "https://app.example.com")
    for origin in ("https://evil.example", "https://app.example.com.evil.example", "null", "http://app.example.com"):
        reply = preflight(bridge, origin=origin)
        assert reply.status == 403
        assert "access-control-allow-origin" not in reply.headers
        assert "access-control-allow-headers" not in reply.headers
        assert names(reply, "vary") == {"origin"}


def test_every_answer_says_whether_the_page_may_read_it(start_bridge: Start) -> None:
    bridge = start_bridge("--allow-origin", "https://app.example.com", "--max-message", "1000")
    client = Client(bridge)

    def answers(origin: str) -> list[Reply]:
        stream = bridge.request("GET", "/sse", headers={"origin": origin})
        stream.close()
        large = {"origin": origin, "content-length": "2000", "content-type": "application/json"}
        return [
            stream,
            client.post(INITIALIZE, origin=origin),
            client.post(INITIALIZE, origin=origin, accept="text/event-stream"),
            client.post(b"{", origin=origin),
            client.post(INITIALIZE, origin=origin, accept="text/html"),
            client.post(INITIALIZE, origin=origin, mcp_session_id="unknown"),
            bridge.request("PUT", headers={"origin": origin}),
            bridge.request("GET", "/elsewhere", headers={"origin": origin}),
            bridge.request("GET", "/health", headers={"origin": origin}),
            bridge.request("POST", headers=large),
        ]

    replies = answers("https://app.example.com")
    assert {reply.status for reply in replies} >= {200, 400, 404, 405, 406, 413}
    for reply in replies:
        assert reply.headers["access-control-allow-origin"] == "https://app.example.com", reply
        assert names(reply, "access-control-expose-headers") >= {"mcp-session-id", "www-authenticate"}
        assert names(reply, "vary") == {"origin"}
    for reply in answers("https://evil.example"):
        assert "access-control-allow-origin" not in reply.headers
        assert names(reply, "vary") == {"origin"}
    assert names(client.post(INITIALIZE), "vary") == {"origin"}


def test_health_is_not_guarded(bridge: Bridge) -> None:
    assert bridge.request("GET", "/health", headers={"origin": "http://evil.example"}).status == 200
