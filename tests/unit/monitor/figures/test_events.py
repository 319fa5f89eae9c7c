"""What happened, read once from each report."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from monitor.figures import events as module
from monitor.figures.events import Events

NOW = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)


def report(folder: Path, ended: datetime, *happened: dict[str, Any]) -> None:
    identity, stamp = f"{ended:%Y%m%dT%H%M%SZ}-ab", f"{ended:%Y-%m-%dT%H:%M:%SZ}"
    times = dict.fromkeys(("started", "finished", "last_started"), stamp)
    record = {
        "version": 1, "id": identity, "last_id": identity, "trigger": "timer", **times, "runs": 1, "result": "ok",
        "summary": "x", "severity": "ok", "plan": [], "more_actions": 0, "diff": "", "errors": [], "events": happened,
    }  # fmt: skip
    (folder / f"{identity}.json").write_text(json.dumps(record))


def changed(server: str, text: str = "tools added: x", event: str = "tools_changed") -> dict[str, Any]:
    return {"server": server, "event": event, "text": text}


def test_tools_that_changed_today_are_marked_and_older_changes_are_not(tmp_path: Path) -> None:
    report(tmp_path, NOW - timedelta(hours=30), changed("old"))
    report(tmp_path, NOW - timedelta(hours=20), changed("time", "first"), changed("time", event="rolled"))
    report(tmp_path, NOW - timedelta(hours=2), changed("time", "last"))
    found = Events(tmp_path).tool_changes(NOW)
    assert {name: event.text for name, event in found.items()} == {"time": "last"}


def test_the_events_of_a_server_are_the_newest_first(tmp_path: Path) -> None:
    for hour in range(5):
        report(tmp_path, NOW - timedelta(hours=hour), changed("time", f"{hour}"), changed("other"))
    assert [event.text for event in Events(tmp_path).of("time", 3)] == ["0", "1", "2"]


def test_a_report_is_read_once_until_it_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    run = module.run
    monkeypatch.setattr(module, "run", lambda folder, name: read.append(name) or run(folder, name))
    events = Events(tmp_path)
    report(tmp_path, NOW - timedelta(hours=2), changed("time"))
    report(tmp_path, NOW, changed("time"))
    assert len(events.of("time", 9)) == len(events.of("time", 9)) == 2
    assert len(read) == 2
    report(tmp_path, NOW, changed("time"), changed("time"))
    assert len(events.of("time", 9)) == 3
    assert len(read) == 3


def test_a_report_that_cannot_be_read_has_no_events(tmp_path: Path) -> None:
    (tmp_path / f"{NOW:%Y%m%dT%H%M%SZ}-ab.json").write_text("{")
    assert Events(tmp_path).of("time", 9) == []
    assert Events(tmp_path / "missing").tool_changes(NOW) == {}
