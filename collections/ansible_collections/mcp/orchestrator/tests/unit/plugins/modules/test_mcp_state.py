# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible.module_utils import basic
from ansible.module_utils.common.text.converters import to_bytes
from ansible_collections.mcp.orchestrator.plugins.module_utils.instance import metadata
from ansible_collections.mcp.orchestrator.plugins.modules import mcp_state
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import (
    SCHEMA,
    SETTINGS,
    report,
    steps,
)


def run(monkeypatch: pytest.MonkeyPatch, **options: Any) -> dict[str, Any]:
    """What the module prints for these options."""
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", to_bytes(json.dumps({"ANSIBLE_MODULE_ARGS": options})))
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    monkeypatch.setattr(sys, "argv", ["mcp_state"])
    printed = io.StringIO()
    with redirect_stdout(printed), pytest.raises(SystemExit):
        mcp_state.main()
    return json.loads(printed.getvalue())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


FAILING = {"servers": [report("echo"), report("time", state="failing", cause="closed", reason="the line went dead")]}


def test_the_state_is_written_returned_and_no_change(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    result = run(monkeypatch, path=str(path), settings=SETTINGS, started="2026-11-21T04:19:00.5Z", **steps())
    assert not result.get("failed")
    assert result["changed"] is False
    assert result["failed_servers"] == []
    assert result["msg"] == "All 2 servers answer"
    assert result["state"] == json.loads(path.read_text())
    assert result["state"]["run"]["started"] == "2026-11-21T04:19:00Z"
    jsonschema.Draft202012Validator(SCHEMA).validate(result["state"])


def test_the_run_goes_into_the_history_and_the_state_says_since_when(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    folder = path.parent / "history"
    kept = {"path": str(path), "history": str(folder), "trigger": "watcher: mcp-time died", "settings": SETTINGS}
    first = run(monkeypatch, **kept, started="2026-11-21T04:19:00Z", **steps())
    assert [(each["server"], each["event"]) for each in first["events"]] == [("time", "created")]
    second = run(monkeypatch, **kept, fail_on_errors=True, **steps(probe=FAILING))
    assert second["failed"]
    assert ("time", "failing") in [(each["server"], each["event"]) for each in second["events"]]
    reports = [json.loads(each.read_text()) for each in sorted(folder.glob("2*.json"))]
    assert [each["trigger"] for each in reports] == ["watcher: mcp-time died"] * 2
    time = next(each for each in json.loads(path.read_text())["servers"] if each["name"] == "time")
    assert time["since"] == reports[1]["finished"]
    conditions = json.loads((folder / "conditions.json").read_text())["servers"]["time"]
    assert [condition for _moment, condition in conditions] == ["ok", "failing"]


def test_a_run_that_could_not_read_its_config_says_nothing_of_the_servers(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    folder = path.parent / "history"
    run(monkeypatch, path=str(path), history=str(folder), **steps(config={"failed": True, "msg": "no such file"}))
    assert list(folder.glob("2*.json"))
    assert not (folder / "conditions.json").exists()


def test_a_history_that_cannot_be_kept_is_a_warning(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    folder = path.parent / "history"
    folder.write_text("a file in its place")
    result = run(monkeypatch, path=str(path), history=str(folder), **steps())
    assert not result.get("failed")
    assert str(folder) in json.dumps(result["warnings"])
    (told,) = json.loads(path.read_text())["warnings"]
    assert told.startswith(f"{folder}: the history cannot be kept")


LISTENER = {"arn": "a/b/shared/c/d", "asked": "2026-11-21T04:19:01Z", "target_groups": []}


def test_what_the_run_found_of_the_load_balancers_has_a_file_of_its_own(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    file = path.parent / "routes.json"
    routed = {**steps()["routes"], "listeners": [LISTENER]}
    told = run(monkeypatch, path=str(path), listeners=str(file), **steps(routes=routed))
    assert json.loads(file.read_text())["listeners"] == [LISTENER]
    assert json.loads(file.read_text())["run"] == told["state"]["run"]["id"]
    former = file.read_text()
    run(monkeypatch, path=str(path), listeners=str(file), **steps(routes={"skipped": True}))
    assert file.read_text() == former
    refused = {**steps()["routes"], "listeners": [], "errors": [{"server": None, "message": "AccessDenied: no"}]}
    run(monkeypatch, path=str(path), listeners=str(file), **steps(routes=refused))
    assert json.loads(file.read_text())["listeners"] == [{**LISTENER, "problem": "AccessDenied: no"}]


def test_a_file_of_the_load_balancers_that_cannot_be_written_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    file = path.parent / "missing" / "routes.json"
    routed = {**steps()["routes"], "listeners": [LISTENER]}
    told = run(monkeypatch, path=str(path), listeners=str(file), **steps(routes=routed))
    assert not told.get("failed")
    assert str(file) in json.dumps(told["warnings"])


def test_where_clients_log_in_is_written_whenever_the_config_was_read(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    file = path.parent / "login.json"
    settings = {**SETTINGS, "jwt": {"issuer": "https://id.example"}, "routes": {"auth": "jwt"}}
    options = {"path": str(path), "login": str(file), "settings": settings}
    run(monkeypatch, **options, **steps())
    written = json.loads(file.read_text())
    assert (written["issuer"], written["servers"]) == ("https://id.example", ["echo", "time"])
    run(monkeypatch, **options, **steps(config={"failed": True, "msg": "no such file"}))
    assert json.loads(file.read_text()) == written


def test_check_mode_leaves_no_history(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    folder = path.parent / "history"
    run(monkeypatch, path=str(path), history=str(folder), _ansible_check_mode=True, **steps())
    assert not folder.exists()


def test_every_run_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    names = {run(monkeypatch, path=str(path), **steps())["state"]["run"]["id"] for _number in range(2)}
    assert len(names) == 2
    assert run(monkeypatch, path=str(path), run_id="mine", **steps())["state"]["run"]["id"] == "mine"


def test_check_mode_writes_nothing(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    result = run(monkeypatch, path=str(path), _ansible_check_mode=True, **steps())
    assert result["state"]["run"]["check_mode"] is True
    assert not path.exists()


def test_errors_do_not_fail_the_module_by_themselves(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    result = run(monkeypatch, path=str(path), **steps(probe=FAILING))
    assert not result.get("failed")
    assert result["failed_servers"] == ["time"]


def test_the_end_of_a_run_fails_after_the_state_is_written(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    result = run(monkeypatch, path=str(path), fail_on_errors=True, **steps(probe=FAILING))
    assert result["failed"]
    assert result["msg"].splitlines() == [
        "1 of 2 servers answer, time does not",
        "time: the line went dead; look at: docker logs mcp-time",
    ]
    assert result["failed_servers"] == ["time"]
    assert "state" not in result
    assert json.loads(path.read_text())["run"]["result"] == "failed"


def test_the_end_of_a_good_run_does_not_fail(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    assert not run(monkeypatch, path=str(path), fail_on_errors=True, **steps()).get("failed")


def test_a_state_that_cannot_be_written_fails_and_tells_the_runs_errors_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = run(monkeypatch, path=str(tmp_path / "none" / "state.json"), **steps(probe=FAILING))
    assert result["failed"]
    lines = result["msg"].splitlines()
    assert lines[0].endswith("is not a directory; create it and run again; the former one is kept")
    assert lines[2].startswith("time: the line went dead")


def test_a_run_that_reached_nothing_writes_a_state(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    result = run(monkeypatch, path=str(path), fail_on_errors=True)
    assert result["msg"].splitlines()[1].startswith("config: the run ended before the config was read")
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(path.read_text()))


def test_a_time_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    result = run(monkeypatch, path=str(path), started="yesterday")
    assert result["msg"] == "started: 'yesterday' is not a time; write it like 2026-11-21T04:19:00Z"


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({"aws": {"alb_name": "shared"}}, True),
        ({"aws": {"region": "eu-central-1", "alb_name": ""}}, False),
        ({}, False),
    ],
)
def test_a_metadata_service_that_gives_too_much_away_is_warned_of_and_no_error(
    monkeypatch: pytest.MonkeyPatch, path: Path, settings: dict[str, Any], asked: bool
) -> None:
    monkeypatch.delenv(metadata.DISABLED, raising=False)
    monkeypatch.setattr(metadata, "_line", lambda _path: "")
    monkeypatch.setattr(metadata, "ask", lambda: metadata.Seen(True, False))
    result = run(monkeypatch, path=str(path), settings={**SETTINGS, **settings}, **steps())
    assert result["state"]["run"]["result"] == "ok"
    assert [warning[:29] for warning in result["state"]["warnings"]] == ["The instance metadata service"] * asked
    if asked:  # Ansible keeps the warnings of a process for all its modules
        assert "IMDSv1" in json.dumps(result["warnings"])
    jsonschema.Draft202012Validator(SCHEMA).validate(result["state"])
