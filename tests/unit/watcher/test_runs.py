"""What the watcher sees of runs, and how it starts them."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest
from watcher.conductor import Told
from watcher.inputs import Inputs
from watcher.runs import Command, Locks, Report, Unit


def test_a_lock_is_seen_while_somebody_holds_it(tmp_path: Path) -> None:
    locks = Locks(tmp_path / "run.lock", "mcp")
    with (tmp_path / "run.lock").open("w") as file:
        assert not locks.held()
        fcntl.flock(file, fcntl.LOCK_EX)
        assert locks.held()
        assert locks.whole_run()
    assert not locks.held()


def test_a_run_by_hand_holds_the_lock_of_its_fleet_alone(tmp_path: Path) -> None:
    with (tmp_path / "fleet-mcp.lock").open("w") as file, (tmp_path / "run.lock").open("w"):
        fcntl.flock(file, fcntl.LOCK_EX)
        assert Locks(tmp_path / "run.lock", "mcp").held()
        assert not Locks(tmp_path / "run.lock", "mcp").whole_run()
        assert not Locks(tmp_path / "run.lock", "other").held()


def test_a_lock_whose_taker_has_ended_is_seen_as_setup_takes_it(tmp_path: Path) -> None:
    locks = Locks(tmp_path / "run.lock", "mcp")
    with (tmp_path / "run.lock").open("w") as file:
        subprocess.run(["flock", str(file.fileno())], pass_fds=[file.fileno()], check=True)
        assert locks.whole_run()
    assert not locks.whole_run()


def test_no_directory_of_locks_is_no_run(tmp_path: Path) -> None:
    assert not Locks(tmp_path / "missing" / "run.lock", "mcp").held()


def test_a_report_tells_which_containers_serve_and_which_servers_are_not_mended(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    report = Report(path)
    assert (report.version(), report.read()) == (None, Told())
    good = {"name": "time", "observed": "running", "error": None, "container": {"id": "a1", "name": "mcp-time"}}
    kept = {"id": "b1", "name": "mcp-orders"}
    failed = {"name": "orders", "observed": "running", "error": "it is in quarantine", "container": kept}
    stopped = {"name": "off", "observed": "stopped", "error": None, "container": None}
    path.write_text(json.dumps({"servers": [good, failed, stopped]}))
    names = {"a1": "mcp-time", "b1": "mcp-orders"}
    assert report.read() == Told({"a1": "time", "b1": "orders"}, frozenset({"orders", "off"}), names)
    assert report.version() is not None


def test_a_report_tells_of_what_servers_require_too(tmp_path: Path) -> None:
    database = {"name": "db", "state": "healthy", "container": {"id": "d1", "name": "mcp-time.db"}}
    step = {"name": "schema", "state": "completed", "container": None}
    time = {"name": "time", "observed": "running", "error": None, "container": {"id": "a1", "name": "mcp-time"}}
    off = {"name": "off", "observed": "stopped", "error": None, "container": None}
    off_database = {"name": "db", "state": "stopped", "container": None}
    path = tmp_path / "state.json"
    path.write_text(
        json.dumps({"servers": [{**time, "requires": [database, step]}, {**off, "requires": [off_database]}]})
    )
    told = Report(path).read()
    assert told.serving == {"a1": "time", "d1": "time.db"}
    assert told.names == {"a1": "mcp-time", "d1": "mcp-time.db"}
    assert told.unwell == {"off", "off.db"}


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({}, True),
        ({"error": None}, False),
        ({"desired": "invalid"}, False),
        ({"retry": {"failures": 5, "quarantined": True, "next_try": "2026-11-29T10:00:00Z"}}, False),
    ],
)
def test_an_error_that_another_run_may_not_meet_is_told_apart(
    tmp_path: Path, changes: dict[str, object], failed: bool
) -> None:
    late = {"name": "time", "desired": "running", "observed": "failed", "error": "the engine did not answer"}
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"servers": [{**late, "container": None, "retry": None, **changes}]}))
    assert Report(path).read().failed == (frozenset({"time"}) if failed else frozenset())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"servers": 7}', '{"servers": [7]}'])
def test_a_damaged_report_tells_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    assert Report(path).read() == Told()


def test_a_command_gets_the_reason_and_its_output_is_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import os; print(os.environ['MCP_TRIGGER'])"]
    asyncio.run(_whole(Command(command, tmp_path / "log", tmp_path / "locks"), "watcher: time was removed"))
    assert (tmp_path / "log").read_text() == "watcher: time was removed\n"
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_a_run_that_is_stopped_at_its_deadline_says_where_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = "TASK [config : Read the config] ***\\nok\\n\\nTASK [routes : Converge the routes] *****"
    command = ["timeout", "0.5", "sh", "-c", f"printf '{said}\\n'; exec sleep 60"]
    with caplog.at_level(logging.INFO, "watcher"):
        asyncio.run(_whole(Command(command, tmp_path / "log", tmp_path / "locks"), "timer"))
    assert caplog.messages == [
        f"a run was stopped at its deadline, in: routes : Converge the routes; its log: {tmp_path}/log"
    ]


def test_a_unit_gets_the_reason_on_one_line_that_systemd_reads_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\n')
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    asyncio.run(Unit("mcp-reconcile.service", tmp_path / "trigger").start('watcher: "a"\nLD_PRELOAD=x $HOME'))
    assert (tmp_path / "asked").read_text() == "start --no-block mcp-reconcile.service\n"
    assert (tmp_path / "trigger").read_text() == 'MCP_TRIGGER="watcher: \\"a\\" LD_PRELOAD=x \\$HOME"\n'


def test_a_unit_that_cannot_be_started_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systemctl = tmp_path / "systemctl"
    systemctl.write_text("#!/bin/sh\necho 'Unit not found.' >&2; exit 5\n")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(OSError, match=r"does not start x\.service: Unit not found"):
        asyncio.run(Unit("x.service", tmp_path / "trigger").start("timer"))


def test_edits_of_files_and_of_drop_ins_are_seen_and_an_editors_own_files_are_not(tmp_path: Path) -> None:
    config, folder = tmp_path / "mcp.config.json", tmp_path / "mcp.config.d"
    inputs = Inputs([config, folder], None)
    seen = [inputs.edited()]
    config.write_text("{}")
    seen.append(inputs.edited())
    folder.mkdir()
    (folder / ".a.json.swp").touch()
    assert inputs.edited() == seen[-1]
    (folder / "a.json").write_text("{}")
    seen.append(inputs.edited())
    (folder / "b.json").write_text("{}")
    (folder / "b.json").replace(folder / "a.json")
    seen.append(inputs.edited())
    config.unlink()
    seen.append(inputs.edited())
    assert len(set(seen)) == len(seen)


def test_requests_are_the_files_of_the_spool(tmp_path: Path) -> None:
    assert Inputs([], tmp_path / "missing").requests() == set()
    (tmp_path / "1.json").touch()
    (tmp_path / ".2.json.new").touch()
    (tmp_path / "refused").touch()
    assert Inputs([], tmp_path).requests() == {"1.json", "refused"}


async def _whole(command: Command, reason: str) -> None:
    """Starts a command and waits until the watcher has noticed its end."""
    await command.start(reason)
    deadline = time.monotonic() + 20
    while command._waiting and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
