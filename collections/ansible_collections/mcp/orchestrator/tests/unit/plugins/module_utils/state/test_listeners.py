# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of the listeners: what a run has found, and of what it has not asked for what an earlier one found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.listener_report import listener_report
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.listeners import (
    listeners_document,
    read_former,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import FakeElbv2
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.scenes import HOST, OWNER, run

SCHEMA = json.loads((Path(__file__).parents[9] / "files/routes.schema.json").read_text())
RUN = {"id": "20261129T070000Z-1234", "finished": "2026-11-29T07:00:09Z"}


def found(turn: int = 0, count: int = 1) -> dict[str, Any]:
    """What a run tells of its listener with so many servers."""
    elbv2 = FakeElbv2()
    routes = tuple(Route(f"s{number}", f"/mcp/s{number}", (20001 + number,)) for number in range(count))
    for number in range(count):
        elbv2.servers[(HOST, 20001 + number)] = ("/", False, f"s{number}")
    desired = DesiredRoutes(OWNER, routes)
    run(elbv2, desired)
    return listener_report(elbv2, desired, run(elbv2, desired), turn)


def document(listener: dict[str, Any], former: Any = None) -> dict[str, Any]:
    told = listeners_document(RUN, [listener], former)
    jsonschema.Draft202012Validator(SCHEMA).validate(told)
    return told


def test_what_a_run_found_keeps_to_the_schema_and_says_when_the_targets_were_asked() -> None:
    listener = found()
    (group,) = document(listener)["listeners"][0]["target_groups"]
    assert (group["targets"][0]["state"], group["checked"]) == ("healthy", listener["asked"])


def test_groups_that_this_run_has_not_asked_are_shown_as_an_earlier_run_found_them() -> None:
    earlier = {**found(count=30), "asked": "2026-11-29T06:00:00Z"}
    later = found(turn=1, count=30)
    told = document(later, document(earlier))["listeners"][0]["target_groups"]
    assert {group["checked"] for group in told} == {later["asked"], "2026-11-29T06:00:00Z"}
    assert all(group["targets"] for group in told)


def test_a_listener_that_could_not_be_asked_stays_as_it_was_known_with_the_reason() -> None:
    former = document(found(count=2))
    told = listeners_document({**RUN, "id": "20261129T080000Z-1234"}, [], former, "AccessDenied")
    jsonschema.Draft202012Validator(SCHEMA).validate(told)
    assert told["listeners"] == [{**former["listeners"][0], "problem": "AccessDenied"}]
    again = document(found(count=2), told)
    assert again["listeners"][0]["problem"] is None


def test_a_listener_that_was_asked_has_no_problem_of_another() -> None:
    listener = found()
    former = document(listener)
    former["listeners"].append({**former["listeners"][0], "arn": "another"})
    told = listeners_document(RUN, [listener], former, "AccessDenied")["listeners"]
    assert [(each["arn"], each["problem"]) for each in told] == [(listener["arn"], None), ("another", "AccessDenied")]


def test_groups_that_no_run_has_asked_are_not_known() -> None:
    told = document(found(count=30))["listeners"][0]["target_groups"]
    assert [group["checked"] for group in told if group["targets"] is None] == [None] * 10


@pytest.mark.parametrize(
    "former",
    [
        None,
        [],
        {"version": 2},
        {"version": 1, "listeners": "none"},
        {"version": 1, "listeners": [{"target_groups": [{"arn": 7, "targets": [1]}, 3, {}]}]},
    ],
)
def test_a_former_file_that_is_none_of_ours_is_nothing(former: Any) -> None:
    assert document(found(), former)["run"] == RUN["id"]


def test_a_file_that_is_not_there_or_not_whole_reads_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    assert read_former(str(path)) is None
    path.write_text('{"version": 1, ')
    assert read_former(str(path)) is None
