"""Making users by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from monitor.access.__main__ import main
from monitor.access.passwords import hashed, matches
from monitor.access.users import SETTINGS, Account, User, read_users, write_users


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "users.json"
    path.touch()
    admin = Account(User("admin", "operate"), hashed("x" * 12), SETTINGS)
    write_users(path, {"admin": admin})
    return path


def run(file: Path, command: str, *arguments: str) -> int:
    return main(["--file", str(file), command, *arguments])


def test_a_user_is_made_with_a_password_that_is_shown_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "add", "bob") == 0
    password = capsys.readouterr().out.splitlines()[-1]
    made = read_users(file)["bob"]
    assert made.user.role == "view"
    assert matches(password, made.kept)
    assert password not in file.read_text()
    assert run(file, "add", "bob", "--role", "operate") == 0
    assert read_users(file)["bob"].user.role == "operate"
    assert not matches(password, read_users(file)["bob"].kept)


def test_users_are_listed_and_removed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(file, "add", "bob")
    capsys.readouterr()
    assert run(file, "list") == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["admin", "operate", "of", "settings.conf"],
        ["bob", "view"],
    ]
    assert run(file, "remove", "bob") == 0
    assert list(read_users(file)) == ["admin"]
    assert run(file, "remove", "bob") == 1


@pytest.mark.parametrize("command", ["add", "remove"])
def test_the_user_of_the_settings_is_changed_there(
    file: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(file, command, "admin") == 1
    assert "change it in [dashboard], and run setup.sh" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "a:b", "a b", "\u00e4", "a" * 65])
def test_a_name_that_nobody_could_sign_in_with_is_refused(file: Path, name: str) -> None:
    assert run(file, "add", name) == 1


def test_without_the_right_to_it_the_way_out_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none", "list") == 1
    assert "setup.sh makes it" in capsys.readouterr().err
