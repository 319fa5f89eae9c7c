"""The table that set-up ends with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from monitor.access.passwords import hashed
from monitor.access.users import SETTINGS, Account, User, write_users
from monitor.status import WIDTH, main

from tests.unit.monitor import samples

FILES = Path(__file__).parents[3] / "files"


@pytest.fixture
def printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(document: dict[str, Any], *arguments: str) -> tuple[int, list[str]]:
        path = tmp_path / "state.json"
        path.write_text(json.dumps(document))
        code = main([str(path), *arguments])
        return code, capsys.readouterr().out.splitlines()

    return run


def test_each_server_has_its_state_tools_and_address(printed: Any) -> None:
    code, lines = printed(samples.three_servers())
    assert code == 0
    assert lines[1].split() == ["●", "everything", "answers", "11", "http://127.0.0.1:8080/mcp/everything/mcp"]
    assert [line.split()[1] for line in lines[1:4]] == ["everything", "notes", "time"]
    assert lines[5].startswith("  All 3 servers answer.")


def test_remote_servers_follow_with_their_address(printed: Any) -> None:
    code, lines = printed(samples.state([samples.server("time")], remotes=[samples.remote("docs")]))
    assert code == 0
    assert lines[2].split() == ["↗", "docs", "answers", "2", "https://docs.example.com/mcp"]


def test_the_monitor_its_user_and_the_place_of_the_password_are_named(printed: Any, tmp_path: Path) -> None:
    password_file, users = tmp_path / "monitor.password", tmp_path / "monitor.users.json"
    users.touch()
    kept = hashed("x" * 12)
    made = {"alice": Account(User("alice", "view"), kept), "root": Account(User("root", "operate"), kept, SETTINGS)}
    write_users(users, made)
    line = "  Monitor: http://127.0.0.1:8080/monitor  (user root, password in {})"
    asked = (samples.three_servers(), "--password-file", str(password_file))
    assert printed(*asked)[1][-1] == line.format("settings.conf")
    password_file.touch()
    assert printed(*asked)[1][-1] == line.format(password_file)
    users.unlink()
    assert printed(*asked)[1][-1] == "  Monitor: http://127.0.0.1:8080/monitor"


def test_a_bad_run_ends_with_one_and_tells_the_errors_in_short(printed: Any) -> None:
    code, lines = printed(samples.hundred_servers())
    assert code == 1
    text = "\n".join(lines)
    assert "503 by the bridge: the child ended: exit status 1" in text
    assert "  routes: the listener has 100 rules" in text
    assert "93 of 97 servers answer, 3 do not. Last run" in text


def test_the_table_fits_into_a_hundred_columns(printed: Any) -> None:
    for sample in (samples.three_servers, samples.no_servers, samples.hundred_servers):
        _code, lines = printed(sample())
        assert max(len(line) for line in lines) <= WIDTH


def test_a_long_error_takes_two_lines(printed: Any) -> None:
    _code, lines = printed(samples.state([samples.failing("time", "word " * 200)]))
    notes = lines[2 : lines.index("")]
    assert len(notes) == 2
    assert notes[1].endswith("…")


def test_no_servers_are_no_error(printed: Any) -> None:
    code, lines = printed(samples.no_servers())
    assert code == 0
    assert lines[0] == "  The config holds no servers."


def test_a_servers_own_words_do_not_steer_the_terminal(printed: Any) -> None:
    _code, lines = printed(samples.state([samples.failing("time", "\x1b[2J\x07boo")]))
    assert "\x1b" not in "".join(lines)
    assert "\x07" not in "".join(lines)


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_without_a_readable_state_there_is_one_line_and_a_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    path = tmp_path / "state.json"
    if content is not None:
        path.write_text(content)
    assert main([str(path)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("No table: ")
    assert told.err.count("\n") == 1


def test_it_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps(samples.three_servers()))
    run = subprocess.run(
        [sys.executable, "-S", "-m", "monitor.status", str(path)],
        cwd=FILES, capture_output=True, text=True, env={"PYTHONIOENCODING": "ascii"}, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[3].split()[:3] == ["+", "time", "answers"]


def test_a_warning_about_the_host_is_told_in_full_and_the_run_is_good(printed: Any) -> None:
    warning = (
        "The host gives away its credentials. Do: " + "aws ec2 modify-instance-metadata-options --x " * 5 + "-- end"
    )
    code, lines = printed({**samples.three_servers(), "warnings": [warning]})
    assert code == 0
    assert " ".join(" ".join(lines).split()).count(warning) == 1
    assert max(map(len, lines)) <= WIDTH
