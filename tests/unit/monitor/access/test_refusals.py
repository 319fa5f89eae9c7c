"""What the monitor writes down of what it refuses."""

from __future__ import annotations

from pathlib import Path

import monitor.access.refusals
import pytest
from monitor.access.refusals import LOGIN, Refusals


@pytest.fixture
def refusals(tmp_path: Path) -> Refusals:
    return Refusals(tmp_path / "refused.jsonl")


def test_what_is_noted_is_read_the_newest_first(refusals: Refusals) -> None:
    refusals.note(LOGIN, "alice", "10.0.0.1", "first")
    refusals.note(LOGIN, None, "10.0.0.2", "second\n{}")
    assert [(each.user, each.client, each.text) for each in refusals.read()] == [
        (None, "10.0.0.2", "second\n{}"),
        ("alice", "10.0.0.1", "first"),
    ]
    assert refusals.file.stat().st_mode & 0o777 == 0o600


def test_it_stays_bounded(refusals: Refusals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor.access.refusals, "MOST_BYTES", 1000)
    for number in range(100):
        refusals.note(LOGIN, None, "10.0.0.1", str(number))
    sizes = [path.stat().st_size for path in refusals.file.parent.iterdir()]
    assert len(sizes) <= 2
    assert sum(sizes) < 2500
    assert refusals.read()[0].text == "99"


def test_where_it_cannot_be_written_the_log_has_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    nowhere = Refusals(tmp_path / "none" / "refused.jsonl")
    nowhere.note(LOGIN, None, "10.0.0.1", "the password is wrong")
    assert "refused from 10.0.0.1 as unknown: the password is wrong" in caplog.text
    assert nowhere.read() == []


def test_lines_that_are_none_are_left_out(refusals: Refusals) -> None:
    refusals.note(LOGIN, None, "10.0.0.1", "good")
    with refusals.file.open("ab") as file:
        file.write(b'\xff\n{}\n[]\nnull\n{"time": "x", "user": 1}\n' + b"[" * 10_000)
    assert [each.text for each in refusals.read()] == ["good"]
