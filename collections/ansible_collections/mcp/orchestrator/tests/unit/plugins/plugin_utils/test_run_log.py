# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log of a run reads like a story: what was done, what happened, how it ended, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.plugin_utils.run_log import Line, RunLog

RUN = {"id": "20261121T041900Z-3fa9", "trigger": "timer", "result": "ok", "changes": 0, "seconds": 3.1}


def told(log: RunLog, module: str, result: dict[str, Any], *, is_failure: bool = False) -> list[str]:
    return [str(line) for line in log.finished(module, f"task of {module}", result, is_failure=is_failure)]


def at(level: str) -> RunLog:
    """The log of a run that has read settings with this level."""
    log = RunLog()
    assert told(log, "mcp_config_info", {"settings": {"logging": {"level": level, "run_log": True}}}) == []
    return log


def test_a_run_that_does_nothing_is_one_line() -> None:
    log = RunLog()
    lines = [str(line) for line in log.started("Converge the containers")]
    lines += told(log, "mcp_config_info", {"settings": {"logging": {"level": "INFO"}}, "warnings": ["as ever"]})
    lines += told(log, "mcp_container", {"actions": []})
    lines += told(log, "mcp_route", {"actions": []})
    lines += told(log, "mcp_state", {"msg": "All 3 servers answer", "run": RUN, "events": [], "folded": True})
    lines += [str(line) for line in log.over(has_failed=False)]
    assert lines == [
        "level=info run=20261121T041900Z-3fa9 trigger=timer result=ok changes=0 seconds=3.1 as_before=yes"
        ' msg="All 3 servers answer"'
    ]


def test_each_action_and_event_is_a_line_with_its_server() -> None:
    log = at("INFO")
    lines = told(log, "mcp_container", {"actions": [{"server": "time", "action": "create", "reason": "it has no one"}]})
    lines += told(log, "mcp_route", {"actions": [{"server": None, "action": "tag_rule", "reason": None}]})
    event = {"server": "time", "event": "repaired", "text": "create: it has no container"}
    lines += told(log, "mcp_state", {"msg": "All 3 servers answer", "run": RUN, "events": [event]})
    assert lines[:3] == [
        'level=info step=containers server=time action=create reason="it has no one"',
        "level=info step=routes action=tag_rule",
        'level=info server=time event=repaired msg="create: it has no container"',
    ]


def test_errors_and_warnings_are_told_once_and_not_by_each_run_that_finds_them_again() -> None:
    result = {"msg": "1 of 2 servers answer, time does not\ntime: closed; look at: docker logs mcp-time"}
    bad = {**RUN, "result": "failed"}
    event = {"server": "time", "event": "failing", "text": "since 04:19: closed"}
    first, again = at("INFO"), at("INFO")
    told(first, "mcp_route", {"warnings": ["a rule of others"]})
    news = told(first, "mcp_state", {**result, "run": bad, "events": [event]})
    assert [line.split()[0] for line in news] == ["level=warning", "level=warning", "level=error", "level=error"]
    assert 'subject=time msg="closed; look at: docker logs mcp-time"' in news[2]
    told(again, "mcp_route", {"warnings": ["a rule of others"]})
    (only,) = told(again, "mcp_state", {**result, "run": bad, "events": [], "folded": True})
    assert only.endswith('as_before=yes msg="1 of 2 servers answer, time does not"')


def test_a_task_that_ends_the_run_is_told_with_its_reason_at_once() -> None:
    log = RunLog()
    lines = told(log, "mcp_config_info", {"msg": "settings.conf: [service] fleet: 'X' is not a name"}, is_failure=True)
    assert lines == [
        'level=error task="task of mcp_config_info" msg="settings.conf: [service] fleet: \'X\' is not a name"'
    ]
    assert [str(line) for line in log.over(has_failed=True)] == [
        'level=error result=failed msg="the run ended without its report"'
    ]


def test_a_failure_that_the_run_goes_on_after_is_told_by_the_report() -> None:
    assert told(at("INFO"), "mcp_container", {"msg": "time: no such image", "actions": []}, is_failure=False) == []


@pytest.mark.parametrize(("level", "count"), [("DEBUG", 4), ("INFO", 3), ("WARNING", 1), ("ERROR", 1)])
def test_lines_below_the_level_are_left_out(level: str, count: int) -> None:
    log = at(level)
    lines = [str(line) for line in log.started("Converge the containers")]
    lines += told(log, "mcp_container", {"actions": [{"server": "time", "action": "create", "reason": "r"}]})
    bad = {**RUN, "result": "failed"}
    lines += told(
        log, "mcp_state", {"msg": "no", "run": bad, "events": [{"server": "a", "event": "created", "text": ""}]}
    )
    assert len(lines) == count


def test_a_warning_may_be_an_object_of_ansible() -> None:
    log = at("INFO")
    told(log, "mcp_route", {"warnings": [SimpleNamespace(event=SimpleNamespace(msg="mind the gap"))]})
    assert [str(line) for line in log.over(has_failed=False)] == ['level=warning msg="mind the gap"']


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain-word_1", "plain-word_1"),
        ("two words", '"two words"'),
        ('a "quote"', '"a \\"quote\\""'),
        ("line\nbreak\x1b[31m", '"line break [31m"'),
        ("a=b", '"a=b"'),
        ("für", '"für"'),
        (3.10, "3.1"),
        (0, "0"),
        ("x" * 2000, '"' + "x" * 999 + '…"'),
    ],
)
def test_a_value_is_one_word_or_one_quoted_text(value: Any, written: str) -> None:
    assert str(Line("INFO", {"v": value})) == f"level=info v={written}"
