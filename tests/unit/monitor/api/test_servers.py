"""The servers for programs: all, one, and how it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.monitor import samples
from tests.unit.monitor.api.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    servers = [
        samples.server("time", group="clocks", template="time@1"),
        samples.server("fetch", transport="http", image="mcp/fetch:2"),
        samples.disabled("off"),
        samples.failing("broken", "it does not answer"),
    ]
    state = samples.state(servers, remotes=[samples.remote("docs")])
    (tmp_path / "state.json").write_text(json.dumps(state))
    return Program(tmp_path)


def names(document: Any) -> list[str]:
    return [each["name"] for each in document["servers"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["broken", "docs", "fetch", "off", "time"]),
        ("?status=failing", ["broken"]),
        ("?type=http", ["docs", "fetch"]),
        ("?group=clocks", ["time"]),
        ("?template=time@1", ["time"]),
        ("?template=time", ["time"]),
        ("?template=time@2", []),
        ("?template=tim", []),
        ("?host=elsewhere", ["docs"]),
        ("?text=MCP/FETCH", ["fetch"]),
        ("?host=here&type=http", ["fetch"]),
        ("?text=nothing", []),
    ],
)
def test_servers_are_found_by_what_they_are(program: Program, query: str, found: list[str]) -> None:
    told = program.ask(f"/servers{query}")
    assert (names(told.document), told.document["total"]) == (found, len(found))


def test_a_long_list_comes_in_pages_that_lead_to_each_other(program: Program) -> None:
    first = program.ask("/servers?limit=2&host=here")
    assert (names(first.document), first.document["total"]) == (["broken", "fetch"], 4)
    follows = first.document["next"]
    assert first.headers["link"] == f'<{follows}>; rel="next"'
    second = program.ask(follows.removeprefix("/monitor/api/v1"))
    assert (names(second.document), second.document["next"]) == (["off", "time"], None)


def test_a_server_is_told_as_the_state_has_it(program: Program) -> None:
    state = json.loads(program.state_file.read_text())
    for server in (*state["servers"], *state["remotes"]):
        assert program.ask(f"/servers/{server['name']}").document == server


def test_how_a_server_is_comes_with_the_run_that_found_it_so(program: Program) -> None:
    told = program.ask("/servers/broken/status").document
    state = json.loads(program.state_file.read_text())
    assert (told["condition"], told["run"]["id"]) == ("failing", state["run"]["id"])
    assert program.ask("/servers/docs/status").document["observed"] is None


def test_a_server_that_there_is_not_is_a_problem_with_a_way_out(program: Program) -> None:
    told = program.ask("/servers/nobody")
    assert told.status == 404
    assert told.headers["content-type"] == "application/problem+json"
    assert told.document["detail"] == "The last run knew no server nobody; GET /servers lists those that it knew"


def test_containers_are_another_word_for_servers(program: Program) -> None:
    assert program.ask("/containers/time").document == program.ask("/servers/time").document
    assert names(program.ask("/containers").document) == names(program.ask("/servers").document)


def test_what_has_not_changed_is_not_sent_again(program: Program) -> None:
    first = program.ask("/servers")
    again = program.ask("/servers", if_none_match=f'"other", W/{first.headers["etag"]}')
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    program.state_file.write_text(json.dumps(samples.three_servers()))
    assert program.ask("/servers", if_none_match=first.headers["etag"]).status == 200


@pytest.mark.parametrize("content", [None, "{", '{"version": 1}'], ids=["missing", "torn", "older"])
def test_without_a_state_it_is_said_why(program: Program, content: str | None) -> None:
    program.state_file.unlink()
    if content is not None:
        program.state_file.write_text(content)
    told = program.ask("/servers")
    assert (told.status, told.headers["retry-after"]) == (503, "10")
    assert "state" in told.document["detail"]


def test_a_server_is_explained_wherever_it_runs(program: Program) -> None:
    told = program.ask("/servers/broken/explain").document
    assert told["because"][0].startswith("The config says that it is to run")
    assert told["next_run"]
    assert program.ask("/servers/docs/explain").document["because"][0].startswith("It runs elsewhere")
    assert program.ask("/servers/nobody/explain").status == 404
