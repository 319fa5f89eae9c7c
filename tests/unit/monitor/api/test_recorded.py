"""What was recorded of a server, for programs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from monitor.api.log_follow import followed
from records.follow import Follower
from records.growth import Growth
from records.logs import Logs
from records.query import Query

from tests.monitor_data.site import make_site
from tests.unit.monitor.api.program import Program

NAME = "billing"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("site"), servers=8, days=2, lines=60, calls=80)


@pytest.fixture
def program(site: Path) -> Program:
    return Program(site)


@pytest.fixture
def name(program: Program) -> str:
    """A server of which everything is recorded."""
    recorded = set(program.sources.logs.servers()) & set(program.sources.calls.servers())
    return sorted(recorded & set(program.sources.samples.servers()))[0]


def asked(program: Program, path: str) -> Any:
    told = program.ask(path)
    assert told.status == 200, told.body
    return told.document


def test_the_last_lines_of_a_log_come_in_the_order_of_their_times(program: Program, name: str) -> None:
    found = asked(program, f"/servers/{name}/logs?lines=5")
    times = [each["time"] for each in found["lines"]]
    assert (len(times), times, found["whole"]) == (5, sorted(times), True)
    every = asked(program, f"/servers/{name}/logs?lines=10000")["lines"]
    assert every[-5:] == found["lines"]


def test_a_log_is_narrowed_by_text_stream_level_and_time(program: Program, name: str) -> None:
    every = asked(program, f"/servers/{name}/logs?lines=10000")["lines"]
    word = every[-1]["text"].split()[-1]
    assert [each for each in every if word.lower() in each["text"].lower()] == asked(
        program, f"/servers/{name}/logs?lines=10000&grep={word.upper()}"
    )["lines"]
    assert {each["stream"] for each in asked(program, f"/servers/{name}/logs?stream=err")["lines"]} <= {"err"}
    assert {each["level"] for each in asked(program, f"/servers/{name}/logs?level=error")["lines"]} <= {"error"}
    since = every[len(every) // 2]["time"]
    assert asked(program, f"/servers/{name}/logs?lines=10000&since={since[:26]}Z")["lines"][-1] == every[-1]
    assert asked(program, f"/servers/{name}/logs?lines=10000&until={since[:26]}Z")["lines"][-1]["time"] < since
    assert asked(program, f"/servers/{name}/logs?regex=true&grep=^.*$")["lines"]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("since=yesterday", "query.since"),
        ("until=99", "query.until"),
        ("lines=10001", "query.lines"),
    ],
)
def test_what_cannot_be_looked_for_is_said(program: Program, name: str, query: str, place: str) -> None:
    told = program.ask(f"/servers/{name}/logs?{query}")
    assert (told.status, told.document["errors"][0]["place"]) == (400, place)


def test_an_expression_that_is_none_is_told_so(program: Program, name: str) -> None:
    told = program.ask(f"/servers/{name}/logs?regex=true&grep=(")
    assert (told.status, told.document["type"]) == (422, "urn:mcp-orchestrator:problem:not-searchable")


def test_a_follower_gets_what_was_there_and_then_what_comes(tmp_path: Path) -> None:
    segment = tmp_path / "logs" / "time" / "00000001.log"
    segment.parent.mkdir(parents=True)
    segment.write_text("2026-11-29T01:00:00.000000000Z out 0123456789ab one\n")
    logs = Logs(tmp_path / "logs")
    page = logs.tail(["time"], Query(), 10)
    follower = Follower(logs, Growth(tmp_path / "logs"), Query(), page.position)
    events = followed(page, follower, lambda line: line.text, is_costly=False, sleep=lambda _seconds: time.sleep(0.01))
    assert next(events) == b'event: lines\ndata: ["one"]\n\n'
    with segment.open("a") as file:
        file.write("2026-11-29T01:00:01.000000000Z out 0123456789ab two\n")
    assert next(events) == b'event: lines\ndata: ["two"]\n\n'


def test_a_stream_is_begun_only_for_a_server_that_there_is(program: Program) -> None:
    assert program.ask("/servers/nobody/logs?follow=true").status == 404


def test_use_is_told_in_units_with_steps_for_the_time_that_is_asked(program: Program, name: str) -> None:
    found = asked(program, f"/servers/{name}/stats")
    assert found["step"] == 15
    assert found["now"]["memory"] > 0
    times = [each["time"] for each in found["samples"]]
    assert times == sorted(times)
    assert times
    month = asked(program, f"/servers/{name}/stats?since=2d")
    assert (month["step"], month["samples"][0]["time"] < times[0]) == (600, True)


def test_events_are_those_of_the_server_the_newest_first(program: Program) -> None:
    happened = [each for run in program.sources.runs(1000) for each in run.events if each.server]
    name = happened[0].server
    found = asked(program, f"/servers/{name}/events?limit=1000")["events"]
    assert found[0]["text"] == happened[0].text
    times = [each["at"] for each in found]
    assert times == sorted(times, reverse=True)
    assert asked(program, f"/servers/{name}/events?since=2100-01-01")["events"] == []


def test_calls_are_narrowed_by_outcome(program: Program, name: str) -> None:
    every = asked(program, f"/servers/{name}/calls?limit=5000")["calls"]
    wrong = asked(program, f"/servers/{name}/calls?limit=5000&outcome=error")["calls"]
    assert wrong == [each for each in every if each["outcome"] == "error"]
    assert asked(program, f"/servers/{name}/calls?limit=3")["calls"] == every[-3:]


def test_tools_are_those_that_the_server_listed(program: Program, name: str) -> None:
    state = json.loads(program.state_file.read_text())
    tools = next(each["health"]["tools"] for each in state["servers"] if each["name"] == name)
    assert [each["name"] for each in asked(program, f"/servers/{name}/tools")["tools"]] == tools


def test_a_tool_comes_with_what_it_takes_where_that_is_kept(tmp_path: Path) -> None:
    program = Program(tmp_path)
    state = json.loads(program.state_file.read_text())["servers"][0]
    taken = {"type": "object", "properties": {"timezone": {"type": "string"}}}
    tool = {"name": state["health"]["tools"][0], "title": None, "description": "Says it.", "input": taken}
    kept = {"version": 1, "servers": {state["name"]: {"tools": [tool]}}}
    (tmp_path / "tools.json").write_text(json.dumps(kept))
    found = asked(program, f"/servers/{state['name']}/tools")["tools"]
    assert found[0] == tool
    assert found[1]["input"] is None


@pytest.mark.parametrize("what", ["logs", "calls", "stats", "events", "tools"])
def test_of_a_server_that_there_is_not_nothing_is_told(program: Program, what: str) -> None:
    assert program.ask(f"/servers/nobody/{what}").status == 404
    assert program.ask(f"/containers/nobody/{what}").status == 404


def test_runs_come_in_pages_and_each_in_full(program: Program) -> None:
    first = asked(program, "/runs?limit=2")
    second = asked(program, first["next"].removeprefix("/monitor/api/v1"))
    ids = [each["id"] for each in (*first["runs"], *second["runs"])]
    assert ids == [each.id for each in program.sources.runs(4)]
    run = asked(program, f"/runs/{ids[0]}")
    assert (run["id"], len(run["plan"]) + run["more_actions"]) == (ids[0], run["actions"])
    assert program.ask("/runs/20200101T000000Z-none").status == 404


def test_runs_of_a_server_are_those_that_touched_it(program: Program) -> None:
    happened = next(each for run in program.sources.runs(1000) for each in run.events if each.server)
    found = asked(program, f"/runs?limit=200&server={happened.server}")["runs"]
    assert happened.run in [each["id"] for each in found]


def test_routes_are_told_as_their_file_has_them(program: Program) -> None:
    file = json.loads((program.directory / "routes.json").read_text())
    assert asked(program, "/routes") == {key: file[key] for key in ("run", "finished", "listeners")}
