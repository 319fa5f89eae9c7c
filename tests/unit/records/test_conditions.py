"""From changes and spans of time to how a server was all along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history import conditions as written
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.store import HistoryFolder
from hypothesis import given
from hypothesis import strategies as st
from records.conditions import GAP, VERSION, Conditions, Spell, conditions


def kept(folder: Path, recorded: list[tuple[int, int]], **servers: list[tuple[int, str]]) -> Conditions:
    """What is read of conditions that a run has written."""
    made = written.Conditions(tuple(recorded), {name: tuple(changes) for name, changes in servers.items()})
    HistoryFolder(str(folder)).keep_conditions(made)
    return conditions(folder)


def test_spells_follow_the_changes(tmp_path: Path) -> None:
    found = kept(tmp_path, [(0, 100)], time=[(0, "ok"), (40, "failing"), (60, "ok")])
    assert list(found.spells("time", 10, 100)) == [Spell(10, 40, "ok"), Spell(40, 60, "failing"), Spell(60, 100, "ok")]


def test_time_in_which_no_run_came_is_a_gap(tmp_path: Path) -> None:
    found = kept(tmp_path, [(0, 30), (50, 100)], time=[(0, "ok"), (70, "failing")])
    assert list(found.spells("time", 0, 120)) == [
        Spell(0, 30, "ok"), Spell(30, 50, GAP), Spell(50, 70, "ok"), Spell(70, 100, "failing"), Spell(100, 120, GAP),
    ]  # fmt: skip


def test_a_server_that_came_later_has_a_gap_before(tmp_path: Path) -> None:
    found = kept(tmp_path, [(0, 100)], time=[(70, "ok")])
    assert list(found.spells("time", 0, 100)) == [Spell(0, 70, GAP), Spell(70, 100, "ok")]


def test_of_a_server_that_nobody_knows_all_is_a_gap(tmp_path: Path) -> None:
    assert list(kept(tmp_path, [(0, 100)]).spells("other", 0, 100)) == [Spell(0, 100, GAP)]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"version": 9}', b'{"version": 1, "recorded": [[1]], "servers": {}}']
)
def test_a_file_that_cannot_be_read_holds_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "conditions.json").write_bytes(content)
    assert conditions(tmp_path) == Conditions()
    assert conditions(tmp_path / "missing") == Conditions()


times = st.integers(0, 1000)


@given(
    st.lists(times, max_size=8).map(sorted),
    st.lists(st.tuples(times, st.sampled_from(["ok", "failing", GAP])), max_size=8).map(sorted),
    times,
    times,
)
def test_spells_are_whole_and_in_order(edges: list[int], changes: list[Any], since: int, until: int) -> None:
    recorded = tuple(zip(edges[::2], edges[1::2], strict=False))
    found = list(Conditions(recorded, {"time": tuple(changes)}).spells("time", since, until))
    assert [each.begun for each in found] == ([since, *(each.ended for each in found[:-1])] if found else [])
    assert (found[-1].ended if found else since) == max(since, until)
    assert all(each.begun < each.ended for each in found)


def test_writer_and_reader_are_of_the_same_version() -> None:
    assert written.VERSION == VERSION
    assert json.dumps(written.Conditions().to_dict())
