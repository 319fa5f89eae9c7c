"""The user of settings.conf, as setup.sh makes it."""

from __future__ import annotations

import grp
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from monitor.access.passwords import matches
from monitor.access.users import Account, User, read_users, write_users

FILES = Path(__file__).resolve().parents[4] / "files"
GROUP = grp.getgrgid(os.getgid()).gr_name


@dataclass
class Host:
    settings: Path
    password: Path
    users: Path

    def run(self) -> subprocess.CompletedProcess[str]:
        places = [str(path) for path in (self.settings, self.password, self.users)]
        argv = [sys.executable, "-m", "monitor.access.first_user", *places, GROUP]
        return subprocess.run(argv, cwd=FILES, capture_output=True, text=True, check=False)

    def changed(self) -> bool:
        ended = self.run()
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended.stdout == "written\n"

    def admits(self, name: str, password: str) -> bool:
        account = read_users(self.users).get(name)
        return account is not None and account.user.role == "admin" and matches(password, account.kept)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path / "settings.conf", tmp_path / "monitor.password", tmp_path / "monitor.users.json")
    host.settings.write_text("[dashboard]\npassword =\n")
    return host


def test_without_a_wish_a_password_is_made_up_once_and_only_root_reads_it(host: Host) -> None:
    assert host.changed()
    made_up = host.password.read_text().strip()
    assert len(made_up) >= 20
    assert host.password.stat().st_mode & 0o777 == 0o600
    assert host.users.stat().st_mode & 0o777 == 0o640
    assert host.admits("admin", made_up)
    assert made_up not in host.users.read_text()
    assert not host.changed()


def test_the_settings_password_takes_the_place_of_the_one_that_was_made_up(host: Host) -> None:
    host.run()
    host.settings.write_text("[dashboard]\nusername = alice\npassword = 100%sure-of-it\n")
    assert host.changed()
    assert host.admits("alice", "100%sure-of-it")
    assert list(read_users(host.users)) == ["alice"]
    assert not host.password.exists()
    assert not host.changed()


def test_users_that_were_made_by_hand_stay(host: Host) -> None:
    host.run()
    bob = Account(User("bob", "view"), read_users(host.users)["admin"].kept)
    write_users(host.users, {**read_users(host.users), "bob": bob})
    assert not host.changed()
    host.settings.write_text("[dashboard]\nusername = carol\n")
    assert host.changed()
    assert sorted(read_users(host.users)) == ["bob", "carol"]


def test_a_short_password_that_was_written_by_hand_is_refused(host: Host) -> None:
    host.password.write_text("changeme\n")
    failed = host.run()
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"{host.password}: has fewer than 12 characters")
    assert "changeme" not in failed.stderr
    assert not host.users.exists()


@pytest.mark.parametrize("change", [lambda file: file.chmod(0o644), lambda file: os.chown(file, -1, 12345)])
@pytest.mark.parametrize(("name", "mode"), [("password", 0o600), ("users", 0o640)])
def test_a_file_that_others_could_read_by_now_is_put_right(
    host: Host, change: Callable[[Path], None], name: str, mode: int
) -> None:
    host.run()
    file: Path = getattr(host, name)
    content = file.read_text()
    change(file)
    assert host.changed()
    found = file.stat()
    assert (found.st_gid, found.st_mode & 0o777, file.read_text()) == (os.getgid(), mode, content)
    assert not host.changed()


def test_a_file_of_users_that_is_none_is_named_with_the_way_out(host: Host) -> None:
    host.users.write_text("{")
    host.users.chmod(0o640)
    failed = host.run()
    assert failed.returncode == 1
    assert failed.stderr == (
        f"{host.users}: what it holds are no users; remove it, run setup.sh, and make the others again\n"
    )


def test_broken_settings_are_named_without_their_content(host: Host) -> None:
    host.settings.write_text("password = geheim\n")
    failed = host.run()
    assert failed.returncode == 1
    assert "settings.conf" in failed.stderr
    assert "geheim" not in failed.stderr
