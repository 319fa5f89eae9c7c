# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which condition each server was: a month of it, whatever happens in that month."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.condition import CONDITIONS
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.conditions import (
    KEPT_SECONDS,
    MOST_CHANGES,
    MOST_SPANS,
    Conditions,
    conditions_from,
    continued,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.store import HistoryFailure, HistoryFolder
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = json.loads((Path(__file__).parents[10] / "files/conditions.schema.json").read_text())
NOW = 1_790_000_000


def found(interval: int | None = 300, **conditions: str) -> dict[str, Any]:
    """As much of a state as is looked at."""
    servers = [{"name": name, "condition": condition} for name, condition in conditions.items()]
    return {"run": {"interval_seconds": interval}, "servers": servers, "remotes": []}


def after(*runs: tuple[int, dict[str, Any]]) -> Conditions:
    """The conditions after runs that ended so many seconds after NOW."""
    conditions = Conditions()
    for at, state in runs:
        conditions = continued(conditions, state, NOW + at)
    jsonschema.Draft202012Validator(SCHEMA).validate(conditions.to_dict())
    return conditions


def test_a_server_that_stays_as_it_is_has_one_change() -> None:
    kept = after((0, found(time="ok")), (300, found(time="ok")), (600, found(time="ok")))
    assert kept == Conditions(((NOW, NOW + 600),), {"time": ((NOW, "ok"),)})


def test_each_change_is_kept_with_its_time() -> None:
    kept = after((0, found(time="ok")), (300, found(time="failing")), (600, found(time="ok")))
    assert kept.servers["time"] == ((NOW, "ok"), (NOW + 300, "failing"), (NOW + 600, "ok"))


def test_falling_asleep_is_no_change() -> None:
    assert after((0, found(time="ok")), (300, found(time="asleep"))).servers["time"] == ((NOW, "ok"),)


@pytest.mark.parametrize(("interval", "pause"), [(300, 900), (60, 180), (None, 900)])
def test_a_pause_of_more_than_three_intervals_is_a_gap(interval: int | None, pause: int) -> None:
    state = found(interval, time="ok")
    assert after((0, state), (pause, state)).recorded == ((NOW, NOW + pause),)
    late = NOW + pause + 1
    assert after((0, state), (pause + 1, state)).recorded == ((NOW, NOW), (late, late))


def test_a_clock_that_was_set_back_forgets_what_is_to_come() -> None:
    assert after((0, found(time="ok")), (-5000, found(time="ok"))).recorded == ((NOW - 5000, NOW - 5000),)


@pytest.mark.parametrize("back", [1, 299, 301, 26 * 3600])
def test_a_clock_that_was_set_back_forgets_nothing_else(back: int) -> None:
    month = [(at, found(time="ok" if at else "failing")) for at in range(0, 30 * 86400, 300)]
    last = month[-1][0]
    kept = after(*month, (last - back, found(time="degraded")), (last - back + 300, found(time="degraded")))
    assert kept.recorded == ((NOW, NOW + last - back + 300),)
    assert kept.servers["time"] == ((NOW, "failing"), (NOW + 300, "ok"), (NOW + last - back, "degraded"))


def test_one_run_with_a_fast_clock_leaves_no_trace_once_the_clock_is_right_again() -> None:
    ok = found(time="ok")
    kept = after((0, ok), (26 * 3600, found(time="failing")), (300, ok), (600, ok))
    assert kept == Conditions(((NOW, NOW + 600),), {"time": ((NOW, "ok"),)})


def test_a_server_that_the_config_lost_is_gone_and_forgotten_after_a_month() -> None:
    assert after((0, found(time="ok")), (300, found())).servers["time"][-1] == (NOW + 300, "")
    assert after((0, found(time="ok")), (300, found()), (300 + KEPT_SECONDS, found())).servers == {}


def test_what_is_older_than_a_month_leaves_only_how_things_stood_then() -> None:
    month = KEPT_SECONDS
    kept = after(
        *((at, found(time=name)) for at, name in ((0, "ok"), (300, "failing"), (600, "ok"), (month + 900, "ok")))
    )
    assert kept.servers["time"] == ((NOW + 600, "ok"),)


def test_a_server_that_comes_and_goes_all_the_time_stays_bounded() -> None:
    runs = ((300 * number, found(time="ok" if number % 2 else "failing")) for number in range(2 * MOST_CHANGES))
    assert len(after(*runs).servers["time"]) == MOST_CHANGES
    assert len(after(*((3600 * number, found()) for number in range(2 * MOST_SPANS))).recorded) == MOST_SPANS


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2 * KEPT_SECONDS), st.dictionaries(st.sampled_from("abc"), st.sampled_from(list(CONDITIONS)))
        )
    )
)
def test_whatever_runs_find_it_is_read_back_as_it_was_written(runs: list[tuple[int, dict[str, str]]]) -> None:
    kept = after(*((at, found(**conditions)) for at, conditions in sorted(runs, key=lambda each: each[0])))
    assert conditions_from(json.loads(json.dumps(kept.to_dict()))) == kept


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"version": 2},
        {"version": 1, "recorded": 3, "servers": []},
        {"version": 1, "servers": {"a": [[1]]}},
    ],
)
def test_a_file_of_something_else_is_forgotten(document: Any) -> None:
    assert not any(conditions_from(document).servers.values())


def test_the_file_is_for_the_owner_and_the_group_alone(tmp_path: Path) -> None:
    folder = HistoryFolder(str(tmp_path / "history"))
    kept = after((0, found(time="ok")))
    folder.keep_conditions(kept)
    assert folder.conditions() == kept
    assert (tmp_path / "history/conditions.json").stat().st_mode & 0o777 == 0o640


def test_a_disk_that_takes_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("in the way")
    with pytest.raises(HistoryFailure, match=r"history/conditions\.json"):
        HistoryFolder(str(tmp_path / "history")).keep_conditions(Conditions())
