# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that several parts of a plan are made of."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import Target
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import Phase
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.builders import drain, tag

OLD, OLDER = Target("i-0aaa", 20001), Target("i-0aaa", 20002, "draining")


def test_targets_are_deregistered_and_then_waited_for():
    deregister, wait = drain("time", "arn:group", [OLD], "replaced", awaited=[OLD, OLDER])

    assert (deregister.phase, deregister.before) == (Phase.DRAIN, ["i-0aaa:20001"])
    assert deregister.arguments == {"TargetGroupArn": "arn:group", "Targets": [{"Id": "i-0aaa", "Port": 20001}]}
    assert wait.phase is Phase.WAIT_DRAINED
    assert [target["Port"] for target in wait.arguments["Targets"]] == [20001, 20002]


def test_nothing_is_waited_for_that_nobody_awaits():
    assert [step.operation for step in drain("time", "arn:group", [OLD], "gone", awaited=[])] == ["deregister_targets"]
    assert drain("time", "arn:group", [], "gone", awaited=[]) == []


def test_what_has_to_make_room_drains_early():
    steps = drain("time", "arn:group", [OLD], "no room", awaited=[OLD], is_early=True)

    assert [step.phase for step in steps] == [Phase.EARLY_DRAIN, Phase.EARLY_WAIT_DRAINED]


def test_only_the_tags_that_differ_are_written_and_shown():
    desired, observed = {"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "0", "theirs": "x"}

    (step,) = tag(Phase.RECORD, "time", "tag_rule", "arn:rule", desired, observed, "not in the desired state")

    assert step.arguments["Tags"] == [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}]
    assert (step.before, step.after) == ({"b": "0", "c": None}, {"b": "2", "c": "3"})


def test_nothing_is_tagged_that_has_its_tags():
    assert tag(Phase.RECORD, "time", "tag_rule", "arn:rule", {"a": "1"}, {"a": "1", "b": "2"}, "") == []
