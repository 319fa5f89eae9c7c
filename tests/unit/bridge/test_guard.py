"""Who may speak to the bridge from a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.bridge.client import Bridge, Client, request

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


def test_health_is_not_guarded(bridge: Bridge) -> None:
    assert bridge.request("GET", "/health", headers={"origin": "http://evil.example"}).status == 200
