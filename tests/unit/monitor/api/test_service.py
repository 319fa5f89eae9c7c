"""From a request to an operation, and back: what is not as declared is told with all its mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from monitor.api.openapi import document
from monitor.api.operations import OPERATIONS

from tests.unit.monitor.api.program import DOCUMENT, URL, Program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_health_needs_no_login(program: Program) -> None:
    told = program.ask("/health", token=None)
    assert (told.status, told.document) == (200, {"status": "ok"})


def test_the_description_is_served_beside_it(program: Program) -> None:
    told = program.ask("/openapi.json", token=None)
    assert told.document == json.loads(json.dumps(document(OPERATIONS, URL)))
    assert told.document["openapi"].startswith("3.1")


def test_every_reference_of_the_description_leads_somewhere() -> None:
    def follow(node: object) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                at: object = DOCUMENT
                for part in node["$ref"].removeprefix("#/").split("/"):
                    assert isinstance(at, dict)
                    assert part in at, node["$ref"]
                    at = at[part]
            for each in node.values():
                follow(each)
        elif isinstance(node, list):
            for each in node:
                follow(each)

    follow(DOCUMENT)


def test_names_of_operations_are_their_own() -> None:
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS)


def test_everything_that_is_wrong_with_a_request_is_told_at_once(program: Program) -> None:
    told = program.ask("/servers?limit=0&status=well&stauts=ok&text=a&text=b")
    assert told.status == 400
    assert [each["place"] for each in told.document["errors"]] == [
        "query.stauts",
        "query.status",
        "query.text",
        "query.limit",
    ]
    assert told.document["errors"][0]["detail"].startswith("is unknown; known are after, group")


@pytest.mark.parametrize("path", ["", "/", "/server", "/servers/time/sideways", "/servers/../health", "/SERVERS"])
def test_what_there_is_not_is_a_problem_too(program: Program, path: str) -> None:
    told = program.ask(path)
    assert told.status == 404
    assert told.document["type"] == "urn:mcp-orchestrator:problem:no-such-operation"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "OPTIONS"])
def test_another_method_is_told_which_there_are(program: Program, method: str) -> None:
    told = program.ask("/health", method)
    assert (told.status, told.headers["allow"]) == (405, "GET, HEAD")


def test_a_head_has_the_headers_of_its_get(program: Program) -> None:
    asked, headed = program.ask("/servers"), program.ask("/servers", "HEAD")
    assert (headed.status, headed.body, headed.headers) == (200, b"", asked.headers)


@pytest.mark.parametrize("headers", [{}, {"access_control_request_method": "GET"}], ids=["call", "preflight"])
def test_other_sites_may_read_nothing_unless_they_are_named(tmp_path: Path, headers: dict[str, str]) -> None:
    origin, method = "https://ops.example.com", "OPTIONS" if headers else "GET"
    closed = Program(tmp_path).ask("/servers", method, origin=origin, **headers)
    assert "access-control-allow-origin" not in closed.headers
    opened = Program(tmp_path, origins=(origin,)).ask("/servers", method, origin=origin, **headers)
    assert opened.headers["access-control-allow-origin"] == origin
    assert opened.status == (204 if headers else 200)
    other = Program(tmp_path, origins=(origin,)).ask("/servers", method, origin="https://evil.example.com", **headers)
    assert "access-control-allow-origin" not in other.headers
