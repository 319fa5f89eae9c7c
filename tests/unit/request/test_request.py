"""The command line that asks for something and waits for it."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
import threading
import time
from pathlib import Path

import pytest
from request.__main__ import main


@pytest.fixture
def var(tmp_path: Path) -> Path:
    (tmp_path / "requests").mkdir()
    (tmp_path / "results").mkdir()
    return tmp_path


def answering(var: Path, **answer: object) -> threading.Thread:
    """A run that answers the first request with this."""

    def answer_it() -> None:
        deadline = time.monotonic() + 20
        while not (found := list((var / "requests").glob("[!.]*"))) and time.monotonic() < deadline:
            time.sleep(0.01)
        (var / "results" / f"{found[0].stem}.json").write_text(json.dumps(answer))

    thread = threading.Thread(target=answer_it)
    thread.start()
    return thread


def asked(var: Path) -> dict[str, object]:
    (path,) = (var / "requests").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_it_prints_what_happened(
    var: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "al\x1bice")
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 5000 192.0.2.1 22")
    changes = {"time": {"changes": ["stop — stopped by alice"]}}
    thread = answering(var, status="done", message="time: stopped", messages=["time: stopped", "more"], servers=changes)
    assert main(["stop", "time", "--directory", str(var)]) == 0
    thread.join()
    assert capsys.readouterr().out == "done: time: stopped\nmore\n  time: stop — stopped by alice\n"
    assert asked(var) == {"action": "stop", "server": "time", "by": "alice", "from": "host 192.0.2.7"}


def test_what_is_refused_ends_with_an_error(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    thread = answering(var, status="refused", message="there is no server x", messages=["there is no server x"])
    assert main(["stop", "x", "--directory", str(var)]) == 1
    thread.join()
    assert capsys.readouterr().err == "refused: there is no server x\n"


def test_without_an_answer_it_says_where_to_look(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync", "--directory", str(var), "--timeout", "0.05"]) == 3
    assert "journalctl -fu mcp-reconcile" in capsys.readouterr().err


def test_an_entry_comes_from_a_file_or_from_stdin(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"command": "docker"}'))
    main(["create", "x", "--entry", "-", "--directory", str(var), "--timeout", "0"])
    assert asked(var)["entry"] == {"command": "docker"}


def test_without_a_spool_it_says_what_makes_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync", "--directory", str(tmp_path)]) == 1
    assert "run setup.sh" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []
