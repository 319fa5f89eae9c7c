"""The site that pages are tested with is one that the product could have left."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from monitor.state import read_state
from records.calls import Calls
from records.conditions import GAP, conditions
from records.history import events, runs
from records.logs import Logs
from records.query import Query
from records.sample import FULL, REDUCED
from records.samples import Samples

from tests.monitor_data.site import make_site

PROJECT = Path(__file__).parents[3]
NOW = 1_790_000_123
SERVERS, DAYS = 12, 3


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("site"), servers=SERVERS, days=DAYS, now=NOW, lines=50, calls=200)


def schema(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((PROJECT / "files" / name).read_text()))


def test_the_state_keeps_to_its_schema_and_is_of_the_last_run(site: Path) -> None:
    document = json.loads((site / "state.json").read_text())
    schema("state.schema.json").validate(document)
    schema("tools.schema.json").validate(json.loads((site / "tools.json").read_text()))
    state = read_state(site / "state.json")
    assert state.finished == datetime.fromtimestamp(NOW, UTC)
    assert len(state.servers) == SERVERS
    assert {"failing", "quarantined", "invalid", "degraded", "unknown", "ok", "stopped", "disabled"} <= {
        each.condition for each in state.servers
    }


def test_every_report_keeps_to_its_schema_and_together_they_are_all_runs(site: Path) -> None:
    for path in (site / "history").glob("2*.json"):
        schema("history.schema.json").validate(json.loads(path.read_text()))
    found = runs(site / "history", limit=10_000)
    dark = 3600  # seconds in which no run came
    timer = [each for each in found if each.trigger == "timer"]
    assert sum(each.count for each in timer) == pytest.approx((DAYS * 86400 - dark) / 300, abs=3)
    assert found[0].finished == datetime.fromtimestamp(NOW, UTC)
    assert {"failing", "recovered"} <= {each.event for each in events(site / "history", limit=1000)}


def test_conditions_keep_to_their_schema_and_tell_of_troubles_and_of_gaps(site: Path) -> None:
    schema("conditions.schema.json").validate(json.loads((site / "history/conditions.json").read_text()))
    found = conditions(site / "history")
    spells = [each for name in Samples(site / "samples").servers() for each in found.spells(name, NOW - 86400, NOW)]
    assert {"ok", "failing", GAP} <= {each.condition for each in spells}
    gaps = {each.ended - each.begun for each in spells if each.condition == GAP}
    assert max(gaps) == pytest.approx(3600, abs=600)


def test_samples_logs_and_calls_are_read_by_their_readers(site: Path) -> None:
    samples, logs, calls = Samples(site / "samples"), Logs(site / "logs"), Calls(site / "calls")
    names = samples.servers()
    assert len(names) == SERVERS - 2
    now = samples.now()
    assert 0 <= NOW - now.time <= 60
    assert now.servers
    for name in names:
        assert samples.series(name, REDUCED, NOW - DAYS * 86400, NOW)
        assert samples.series(name, FULL, NOW - FULL.seconds, NOW)
    assert logs.tail(logs.servers(), Query(), 10_000).lines
    assert calls.tail(calls.servers(), Query(), 10_000).calls


def test_nothing_secret_is_on_the_disk_but_in_the_config(site: Path) -> None:
    found = [path.name for path in site.rglob("*") if path.is_file() and b"canary-" in path.read_bytes()]
    assert found == ["mcp.config.json"]
