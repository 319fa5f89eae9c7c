"""How a server was over a day, as a bar and as a share."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.condition import CONDITIONS
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.conditions import Conditions
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.store import HistoryFolder
from monitor.figures.past import Past
from monitor.figures.uptime import DAY, SEVERITIES, Stretch, Uptimes, uptime_of
from monitor.state import parse_state
from records.conditions import GAP, Spell

from tests.unit.monitor import samples

NOW = 1_790_000_000


def test_every_condition_has_the_severity_that_the_state_gives_it() -> None:
    assert {name: each.severity for name, each in CONDITIONS.items()} == {
        name: severity for name, severity in SEVERITIES.items() if name != GAP
    }


def test_a_cell_is_as_the_worst_that_happened_in_it() -> None:
    spells = [Spell(0, 44, "ok"), Spell(44, 45, "failing"), Spell(45, 60, "degraded"), Spell(60, 100, "ok")]
    assert uptime_of(spells, 0, 100, 10).bar == (
        Stretch("ok", 0, 4), Stretch("critical", 4, 1), Stretch("warning", 5, 1), Stretch("ok", 6, 4),
    )  # fmt: skip


def test_a_gap_looks_like_a_gap_and_counts_for_nothing() -> None:
    found = uptime_of([Spell(0, 50, GAP), Spell(50, 90, "ok"), Spell(90, 100, "failing")], 0, 100, 10)
    assert found.bar[0] == Stretch("gap", 0, 5)
    assert found.share == pytest.approx(0.8)


@pytest.mark.parametrize(("condition", "share"), [
    ("ok", 1.0), ("degraded", 1.0), ("failing", 0.0), ("quarantined", 0.0),
    ("stopped", None), ("disabled", None), ("unknown", None), (GAP, None),
])  # fmt: skip
def test_only_time_in_which_a_server_had_to_answer_counts(condition: str, share: float | None) -> None:
    assert uptime_of([Spell(0, 100, condition)], 0, 100, 10).share == share


def test_what_was_not_all_well_is_never_a_hundred_per_cent() -> None:
    month = [Spell(0, 2_591_999, "ok"), Spell(2_591_999, 2_592_000, "failing")]
    assert uptime_of(month, 0, 2_592_000, 30).text == "99.99 %"
    assert uptime_of([Spell(0, 100, "ok")], 0, 100, 10).text == "100 %"
    assert uptime_of([], 0, 100, 10).text == "not known"


def test_the_file_is_read_again_as_soon_as_it_is_another(tmp_path: Path) -> None:
    uptimes, folder = Uptimes(tmp_path), HistoryFolder(str(tmp_path))
    assert uptimes.of("time", NOW)[0].share is None
    folder.keep_conditions(Conditions(((NOW - DAY, NOW),), {"time": ((NOW - DAY, "ok"),)}))
    before = uptimes.identity
    assert uptimes.of("time", NOW)[0].share == 1
    folder.keep_conditions(Conditions(((NOW - DAY, NOW),), {"time": ((NOW - DAY, "failing"),)}))
    assert uptimes.identity != before
    assert uptimes.of("time", NOW)[0].share == 0


def test_runs_that_are_missing_are_a_gap_until_now(tmp_path: Path) -> None:
    state = parse_state(json.dumps(samples.three_servers()).encode())
    ended = int(state.finished.timestamp())
    name = next(iter(state.names))
    kept = Conditions(((ended - DAY, ended),), {name: ((ended - DAY, "ok"),)})
    HistoryFolder(str(tmp_path / "history")).keep_conditions(kept)
    past = Past(tmp_path)
    day, _month = past.figures(state, state.finished + timedelta(minutes=4)).uptimes[name]
    assert [each.severity for each in day.bar] == ["ok"]
    day, _month = past.figures(state, state.finished + timedelta(hours=12)).uptimes[name]
    # The minute counts, not the second, so that a cell may be shared.
    assert [each.severity for each in day.bar] == ["ok", "gap"]
    assert day.bar[1].cells == pytest.approx(24, abs=1)
