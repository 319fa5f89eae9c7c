"""Where no systemd is, a run is followed by the notifier as it is there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.support.waiting import until

SCRIPT = Path(__file__).parents[3] / "roles/notify/files/after_run.sh"


def run(folder: Path, settings: str, command: str) -> int:
    """The exit code of a run whose notifier leaves the file told."""
    (folder / "settings.conf").write_text(settings)
    argv = [SCRIPT, folder / "settings.conf", folder / "ended", "touch", folder / "told", ":", "/bin/sh", "-c", command]
    return subprocess.run([str(each) for each in argv], check=False, timeout=30).returncode


@pytest.mark.parametrize(
    ("command", "code", "result"),
    [("true", 0, "success"), ("exit 2", 2, "exit-code"), ("exit 124", 124, "timeout"), ("exit 137", 137, "timeout")],
)
def test_how_a_run_ended_is_noted_and_returned(tmp_path: Path, command: str, code: int, result: str) -> None:
    assert run(tmp_path, "", command) == code
    assert (tmp_path / "ended").read_text() == f"{result}\n"


@pytest.mark.parametrize("settings", ["[notify]\nurls = json://x\n", "[notify]\nurls =\n  json://x\n"])
def test_the_notifier_follows_a_run_that_has_failed_too(tmp_path: Path, settings: str) -> None:
    run(tmp_path, settings, "exit 2")
    until((tmp_path / "told").exists, "the notifier has run")


@pytest.mark.parametrize("settings", ["", "[notify]\nurls =\n", "[notify]\n# urls = x\nurls =\n\n[jwt]\n  a = 1\n"])
def test_where_nobody_is_to_be_told_no_notifier_is_started(tmp_path: Path, settings: str) -> None:
    run(tmp_path, settings, "true")
    assert not (tmp_path / "told").exists()
