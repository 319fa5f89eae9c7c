"""What programs ask for: written as requests, taken by what a run takes them with, and answered."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.answer import answer
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.request.request_host import (
    ENTRY,
    RequestHost,
    state_of,
)

from tests.unit.monitor import samples
from tests.unit.monitor.api.program import Program, Told

ADMIN = "mcpt_admin"


@pytest.fixture
def host(tmp_path: Path) -> RequestHost:
    return RequestHost(tmp_path, time=ENTRY, fetch=ENTRY, github=ENTRY)


@pytest.fixture
def program(host: RequestHost) -> Program:
    """Of a site whose last run knew the servers time, fetch and github."""
    (host.var / "state.json").write_text(json.dumps(samples.state([samples.server(n) for n in ("time", "fetch")])))
    return Program(host.var)


def post(program: Program, path: str, body: Any = None, token: str = ADMIN, **headers: str) -> Told:
    return program.ask(path, "POST", token=token, body=body, **headers)


def written(host: RequestHost) -> list[dict[str, Any]]:
    return [json.loads(each.read_text()) for each in sorted((host.var / "requests").iterdir())]


def test_a_change_is_a_request_that_says_who_asks_and_from_where(host: RequestHost, program: Program) -> None:
    told = post(program, "/servers/time/stop", token="mcpt_operate")
    assert told.status == 202
    assert told.document["status"] == "waiting"
    assert told.headers["location"] == f"/monitor/api/v1/requests/{told.document['id']}"
    assert written(host) == [{"action": "stop", "server": "time", "by": "token operate", "from": "API 127.0.0.1"}]


def test_its_answer_is_where_it_was_said_to_be(host: RequestHost, program: Program) -> None:
    where = post(program, "/servers/time/stop").headers["location"].removeprefix("/monitor/api/v1")
    assert program.ask(where).document["status"] == "waiting"
    host.run()
    assert host.stopped() == ["time"]
    answered = program.ask(where).document
    assert (answered["status"], answered["action"], answered["server"]) == ("done", "stop", "time")
    assert answered["messages"][0].startswith("time: stopped by token admin at ")


@pytest.fixture
def running(host: RequestHost) -> Iterator[RequestHost]:
    """A host on which a run comes as soon as something is asked."""
    over = threading.Event()

    def runs() -> None:
        while not over.is_set():
            if any(not each.name.startswith(".") for each in (host.var / "requests").iterdir()):
                host.run()
            time.sleep(0.01)

    watcher = threading.Thread(target=runs)
    watcher.start()
    yield host
    over.set()
    watcher.join()


def test_who_waits_is_told_what_came_of_it(running: RequestHost, program: Program) -> None:
    told = post(program, "/servers/time/stop?wait=30")
    assert (told.status, told.document["status"]) == (200, "done")
    again = post(program, "/servers/time/start?wait=30")
    assert (again.status, again.document["action"]) == (200, "start")
    assert running.stopped() == []
    assert [each["from"] for each in running.audit()] == ["API 127.0.0.1"] * 2


def test_a_server_is_made_from_an_entry_and_removed(running: RequestHost, program: Program) -> None:
    made = post(program, "/servers?wait=30", {"name": "new", "entry": ENTRY})
    assert made.status == 200, made.body
    assert running.drop_ins() == ["new.request.json"]
    (running.var / "state.json").write_text(json.dumps(samples.state([samples.server("new")])))
    removed = program.ask("/servers/new?wait=30", "DELETE", token=ADMIN)
    assert removed.status == 200, removed.body
    assert running.drop_ins() == []


def test_the_environment_of_an_image_reaches_its_container(running: RequestHost, program: Program) -> None:
    body = {"service_name": "new", "image": "mcp/x:1", "environment": {"ZONE": "eu", "LEVEL": "info"}}
    made = post(program, "/containers?wait=30", body)
    assert made.status == 200, made.body
    (server,) = (each for each in running.read()["servers"] if each["name"] == "new")
    assert set(server["env"]) == {"ZONE", "LEVEL"}


def test_everything_that_the_configs_reader_has_against_an_entry_is_told(
    running: RequestHost, program: Program
) -> None:
    entry = {"command": "docker", "args": ["run", "--privileged", "i"], "orchestrator": {"replicas": 99}}
    told = post(program, "/servers?wait=30", {"name": "bad", "entry": entry})
    assert (told.status, told.document["type"]) == (422, "urn:mcp-orchestrator:problem:request-refused")
    details = " ".join(each["detail"] for each in told.document["errors"])
    assert "mcpServers.bad.args" in details
    assert "replicas" in details
    assert told.headers["location"].endswith(told.document["request"])


def test_a_run_that_fails_is_told_with_what_is_in_the_way(host: RequestHost, program: Program) -> None:
    where = post(program, "/servers/time/restart").document["id"]
    taken = host.begin()
    config = host.read()
    answer(host.rooms, taken["pending"], config["lapsed"], state_of(config, taken, {"time": "no space left"}))
    told = program.ask(f"/requests/{where}").document
    assert (told["status"], "no space left" in told["messages"][0]) == ("failed", True)


def test_who_waits_for_a_run_that_fails_is_told_why_and_where_it_stands(host: RequestHost, program: Program) -> None:
    def fails() -> None:
        while not any(not each.name.startswith(".") for each in (host.var / "requests").iterdir()):
            time.sleep(0.01)
        taken = host.begin()
        config = host.read()
        answer(host.rooms, taken["pending"], config["lapsed"], state_of(config, taken, {"time": "no space left"}))

    run = threading.Thread(target=fails)
    run.start()
    told = post(program, "/servers/time/restart?wait=30")
    run.join()
    assert (told.status, told.document["type"]) == (409, "urn:mcp-orchestrator:problem:request-failed")
    assert "no space left" in told.document["detail"]
    assert program.ask(f"/requests/{told.document['request']}").document["status"] == "failed"


def test_of_two_that_ask_the_opposite_the_later_is_done_and_both_are_told(host: RequestHost, program: Program) -> None:
    first, second = (post(program, f"/servers/time/{each}").document["id"] for each in ("stop", "start"))
    host.run()
    assert {program.ask(f"/requests/{each}").document["status"] for each in (first, second)} <= {"done", "superseded"}
    assert host.stopped() == []


def test_a_key_makes_the_same_request_once(host: RequestHost, program: Program) -> None:
    body = {"name": "new", "entry": ENTRY}
    first = post(program, "/servers", body, idempotency_key="k1")
    again = post(program, "/servers", body, idempotency_key="k1")
    assert first.document["id"] == again.document["id"]
    assert len(written(host)) == 1
    other = post(program, "/servers", {**body, "name": "other"}, idempotency_key="k1")
    assert (other.status, other.document["type"]) == (422, "urn:mcp-orchestrator:problem:idempotency-key-reused")
    assert post(program, "/sync", token="mcpt_operate", idempotency_key="k1").status == 202  # another's key
    assert len(written(host)) == 2


@pytest.mark.parametrize(
    ("path", "body", "entry"),
    [
        (
            "/servers",
            {"name": "x", "template": "github@1", "env": {"T": "t"}, "replicas": 2, "limits": {"memory": "1g"}},
            {"template": "github@1", "env": {"T": "t"}, "orchestrator": {"replicas": 2, "resources": {"memory": "1g"}}},
        ),
        ("/servers", {"name": "x", "template": "time@1"}, {"template": "time@1"}),
        (
            "/containers",
            {"service_name": "x", "image": "mcp/x:1", "environment": {"A": "b"}, "port": 8000, "cpu_limit": 0.5,
             "memory_limit": "256m", "health_check_path": "/health", "replicas": 3},
            {"command": "docker", "args": ["run", "-i", "--rm", "-e", "A", "mcp/x:1"], "env": {"A": "b"},
             "orchestrator": {"replicas": 3, "port": 8000, "health_path": "/health",
                              "resources": {"memory": "256m", "cpus": 0.5}}},
        ),
        ("/containers", {"service_name": "x", "template": "github@1"}, {"template": "github@1"}),
    ],
)  # fmt: skip
def test_values_by_either_name_become_an_entry(
    host: RequestHost, program: Program, path: str, body: Any, entry: Any
) -> None:
    assert post(program, path, body).status == 202
    assert written(host)[0]["entry"] == entry
    assert written(host)[0]["server"] == "x"


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["body.name", "body"]),
        ({"name": "x"}, ["body"]),
        ({"name": "x", "entry": {}}, ["body.entry"]),
        ({"name": "a b", "template": "t@1", "env": {"K": 1}, "more": 1}, ["body.name", "body.env.K", "body.more"]),
        ({"name": "x", "entry": ENTRY, "template": "t@1"}, ["body"]),
        ([], ["body"]),
        (b"{", []),
        (b'{"name": "x", "name": "y"}', []),
        (b"\xff\xfe", []),
        (b"[" * 60000, []),
    ],
)
def test_what_is_no_server_is_refused_at_once_and_nothing_is_written(
    host: RequestHost, program: Program, body: Any, places: list[str]
) -> None:
    told = post(program, "/servers", body)
    assert told.status == 400
    assert [each["place"] for each in told.document.get("errors", [])] == places
    assert written(host) == []


def test_a_body_that_is_no_json_or_too_large_is_told_so(program: Program) -> None:
    assert program.ask("/servers", "POST", token=ADMIN, body=b"name=x", content_type="text/plain").status == 415
    assert program.ask("/servers", "POST", token=ADMIN, body=b" " * 70_000).status == 413
    assert program.ask("/servers", "POST", token=ADMIN).status == 400


@pytest.mark.parametrize("path", ["/servers/nobody/stop", "/containers/nobody/start"])
def test_nothing_is_asked_of_a_server_that_there_is_not(host: RequestHost, program: Program, path: str) -> None:
    assert post(program, path).status == 404
    assert written(host) == []


def test_no_value_of_an_entry_comes_back_or_into_a_log(
    running: RequestHost, program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "canary-5f1e"
    caplog.set_level("DEBUG")
    entry = {"command": "docker", "args": ["run", "--privileged", "i"], "env": {"TOKEN": secret, "B": 5}}
    for body in ({"name": "bad", "entry": entry}, {"name": "bad", "template": secret, "env": {"K": [secret]}}):
        told = post(program, "/servers?wait=30", body, idempotency_key=f"key-{len(body)}")
        assert told.status in (400, 422)
        assert secret not in told.body.decode()
    kept = "".join(each.read_text() for each in running.var.rglob("*") if each.is_file())
    assert secret not in kept + caplog.text


def test_without_a_spool_it_is_said_that_nothing_was_done(host: RequestHost, program: Program) -> None:
    shutil.rmtree(host.var / "requests")
    told = post(program, "/servers/time/stop")
    assert told.status == 503
    assert told.document["detail"].endswith("run setup.sh, which makes it. Nothing was done")


def test_a_thousand_requests_at_once_are_all_written_and_answered(host: RequestHost, program: Program) -> None:
    program.write_tokens({f"mcpt_{number}": (f"t{number}", "operate") for number in range(10)})
    paths = [f"/servers/{('time', 'fetch')[number % 2]}/{('stop', 'start')[number % 3 % 2]}" for number in range(1000)]
    with ThreadPoolExecutor(16) as threads:
        told = list(threads.map(lambda at: post(program, at[1], token=f"mcpt_{at[0] % 10}"), enumerate(paths)))
    assert {each.status for each in told} == {202}
    host.run()
    program.write_tokens({f"mcpt_r{number}": (f"r{number}", "view") for number in range(10)})
    found = [program.ask(f"/requests/{each.document['id']}", token=f"mcpt_r{at % 10}") for at, each in enumerate(told)]
    assert {each.document["status"] for each in found} <= {"done", "superseded"}
