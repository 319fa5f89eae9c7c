# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time, and nobody else who could hold a run up."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import lock
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.lock import (
    FleetBusy,
    fleet_lock,
    lock_directory,
)

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    return tmp_path / "locks"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can get to, which pytest's own are not."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o711)  # noqa: S103
        yield Path(folder)


def refused(directory: Path) -> str:
    with pytest.raises(FleetBusy) as caught, fleet_lock("f", 0, str(directory)):
        pass
    return str(caught.value)


def as_nobody(act: Callable[[], object]) -> int:
    """The exit code of a process of another user that does what ``act`` does: 0, or the errno of what refused it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            act()
            code = 0
        except OSError as error:
            code = error.errno or 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_second_run_of_a_fleet_waits_and_then_leaves_politely(locks: Path) -> None:
    with (
        fleet_lock("f", 0, str(locks)),
        pytest.raises(FleetBusy, match=r"another run has held fleet f for over 0.3 s"),
        fleet_lock("f", 0.3, str(locks)),
    ):
        pass
    with fleet_lock("f", 0, str(locks)), fleet_lock("g", 0, str(locks)):
        assert sorted(os.listdir(locks)) == ["fleet-f.lock", "fleet-g.lock"]


def test_a_lock_is_free_again_after_a_run_that_failed(locks: Path) -> None:
    with pytest.raises(ZeroDivisionError), fleet_lock("f", 0, str(locks)):
        raise ZeroDivisionError
    with fleet_lock("f", 0, str(locks)):
        pass


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_directory_and_its_files_are_their_users_alone(locks: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with fleet_lock("f", 0, str(locks)):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(locks.stat().st_mode) == 0o700
    assert stat.S_IMODE((locks / "fleet-f.lock").stat().st_mode) == 0o600


@as_root
def test_another_user_can_neither_hold_a_lock_nor_make_one_first(open_folder: Path) -> None:
    locks = open_folder / "locks"
    with fleet_lock("f", 0, str(locks)):
        pass

    def hold() -> None:
        fcntl.flock(os.open(locks / "fleet-f.lock", os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)

    assert as_nobody(hold) == 13
    assert as_nobody((locks / "fleet-g.lock").touch) == 13
    with fleet_lock("f", 0, str(locks)), fleet_lock("g", 0, str(locks)):
        pass


@as_root
def test_a_directory_of_another_user_is_refused(locks: Path) -> None:
    locks.mkdir(0o700)
    os.chown(locks, NOBODY, NOBODY)
    assert refused(locks) == (
        f"{locks} holds locks and others have access to it (owner uid 65534, mode 0700);"
        " remove it, or find out why others have access"
    )


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701, 0o1777])
def test_a_directory_that_others_can_reach_into_is_refused(locks: Path, mode: int) -> None:
    locks.mkdir()
    locks.chmod(mode)
    assert f"others have access to it (owner uid {os.geteuid()}, mode {mode:04o})" in refused(locks)


def test_a_link_in_the_directorys_place_is_refused(locks: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(0o700)
    locks.symlink_to(tmp_path / "elsewhere")
    assert refused(locks) == f"{locks} is a symbolic link, so that others may own the locks behind it; remove it"
    assert os.listdir(tmp_path / "elsewhere") == []


def test_a_link_in_the_locks_place_is_refused_and_its_target_left_alone(locks: Path, tmp_path: Path) -> None:
    locks.mkdir(0o700)
    target = tmp_path / "precious"
    (locks / "fleet-f.lock").symlink_to(target)
    assert f"{locks}/fleet-f.lock cannot be opened" in refused(locks)
    assert not target.exists()


@as_root
def test_a_lock_of_another_user_is_refused(locks: Path) -> None:
    locks.mkdir(0o700)
    (locks / "fleet-f.lock").touch()
    os.chown(locks / "fleet-f.lock", NOBODY, NOBODY)
    assert refused(locks) == f"{locks}/fleet-f.lock is not a file of this user (its owner is uid 65534); remove it"


def test_a_pipe_in_the_locks_place_is_refused_and_holds_nothing_up(locks: Path) -> None:
    locks.mkdir(0o700)
    os.mkfifo(locks / "fleet-f.lock")
    assert "is not a file of this user" in refused(locks)


def test_root_and_other_users_have_directories_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock.os, "geteuid", lambda: 0)
    assert lock_directory() == "/run/mcp-orchestrator"
    monkeypatch.setattr(lock.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert lock_directory() == "/run/user/1000/mcp-orchestrator-1000"
