"""The pages of runs: the list, one run, and what changed in a server between two."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from monitor.pages import compare, run, runs
from monitor.pages.compare import compare_view, net_changes
from monitor.pages.run import run_view
from monitor.pages.runs import MOST_RUNS, run_row
from monitor.sources import Sources
from monitor.web import Answer, Request
from records.history import runs as read_runs

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
Json = dict[str, Any]


def report(hour: int, **changed: Any) -> Json:
    """A report of the run that ended at this hour."""
    plain = {
        "version": 1,
        "id": f"20261129T{hour:02}0000Z-aaaa",
        "last_id": f"20261129T{hour:02}0000Z-aaaa",
        "trigger": "timer",
        "started": f"2026-11-29T{hour:02}:00:00Z",
        "last_started": f"2026-11-29T{hour:02}:00:00Z",
        "finished": f"2026-11-29T{hour:02}:00:08Z",
        "runs": 1,
        "result": "ok",
        "summary": "All 2 servers answer",
        "severity": "ok",
        "plan": [],
        "more_actions": 0,
        "diff": "",
        "errors": [],
        "events": [],
    }
    return {**plain, **changed}


def action(server: str, before: Any = None, after: Any = None, **changed: Any) -> Json:
    return {"step": "containers", "server": server, "action": "create", "reason": "its image changed",
            "before": before, "after": after, **changed}  # fmt: skip


def event(server: str | None, text: str) -> Json:
    return {"server": server, "event": "rolled", "text": text, "details": {}}


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    (tmp_path / "history").mkdir()
    return Sources(tmp_path / "state.json", tmp_path)


def keep(sources: Sources, *reports: Json) -> None:
    for each in reports:
        (sources.history / f"{each['id']}.json").write_text(json.dumps(each))


def request(path: str = "/runs", arguments: dict[str, str] | None = None, **query: str) -> Request:
    return Request(
        path=path, arguments=arguments or {}, query={name: (value,) for name, value in query.items()}, now=NOW
    )


def body(answer: Answer | None) -> str:
    assert answer is not None
    return str(answer.body)


def test_the_list_says_what_started_a_run_what_it_did_and_how_long_it_took(sources: Sources) -> None:
    keep(sources, report(9, plan=[action("time")], events=[event("time", "new image")], trigger="edit"))
    row = run_row(sources.runs()[0], NOW)
    assert (row.trigger, row.did, row.took, row.what, row.when) == (
        "edit", "1 change", "8 seconds", ("time: new image",), "2 hours ago",
    )  # fmt: skip
    assert "edit" in body(runs.page(request(), sources))


def test_runs_that_found_the_same_are_one_row_with_their_number(sources: Sources) -> None:
    keep(sources, report(9, runs=12, finished="2026-11-29T10:00:00Z", last_started="2026-11-29T09:59:55Z"))
    row = run_row(sources.runs()[0], NOW)
    assert (row.span, row.took) == ("12 runs in 1 hour that found and did the same", "5 seconds")


def test_the_runs_of_a_server_are_those_that_touched_it(sources: Sources) -> None:
    failing = [{"server": "time", "step": "probe", "message": "still dead"}]
    keep(sources, report(8, plan=[action("time")]), report(9, plan=[action("orders")]), report(10, errors=failing))
    found = body(runs.page(request(server="time"), sources))
    assert "/monitor/runs/20261129T080000Z-aaaa" in found
    assert "/monitor/runs/20261129T090000Z-aaaa" not in found
    assert "No run that is kept has touched &lt;b&gt;" in body(runs.page(request(server="<b>"), sources))


def test_older_runs_are_a_page_away(sources: Sources) -> None:
    minutes = [f"20261129T09{number // 60:02}{number % 60:02}Z-aaaa" for number in range(MOST_RUNS + 5)]
    keep(sources, *(report(9, id=identity, last_id=identity) for identity in minutes))
    first = body(runs.page(request(), sources))
    assert first.count('class="name"') == MOST_RUNS
    assert f"before={minutes[5]}" in first
    assert body(runs.page(request(before=minutes[5]), sources)).count('class="name"') == 5


def test_without_a_history_the_page_says_so(tmp_path: Path) -> None:
    assert "No run has been reported yet" in body(runs.page(request(), Sources(tmp_path / "s", tmp_path)))


def test_a_run_shows_its_plan_with_what_each_action_changed(sources: Sources) -> None:
    before, after = {"image": "time:1", "port": 20000}, {"image": "time:2", "port": 20000, "limits": {"memory": "1g"}}
    keep(sources, report(9, plan=[action("time", before, after)], diff="--- before\n+++ after\n-a\n+b\n c"))
    view = run_view(sources.runs()[0], NOW)
    changes = [(each.name, each.before, each.after) for each in view.actions[0].changes]
    assert changes == [("image", "time:1", "time:2"), ("limits.memory", "", "1g")]
    assert [line.kind for line in view.diff] == ["place", "place", "removed", "added", "same"]


def test_a_run_among_several_that_are_one_report_leads_to_it(sources: Sources) -> None:
    keep(sources, report(9, last_id="20261129T100000Z-bbbb", runs=3))
    for identity in ("20261129T090000Z-aaaa", "20261129T093000Z-cccc", "20261129T100000Z-bbbb"):
        assert "20261129T090000Z-aaaa" in body(run.page(request(arguments={"id": identity}), sources))


@pytest.mark.parametrize("identity", ["", "..", "../state", "servers", "20261129T090000Z-aaaa/../x", "x" * 300])
def test_an_id_that_is_none_opens_nothing(sources: Sources, identity: str) -> None:
    (sources.directory / "state.json").write_text(json.dumps(report(9)))
    (sources.history / "servers.json").write_text(json.dumps(report(9)))
    assert run.page(request(arguments={"id": identity}), sources) is None


def test_what_changed_between_two_runs_is_the_first_before_and_the_last_after(sources: Sources) -> None:
    keep(
        sources,
        report(8),
        report(9, plan=[action("time", {"image": "1", "port": 1}, {"image": "2", "port": 1})]),
        report(10, plan=[action("time", {"image": "2", "port": 1}, {"image": "3", "port": 2})]),
        report(11, plan=[action("time", {"port": 2}, {"port": 1}), action("orders", {"image": "x"}, {"image": "y"})]),
    )
    found = read_runs(sources.history)
    view = compare_view(found, "time", found[-1].id, found[0].id)
    assert [(each.name, each.before, each.after) for each in view.changes] == [("containers: image", "1", "3")]
    assert [stage.id[9:11] for stage in view.stages] == ["09", "10", "11"]
    # The other way round it is the same question.
    assert compare_view(found, "time", found[0].id, found[-1].id) == view
    between = compare_view(found, "time", found[2].id, found[1].id)
    assert [(each.before, each.after) for each in between.changes] == [("2", "3"), ("1", "2")]


def test_without_two_runs_the_last_change_is_compared(sources: Sources) -> None:
    keep(sources, report(8, plan=[action("time")]), report(9, plan=[action("time")]), report(10), report(11))
    view = compare_view(read_runs(sources.history), "time", "", "made-up")
    assert [stage.id[9:11] for stage in view.stages] == ["09"]
    assert "1 run touched time on the way" in body(compare.page(request(server="time"), sources))


def test_a_server_or_a_history_that_there_is_not_can_be_compared(sources: Sources) -> None:
    assert "No run has been reported yet" in body(compare.page(request(server="time"), sources))
    keep(sources, report(9), report(10))
    assert "No run between the two has touched &lt;x&gt;" in body(compare.page(request(server="<x>"), sources))
    assert compare.page(request(), sources) is None


HOSTILE = "</li></ul><script>alert(1)</script>\x00\x1b[31m"


def test_what_a_report_says_is_text(sources: Sources) -> None:
    hostile = report(
        9,
        trigger=HOSTILE,
        summary=HOSTILE,
        severity=HOSTILE,
        diff=HOSTILE,
        plan=[action(HOSTILE, {HOSTILE: HOSTILE}, {HOSTILE: [HOSTILE]}, reason=HOSTILE), {"server": 7}, {}],
        events=[{"server": HOSTILE, "event": HOSTILE, "text": HOSTILE, "details": {"added": [HOSTILE], "removed": 7}}],
        errors=[{"server": HOSTILE, "step": "x", "message": HOSTILE}, {}],
    )
    keep(sources, hostile, report(8, plan=[action(HOSTILE)]))
    for answer in (
        runs.page(request(), sources),
        runs.page(request(server=HOSTILE), sources),
        run.page(request(arguments={"id": hostile["id"]}), sources),
        compare.page(request(server=HOSTILE), sources),
    ):
        assert "<script>alert" not in body(answer)
        assert 'class="critical"' in body(answer) or "alert(1)" in body(answer)


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"version": 1}', '{"version": 9}', "null", "\x00" * 40])
def test_a_damaged_report_is_left_out(sources: Sources, damaged: str) -> None:
    keep(sources, report(9))
    (sources.history / "20261129T100000Z-dead.json").write_text(damaged)
    assert body(runs.page(request(), sources)).count('class="name"') == 1
    assert run.page(request(arguments={"id": "20261129T100000Z-dead"}), sources) is None


def test_facts_of_any_shape_are_bounded() -> None:
    deep: Any = {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}, "many": {str(number): "x" * 2000 for number in range(500)}}
    (row,) = run_view(read_one(report(9, plan=[action("time", None, deep)])), NOW).actions
    assert len(row.changes) <= 60
    assert all(len(each.after) <= 501 for each in row.changes)
    assert net_changes([read_one(report(9, plan=[action("time", [1, {"x": 2}], "text")]))], "time")


def read_one(document: Json) -> Any:
    from records.history import _run

    return _run(document)
