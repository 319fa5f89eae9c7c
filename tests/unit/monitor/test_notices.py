"""What every page says when what it shows is not how things are now."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from monitor.layout import refusal
from monitor.sources import Sources
from monitor.web import Request

from tests.unit.monitor import samples

NOW = samples.FINISHED + timedelta(minutes=3)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    (tmp_path / "state.json").write_text(json.dumps(samples.three_servers()))
    (tmp_path / "samples").mkdir()
    return Sources(tmp_path / "state.json", tmp_path)


def sampled(sources: Sources, seconds_ago: float) -> None:
    latest = sources.directory / "samples/latest.json"
    latest.touch()
    os.utime(latest, (NOW.timestamp() - seconds_ago,) * 2)


def test_a_site_that_is_as_it_should_be_has_none(sources: Sources) -> None:
    assert sources.notices(NOW) == []
    sampled(sources, 20)
    assert sources.notices(NOW) == []


def test_a_watcher_that_is_gone_is_told_and_one_that_never_was_is_not(sources: Sources) -> None:
    sampled(sources, 720)
    (notice,) = sources.notices(NOW)
    assert notice.text.startswith("The watcher has written nothing for 12 minutes")
    assert notice.command == "systemctl status mcp-watcher"


def test_a_state_that_is_old_missing_or_corrupt_is_told(sources: Sources) -> None:
    (stale,) = sources.notices(NOW + timedelta(hours=2))
    assert (stale.severity, stale.text) == ("critical", "No run has ended for 2 hours.")
    sources.state_file.write_text("{")
    assert "not complete JSON" in sources.notices(NOW)[0].text
    sources.state_file.unlink()
    assert "no run has written it yet" in sources.notices(NOW)[0].text


def test_pages_show_them_as_text(sources: Sources) -> None:
    sources.state_file.write_text('{"version": "<script>"}')
    request = Request(notices=lambda: sources.notices(NOW))
    page = str(refusal(request, 404, "x", "y").body)
    assert 'class="notice critical"' in page
    assert "<script>" not in page
