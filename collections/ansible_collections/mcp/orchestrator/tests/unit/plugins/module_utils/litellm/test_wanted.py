# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What LiteLLM is to be told of each server."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.entry import Entry, outline
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.wanted import advice, seconds, wanted


def config(*servers: dict[str, Any], auth: str = "none", **more: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"errors": [], "clients": {}, "remotes": []}
    specs = [{"image": "i", "path": f"/mcp/{each['name']}", **each} for each in servers]
    return {**empty, "servers": specs, "settings": {"routes": {"auth": auth}}, **more}


def only(told: dict[str, Any], *, in_database: bool = False) -> Entry:
    (entry,) = wanted(told, "http://lb", in_database=in_database).entries
    return entry


def test_a_server_is_reached_at_its_route_by_its_transport() -> None:
    found = wanted(
        config({"name": "my-docs"}, {"name": "old", "transport": "sse", "mcp_path": "/sse"}),
        "http://lb",
        in_database=False,
    )
    told = [(each.name, each.service, each.url, each.transport) for each in found.entries]
    assert told == [
        ("my_docs", "my-docs", "http://lb/mcp/my-docs/mcp", "http"),
        ("old", "old", "http://lb/mcp/old/sse", "sse"),
    ]


def test_what_is_switched_off_is_not_told_and_what_is_stopped_or_ill_is() -> None:
    found = wanted(
        config({"name": "off", "enabled": False}, {"name": "stopped", "stopped": "by admin"}),
        "http://lb",
        in_database=False,
    )
    assert [each.service for each in found.entries] == ["stopped"]


def test_a_server_with_an_error_stays_as_it_is() -> None:
    found = wanted(
        config(errors=[{"server": "broken", "message": "…"}, {"server": None, "message": "…"}]),
        "http://lb",
        in_database=False,
    )
    assert (found.kept, found.entries) == (["broken"], [])


def test_tokens_are_passed_on_to_who_takes_them_alone() -> None:
    assert only(config({"name": "a"})).extra_headers == ()
    assert only(config({"name": "a", "client_headers": ["X-Token"]})).extra_headers == ("X-Token",)
    assert only(config({"name": "a"}, auth="jwt")).extra_headers == ("Authorization",)
    assert only(config({"name": "a", "auth": "none"}, auth="jwt")).extra_headers == ()
    assert only(config({"name": "a", "auth": "jwt", "client_headers": ["Authorization", "X"]})).extra_headers == (
        "Authorization",
        "X",
    )


def test_what_an_entry_says_to_clients_litellm_is_told() -> None:
    said = {
        "description": "Tells\n the time",
        "timeout": 90000,
        "includeTools": ["now(zone)"],
        "disabledTools": ["set"],
    }
    entry = only(config({"name": "a"}, clients={"a": said}))
    assert entry.in_config("mcp") == {
        "server_id": "",
        "url": "http://lb/mcp/a/mcp",
        "transport": "http",
        "description": "Tells the time",
        "timeout": 90.0,
        "allowed_tools": ["now"],
        "disallowed_tools": ["set"],
        "mcp_info": {"mcp_fleet": "mcp", "mcp_service": "a"},
    }


def test_a_description_makes_litellm_look_nothing_up() -> None:
    assert (
        only(config({"name": "a"}, clients={"a": {"description": "os.environ/LITELLM_MASTER_KEY"}})).description == ""
    )


@pytest.mark.parametrize(
    ("said", "found"), [(60, 60.0), (3600, 3600.0), (60000, 60.0), ("60", None), (True, None), (0, None)]
)
def test_a_timeout_is_read_in_seconds_or_milliseconds(said: Any, found: float | None) -> None:
    assert seconds(said) == found


def remote(**headers: str) -> dict[str, Any]:
    client = {"type": "http", "url": "https://docs.example.com/mcp", "headers": headers}
    return config(remotes=[{"name": "docs", "enabled": True, "client": client, "left_out": ["X: it may be a secret"]}])


def test_headers_of_a_remote_server_are_references_of_litellm() -> None:
    entry = only(remote(Authorization="Bearer ${DOCS_TOKEN}", **{"X-Key": "${env:KEY}"}))
    assert entry.secrets == {
        "auth_type": "bearer_token",
        "authentication_token": "os.environ/DOCS_TOKEN",
        "static_headers": {"X-Key": "os.environ/KEY"},
    }


def test_what_litellm_cannot_put_together_is_reported() -> None:
    for told, in_database in ((remote(Authorization="Basic ${T}"), False), (remote(Authorization="Bearer ${T}"), True)):
        found = wanted(told, "http://lb", in_database=in_database)
        assert found.entries[0].secrets == {}
        assert any("headers.Authorization" in reason for reason in found.left_out["docs"])


def test_a_server_with_a_process_for_each_session_is_worth_advice() -> None:
    servers = (
        {"name": "a"},
        {"name": "b", "isolation": "pooled"},
        {"name": "c", "transport": "http"},
        {"name": "d", "client_headers": ["X-Token"]},
    )
    found = wanted(config(*servers), "http://lb", in_database=False)
    assert found.costly == ["a"]
    assert "orchestrator.isolation" in advice(found.costly)[0]
    assert advice([]) == []


def test_an_outline_names_headers_and_shows_none() -> None:
    entry = Entry(
        "a", "a", "http://lb", "http", extra_headers=("X-T",), secrets={"static_headers": {"X-Key": "s3same"}}
    )
    shown = outline({"a": entry.in_config("mcp")})
    assert "X-T" in shown
    assert "X-Key" in shown
    assert "s3same" not in shown
