"""What the writer of the history has written is what its readers read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.store import HistoryFolder
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.history.runs import Runs
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import report, steps
from records import history

STILL = {**steps()["containers"], "actions": [], "errors": []}
FAILING = {"servers": [report("echo"), report("time", state="failing", cause="closed", reason="the line went dead")]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A server is created; three runs do nothing; it fails for two runs and recovers."""
    path = tmp_path / "history"
    runs = Runs()
    still = {"containers": STILL}
    for changes in ({}, still, still, still, {**still, "probe": FAILING}, {**still, "probe": FAILING}, still):
        after = runs.then(**changes)
        HistoryFolder(str(path)).keep(runs.report("timer", **changes), runs.memory, after.memory)
        runs = after
    return path


def test_the_newest_report_comes_first(folder: Path) -> None:
    told = [(each.count, [event.event for event in each.events], each.result) for each in history.runs(folder)]
    assert told == [
        (1, ["recovered"], "ok"),
        (1, [], "failed"),
        (1, ["failing"], "failed"),
        (3, [], "ok"),
        (1, ["created"], "ok"),
    ]


def test_a_report_of_several_runs_has_its_span(folder: Path) -> None:
    quiet = history.runs(folder)[3]
    assert (quiet.started, quiet.finished) == (
        datetime(2026, 11, 21, 4, 24, tzinfo=UTC),
        datetime(2026, 11, 21, 4, 34, 3, tzinfo=UTC),
    )
    assert quiet.seconds == 3


def test_reports_are_read_page_by_page(folder: Path) -> None:
    first = history.runs(folder, limit=2)
    rest = history.runs(folder, limit=10, before=first[-1].id)
    assert [each.id for each in (*first, *rest)] == [each.id for each in history.runs(folder)]


def test_every_run_is_found_by_its_id(folder: Path) -> None:
    quiet = history.runs(folder)[3]
    assert history.run(folder, quiet.id) == quiet
    for identity in (quiet.id, "20261121T042900Z-0000", quiet.last_id):
        assert history.run_of(folder, identity) == quiet
    assert history.run_of(folder, "20261121T040000Z-0000") is None


def test_events_of_one_server_are_the_newest_first(folder: Path) -> None:
    assert [each.event for each in history.events(folder, "time")] == ["recovered", "failing", "created"]
    assert [each.event for each in history.events(folder, "time", limit=1)] == ["recovered"]
    assert [each.event for each in history.events(folder, since=datetime(2026, 11, 21, 4, 45, tzinfo=UTC))] == [
        "recovered"
    ]
    assert history.events(folder, "echo") == []


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b"null", b"\xff", b'{"version": 9}', b'{"version": 1}'])
def test_a_report_that_cannot_be_read_is_left_out(folder: Path, garbage: bytes) -> None:
    path = folder / f"{history.runs(folder)[1].id}.json"
    path.write_bytes(garbage)
    assert len(history.runs(folder)) == 4
    assert len(history.events(folder)) == 3


def test_an_id_that_is_a_path_finds_nothing(folder: Path) -> None:
    (folder.parent / "secret.json").write_text(json.dumps({"version": 1}))
    assert history.run(folder, "../secret") is None
    assert history.run_of(folder, "../../etc/passwd") is None


def test_a_folder_that_is_missing_has_no_reports(tmp_path: Path) -> None:
    assert history.runs(tmp_path / "nothing") == []
