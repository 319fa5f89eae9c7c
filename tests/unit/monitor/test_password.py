from __future__ import annotations

import grp
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FILES = Path(__file__).resolve().parents[3] / "files"
GROUP = grp.getgrgid(os.getgid()).gr_name


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    settings = tmp_path / "settings.conf"
    settings.write_text("[dashboard]\npassword =\n")
    return settings, tmp_path / "monitor.password"


def run(paths: tuple[Path, Path]) -> str:
    argv = [sys.executable, "-m", "monitor.password", *map(str, paths), GROUP]
    return subprocess.run(argv, cwd=FILES, capture_output=True, text=True, check=True).stdout.strip()


def test_without_a_wish_a_password_is_made_up_once(paths: tuple[Path, Path]) -> None:
    assert run(paths) == "written"
    made_up = paths[1].read_text()
    assert len(made_up.strip()) >= 20
    assert run(paths) == ""
    assert paths[1].read_text() == made_up


def test_the_settings_password_replaces_the_one_that_was_made_up(paths: tuple[Path, Path]) -> None:
    run(paths)
    paths[0].write_text("[dashboard]\npassword = 100%sure-of-it\n")
    assert run(paths) == "written"
    assert paths[1].read_text() == "100%sure-of-it\n"
    assert run(paths) == ""


def test_a_short_password_that_was_written_by_hand_is_refused(paths: tuple[Path, Path]) -> None:
    paths[1].write_text("changeme\n")
    argv = [sys.executable, "-m", "monitor.password", *map(str, paths), GROUP]
    failed = subprocess.run(argv, cwd=FILES, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"{paths[1]}: has fewer than 12 characters")
    assert "changeme" not in failed.stderr


def test_nobody_else_may_read_it(paths: tuple[Path, Path]) -> None:
    run(paths)
    assert paths[1].stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("change", [lambda file: file.chmod(0o644), lambda file: os.chown(file, -1, 12345)])
def test_a_file_that_others_could_read_by_now_is_put_right(
    paths: tuple[Path, Path], change: Callable[[Path], None]
) -> None:
    run(paths)
    password = paths[1].read_text()
    change(paths[1])
    assert run(paths) == "written"
    found = paths[1].stat()
    assert (found.st_gid, found.st_mode & 0o777, paths[1].read_text()) == (os.getgid(), 0o640, password)
    assert run(paths) == ""


def test_broken_settings_are_named_without_their_content(paths: tuple[Path, Path]) -> None:
    paths[0].write_text("password = geheim\n")
    argv = [sys.executable, "-m", "monitor.password", *map(str, paths), GROUP]
    failed = subprocess.run(argv, cwd=FILES, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "settings.conf" in failed.stderr
    assert "geheim" not in failed.stderr
