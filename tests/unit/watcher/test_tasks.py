"""What becomes of a task that fails."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from watcher import tasks
from watcher.errors import Unreachable

FILES = Path(__file__).resolve().parents[3] / "files"


def test_a_task_that_fails_is_started_again_while_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "FIRST_PAUSE", 0.001)
    starts = 0
    ended = []

    async def scene() -> None:
        stop = asyncio.Event()

        async def failing() -> None:
            nonlocal starts
            starts += 1
            if starts == 3:
                stop.set()
            raise RuntimeError("broken")

        async def steady() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("steady")

        async with asyncio.timeout(10):
            await tasks.run_tasks({"failing": failing, "steady": steady}, stop)

    asyncio.run(scene())
    assert starts == 3
    assert ended == ["steady"]


def test_the_same_trouble_is_told_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(tasks, "FIRST_PAUSE", 0.001)
    reasons = iter(["gone", "gone", "gone", "refused"])

    async def scene() -> None:
        stop = asyncio.Event()

        async def task() -> None:
            reason = next(reasons)
            if reason == "refused":
                stop.set()
            raise Unreachable(reason)

        async with asyncio.timeout(10):
            await tasks.run_tasks({"events": task}, stop)

    with caplog.at_level(logging.INFO, "watcher"):
        asyncio.run(scene())
    assert [record.message for record in caplog.records] == [
        "events: gone; it is tried again",
        "events: refused; it is tried again",
    ]


def test_the_program_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    places = ["--directory", tmp_path, "--run-lock", tmp_path / "run.lock", "--state", tmp_path / "state.json"]
    command = [sys.executable, "-m", "watcher", "--fleet", "mcp", *places, "--socket", "/nowhere", "--", "true"]
    with subprocess.Popen(command, cwd=FILES, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        assert "watching fleet mcp" in program.stderr.readline()
        program.terminate()
        assert program.wait(timeout=10) == 0
        assert "Traceback" not in program.stderr.read()
