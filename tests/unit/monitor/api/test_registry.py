"""The servers of this host in the form of an MCP registry, as the allow-lists of clients read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from monitor.api.documents import state_document
from monitor.api.registry import entries, namespace

from tests.unit.monitor import samples
from tests.unit.monitor.api.program import REGISTRY_DOCUMENT, REGISTRY_URL, Program, Told

OFFICIAL = "io.modelcontextprotocol.registry/official"


def public(folder: Path, servers: list[dict[str, Any]], **more: Any) -> Program:
    (folder / "state.json").write_text(json.dumps(samples.state(servers, **more)))
    return Program(folder, public_registry=True)


def ask(program: Program, path: str, **more: Any) -> Told:
    return program.ask(path, below=REGISTRY_URL, **{"token": None, **more})


def named(name: str, url: str, **more: Any) -> dict[str, Any]:
    return samples.server(name, client={"type": "http", "url": url}, **more)


def test_a_server_is_listed_with_the_url_that_clients_call(tmp_path: Path) -> None:
    program = public(tmp_path, [named("time", "https://mcp.example.com/mcp/time/mcp")])

    [found] = ask(program, "/servers?limit=50&version=latest").document["servers"]

    assert found["server"] == {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": "com.example.mcp/time",
        "title": "time",
        "description": "2 tools: get_current_time, convert_time",
        "version": "1.2.3",
        "remotes": [{"type": "streamable-http", "url": "https://mcp.example.com/mcp/time/mcp"}],
    }
    assert found["_meta"][OFFICIAL]["status"] == "active"


@pytest.mark.parametrize("version", ["latest", "1.2.3"])
def test_a_client_asks_for_a_server_by_its_name_with_the_slash_encoded_or_not(tmp_path: Path, version: str) -> None:
    program = public(tmp_path, [named("time", "https://mcp.example.com/mcp/time/mcp")])
    # The server decodes %2F before an application sees the path (PEP 3333).
    assert quote("com.example.mcp/time", safe="") == "com.example.mcp%2Ftime"
    told = ask(program, f"/servers/com.example.mcp/time/versions/{version}")
    assert told.document["server"]["name"] == "com.example.mcp/time"
    assert [told.document] == ask(program, "/servers/com.example.mcp/time/versions").document["servers"]


@pytest.mark.parametrize("path", ["com.example.mcp/time/versions/1.2.4", "com.example.mcp/tim/versions/latest"])
def test_what_there_is_not_is_told_as_registries_do(tmp_path: Path, path: str) -> None:
    program = public(tmp_path, [named("time", "https://mcp.example.com/mcp/time/mcp")])
    told = ask(program, f"/servers/{path}")
    assert told.status == 404
    assert told.document["error"] == told.document["detail"]


def test_the_headers_that_a_server_takes_are_inputs_of_its_remote(tmp_path: Path) -> None:
    program = public(tmp_path, [named("git", "https://mcp.example.com/mcp/git/mcp", headers=["X-Token"])])
    [remote] = ask(program, "/servers").document["servers"][0]["server"]["remotes"]
    assert [(each["name"], each["isRequired"], each["isSecret"]) for each in remote["headers"]] == [
        ("X-Token", True, True)
    ]


def test_only_servers_that_run_here_and_that_clients_can_use_are_listed(tmp_path: Path) -> None:
    servers = [samples.server("time"), samples.disabled("off"), samples.invalid("broken", "no")]
    program = public(tmp_path, servers, remotes=[samples.remote("far")])
    told = ask(program, "/servers").document
    assert [each["server"]["name"] for each in told["servers"]] == ["mcp/time"]
    assert told["metadata"] == {"count": 1}


def test_pages_follow_each_other_until_there_is_no_cursor(tmp_path: Path) -> None:
    program = public(tmp_path, [samples.server(f"s{number:02}") for number in range(7)])
    found, path = [], "/servers?limit=3"
    while path:
        told = ask(program, path).document
        found += [each["server"]["title"] for each in told["servers"]]
        cursor = told["metadata"].get("nextCursor")
        path = f"/servers?limit=3&cursor={cursor}" if cursor else ""
    assert found == [f"s{number:02}" for number in range(7)]


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("search=GIT", ["git"]),
        ("version=1.2.3", ["git", "time"]),
        ("version=9", []),
        ("updated_since=2026-11-21T02:00:00.5Z", []),
        ("updated_since=2026-11-20T23:59:59%2B00:00", ["git", "time"]),
        ("include_deleted=true&of_the_future=1", ["git", "time"]),
    ],
)
def test_the_list_is_filtered_as_registries_do(tmp_path: Path, query: str, meant: list[str]) -> None:
    program = public(tmp_path, [samples.server("git"), samples.server("time")])
    assert [each["server"]["title"] for each in ask(program, f"/servers?{query}").document["servers"]] == meant


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "updated_since=yesterday", "updated_since=2026-02-30T00:00:00Z"]
)
def test_what_is_wrong_in_a_question_is_named(tmp_path: Path, query: str) -> None:
    told = ask(public(tmp_path, [samples.server("time")]), f"/servers?{query}")
    assert told.status == 400
    assert told.document["errors"][0]["place"] == f"query.{query.partition('=')[0]}"


def test_it_asks_for_a_login_unless_it_is_public(tmp_path: Path) -> None:
    program = Program(tmp_path)
    assert ask(program, "/servers").status == 401
    told = ask(program, "/servers", token="mcpt_view")
    assert told.status == 200
    assert "access-control-allow-origin" not in told.headers


def test_what_is_public_may_be_read_by_the_scripts_of_any_site_and_nothing_else_may(tmp_path: Path) -> None:
    program = public(tmp_path, [samples.server("time")])
    origin = {"origin": "https://vscode.example"}
    asked = {**origin, "access_control_request_method": "GET", "access_control_request_headers": "authorization"}

    told, preflight = ask(program, "/servers", **origin), ask(program, "/servers", method="OPTIONS", **asked)

    for each in (told, preflight):
        assert each.headers["access-control-allow-origin"] == "*"
        assert each.headers["access-control-allow-methods"] == "GET, OPTIONS"
        assert each.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert preflight.status == 204
    assert program.ask("/servers", token=None).status == 401
    assert "access-control-allow-origin" not in program.ask("/servers", **origin).headers


def test_nobody_changes_anything_here(tmp_path: Path) -> None:
    program = public(tmp_path, [samples.server("time")])
    assert ask(program, "/servers", method="POST", body={}).status == 405
    assert ask(program, "/publish", method="POST", body={}).status == 404


def test_its_own_description_is_beside_it(tmp_path: Path) -> None:
    told = ask(public(tmp_path, []), "/openapi.json").document
    assert set(told["paths"]) == set(REGISTRY_DOCUMENT["paths"])
    assert told["servers"] == [{"url": "/monitor/v0.1"}]
    assert told["paths"]["/servers"]["get"]["security"] == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://mcp.example.com/mcp/x", "com.example.mcp"),
        ("https://MCP.Example.com:8443/mcp/x", "com.example.mcp"),
        ("http://127.0.0.1:8080/mcp/x", "prod"),
        ("http://localhost:8080/mcp/x", "prod"),
        ("http://[::1]:8080/mcp/x", "prod"),
        ("https://a_b.example/mcp/x", "prod"),
    ],
)
def test_names_begin_with_the_host_that_clients_call_where_it_is_unique(url: str, expected: str) -> None:
    assert namespace(url, "prod") == expected


@pytest.mark.parametrize(
    ("told", "package", "expected"),
    [
        ("1.2.3", None, "1.2.3"),
        ("latest", "2.0.0", "2.0.0"),
        ("^1.0", None, "0.0.0+abc"),
        ("1.x", None, "0.0.0+abc"),
        ("", "2026.1.2", "2026.1.2"),
        (None, None, "0.0.0+abc"),
    ],
)
def test_a_version_is_one_and_no_range(tmp_path: Path, told: str | None, package: str | None, expected: str) -> None:
    server = samples.server(
        "time",
        generation="abc",
        package=package and {"name": "p", "version": package, "digest": None},
        health={"server": None if told is None else {"name": "x", "version": told}},
    )
    program = public(tmp_path, [server])
    assert entries(state_document(program.sources))[0]["server"]["version"] == expected


def test_many_tools_are_told_as_far_as_there_is_room(tmp_path: Path) -> None:
    health = {"tools": [f"a_tool_with_a_long_name_{number}" for number in range(20)]}
    program = public(tmp_path, [samples.server("time", health=health), samples.server("mute", health={"tools": []})])
    by_name = {
        each["server"]["title"]: each["server"]["description"] for each in ask(program, "/servers").document["servers"]
    }
    assert by_name["time"].startswith("20 tools: a_tool_with_a_long_name_0, ")
    assert by_name["time"].endswith(" …")
    assert len(by_name["time"]) <= 100
    assert by_name["mute"] == "The MCP server mute."
