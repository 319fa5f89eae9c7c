"""make logs: what people see on the host."""

from __future__ import annotations

from pathlib import Path

import pytest
from records.__main__ import main

from tests.unit.records.kept import at, keep, line


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    keep(tmp_path / "logs", "time", line(1, "one") + line(2, "Two", "err"))
    keep(tmp_path / "logs", "orders", line(1.5, "order"))
    keep(tmp_path / "calls", "time", line(3, "2026-11-29T01:19:13.123Z - tools/call get_time ok 1.0", "call"))
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], directory: Path, *words: str) -> list[str]:
    assert main(["--directory", str(directory), *words]) == 0
    return [each.partition("Z ")[2] for each in capsys.readouterr().out.splitlines()]


def test_the_lines_of_a_server_are_printed_with_their_time_and_stream(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(capsys, directory, "time") == ["one", "err: Two"]
    assert printed(capsys, directory, "--grep=two", "--", "time") == ["err: Two"]
    assert printed(capsys, directory, "--since", at(2), "time") == ["err: Two"]
    assert printed(capsys, directory, "--calls", "time") == [
        "call: 2026-11-29T01:19:13.123Z - tools/call get_time ok 1.0"
    ]


def test_without_a_name_all_servers_are_printed_in_the_order_of_their_lines(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(capsys, directory) == ["time one", "orders order", "time err: Two"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "nothing is kept of 'nope'; there is: orders, time"),
        (["--since=soon", "time"], "'soon' is not a time"),
        (["--regex=(", "time"], "the expression is wrong"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    directory: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["--directory", str(directory), *words]) == 1
    assert said in capsys.readouterr().err
