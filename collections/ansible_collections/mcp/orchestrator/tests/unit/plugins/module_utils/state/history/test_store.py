# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history on disk: bounded, readable while it is written, and no reason for a run to fail."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.common import atomic_file
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history import store
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.memory import Memory
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.store import HistoryFailure, HistoryFolder
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.history.runs import Runs
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import steps

STILL = {**steps()["containers"], "actions": [], "errors": []}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "history"


def kept(folder: Path, number: int, trigger: str = "timer") -> bool:
    """Keeps the reports of so many runs of which the first creates a server; whether the last was folded."""
    runs, told = Runs(), False
    for index in range(number):
        changes = {} if index == 0 else {"containers": STILL}
        after = runs.then(**changes)
        told = HistoryFolder(str(folder)).keep(runs.report(trigger, **changes), runs.memory, after.memory)
        runs = after
    return told


def reports(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("2*.json"))]


def test_a_day_of_runs_that_do_nothing_leaves_two_reports(folder: Path) -> None:
    assert kept(folder, 50) is True
    assert [each["runs"] for each in reports(folder)] == [1, 49]


def test_files_and_folder_are_for_the_owner_and_the_group_alone(folder: Path) -> None:
    kept(folder, 1)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes.pop("history") == 0o750
    assert set(modes.values()) == {0o640}


def test_the_oldest_reports_go_by_number(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_RECORDS", 3)
    kept(folder, 10, trigger="hand")
    assert [each["started"] for each in reports(folder)] == [
        "2026-11-21T04:54:00Z",
        "2026-11-21T04:59:00Z",
        "2026-11-21T05:04:00Z",
    ]


def test_the_oldest_reports_go_by_size(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_BYTES", 4000)
    kept(folder, 20, trigger="hand")
    assert 0 < sum(path.stat().st_size for path in folder.glob("2*.json")) <= 4000


def test_what_a_killed_run_left_half_written_goes(folder: Path) -> None:
    kept(folder, 1)
    (folder / ".20261121T041900Z-abcd.json.x7f").write_text("{")
    kept(folder, 1)
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100000, b"null"])
def test_corrupt_files_are_no_reason_to_fail(folder: Path, garbage: bytes) -> None:
    kept(folder, 2)
    for path in folder.iterdir():
        path.write_bytes(garbage)
    history = HistoryFolder(str(folder))
    assert history.memory() == Memory()
    runs = Runs().then()
    assert history.keep(runs.report("timer", containers=STILL), Memory(), runs.memory) is False
    assert history.memory() == runs.memory


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_arguments: Any) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(atomic_file.os, "replace", refuse)
        yield


def test_a_full_disk_is_told_and_leaves_what_was_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(folder, 1)
    before = reports(folder)
    with full_disk(monkeypatch), pytest.raises(HistoryFailure, match="no space is left"):
        kept(folder, 1)
    assert reports(folder) == before


def test_a_folder_that_cannot_be_made_is_told(folder: Path) -> None:
    folder.write_text("a file in its place")
    with pytest.raises(HistoryFailure, match=str(folder)):
        kept(folder, 1)


def test_an_id_that_is_a_path_is_refused(folder: Path) -> None:
    record = {**Runs().report("timer"), "id": "../../etc/passwd"}
    with pytest.raises(HistoryFailure, match="does not begin with the time"):
        HistoryFolder(str(folder)).keep(record, Memory(), Memory())
