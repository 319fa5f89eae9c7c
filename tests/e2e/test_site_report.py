"""What runs tell: remote servers as they are, and a history that the monitor's user can read."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.probe.scripted import (
    Scripted,
    answer,
    session_server,
)
from records import history
from records.conditions import conditions

from tests.e2e.support.sample import SAMPLE
from tests.e2e.support.site import FLEET, USERS, Site

NOBODY = "http://127.0.0.1:9/mcp"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Scripted]:
    """A server elsewhere that wants a login."""
    server = Scripted(lambda _request: answer(401, "", www_authenticate="Bearer"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Scripted]:
    """A server elsewhere that answers."""
    server = Scripted(session_server())
    yield server
    server.close()


@pytest.fixture(scope="module")
def told(site: Site, guarded: Scripted, elsewhere: Scripted) -> dict[str, Any]:
    """The state after a run with remote servers: one answers, one wants a login, and one is not there."""
    remotes = {
        "elsewhere": {"url": elsewhere.url, "headers": {"X-Key": "s3same-0pen"}},
        "guarded": {"url": guarded.url, "headers": {"Authorization": "Bearer s3same-0pen"}},
        "nobody": {"url": NOBODY},
    }
    site.write_config({**SAMPLE, **remotes})
    run = site.reconcile(environment={"MCP_TRIGGER": "watcher: a test"})
    assert run.code == 0, run.output
    state = site.state()
    site.write_config(SAMPLE)
    assert site.reconcile(environment={"MCP_TRIGGER": "timer"}).code == 0
    return state


def test_remote_servers_are_asked_and_fail_no_run(site: Site, told: dict[str, Any]) -> None:
    found = {each["name"]: each for each in told["remotes"]}
    assert {name: each["text"]["condition"] for name, each in found.items()} == {
        "elsewhere": "answers", "guarded": "wants a login", "nobody": "failing",
    }  # fmt: skip
    assert found["elsewhere"]["health"]["tools"]
    assert "nothing listens on 127.0.0.1:9" in found["nobody"]["error"]
    assert told["summary"]["text"] == "All 3 servers answer; the remote server nobody does not answer"
    assert not [path for path in site.rules() if path.split("/")[2:3] and path.split("/")[2] in found]


def test_no_header_of_a_remote_server_is_kept(site: Site, told: dict[str, Any]) -> None:
    kept = [path for path in site.var.rglob("*") if path.is_file() and b"s3same" in path.read_bytes()]
    assert kept == []


def test_each_run_is_in_the_history_with_what_started_it(site: Site, told: dict[str, Any]) -> None:
    last, before, *_rest = history.runs(site.var / "history")
    assert (last.trigger, before.trigger) == ("timer", "watcher: a test")
    assert [(each.server, each.event) for each in before.events] == [("nobody", "failing")]
    assert before.id == told["run"]["id"]


def test_runs_that_do_nothing_are_one_report(site: Site, told: dict[str, Any]) -> None:
    before = history.runs(site.var / "history")
    assert site.reconcile(environment={"MCP_TRIGGER": "timer"}).code == 0
    after = history.runs(site.var / "history")
    assert (len(after), after[0].count) == (len(before), before[0].count + 1)


def test_a_repaired_server_is_told_with_what_was_wrong(site: Site, told: dict[str, Any]) -> None:
    site.docker.containers.get(f"{FLEET}-time").remove(force=True)
    assert site.reconcile().code == 0
    (event, *_others) = history.events(site.var / "history", "time", limit=1)
    assert (event.event, event.text.partition(";")[0]) == ("repaired", "create: it has no container")
    assert history.runs(site.var / "history", limit=1)[0].trigger == "hand"


def test_the_monitors_user_reads_the_history_and_others_do_not(site: Site, told: dict[str, Any]) -> None:
    program = "import sys, pathlib; from records import history; print(len(history.runs(pathlib.Path(sys.argv[1]))))"

    def read_as(user: str) -> str:
        argv = ["runuser", "-u", user, "--", "/usr/bin/python3", "-c", program, str(site.var / "history")]
        files = site.root / "home" / "current" / "files"
        done = subprocess.run(argv, cwd=files, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert int(read_as(USERS["monitor_user"])) > 1
    assert read_as("nobody") == "0"


def test_how_each_server_was_and_what_it_offers_is_kept_for_the_monitors_user(site: Site, told: dict[str, Any]) -> None:
    found = conditions(site.var / "history")
    now = int(time.time())
    # What tests before have done to it is kept as well; a gap is where nothing was recorded.
    assert [each.condition for each in found.spells("time", now - 3600, now) if each.condition][-1] == "ok"
    tools = site.var / "tools.json"
    listed = json.loads(tools.read_text())["servers"]["time"]["tools"]
    assert "get_current_time" in [each["name"] for each in listed]
    assert all(each["input"]["type"] == "object" for each in listed)
    for path in (tools, site.var / "history/conditions.json"):
        assert (path.group(), path.stat().st_mode & 0o777) == (USERS["monitor_user"], 0o640)


def test_a_run_that_does_nothing_prints_one_line_and_one_that_does_something_a_line_for_each(
    site: Site, told: dict[str, Any]
) -> None:
    log = {"ANSIBLE_STDOUT_CALLBACK": "mcp.orchestrator.run_log", "MCP_TRIGGER": "timer"}
    quiet = site.reconcile(environment=log)
    assert quiet.code == 0
    (line,) = quiet.output.splitlines()
    assert line.startswith("level=info run=")
    assert line.endswith('msg="All 3 servers answer"')
    site.docker.containers.get(f"{FLEET}-time").remove(force=True)
    busy = site.reconcile(environment=log)
    assert busy.code == 0
    lines = busy.output.splitlines()
    assert 'level=info step=containers server=time action=create reason="it has no container"' in lines
    assert any(each.startswith("level=info server=time event=repaired") for each in lines)
    assert "trigger=timer result=ok" in lines[-1]
