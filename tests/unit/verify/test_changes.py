"""Servers that are wrong on purpose, beside the baseline of the right one, which itself is never accused."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio
import pytest
from mcp.server import MCPServer
from verify.baseline import BaselineUnusable, read_baseline
from verify.changes import Change, surface_changes
from verify.comparison import Comparison, NotRecorded
from verify.read import read_file
from verify.target import Target
from verify.verdict import Verdict
from verify.work import CaseWork

from tests.unit.verify.servers import shop

SUITE = """
servers: [shop]
cases:
  - name: knows tea
    steps:
      - {call_tool: price, arguments: {item: tea}, expect: [{error: [tool, invalid_params]}]}
  - name: has stock
    steps: [{call_tool: stock}]
"""
QUIET = """
servers: [shop]
cases:
  - {name: price, steps: [{call_tool: price, arguments: {item: tea}}]}
  - {name: gold, steps: [{call_tool: price, arguments: {item: gold}, expect: [{error: [tool, protocol]}]}]}
  - {name: stock, steps: [{call_tool: stock}]}
"""


@pytest.fixture
def compared(tmp_path: Path) -> partial[list[Change]]:
    """Records a baseline of the right server, and returns what changes with another one."""
    path = tmp_path / "shop.yml"
    path.write_text(QUIET)
    assert done(path, shop(), 3, record=True) == []
    return partial(done, path)


def works(path: Path, server: MCPServer) -> list[CaseWork]:
    suite = read_file(path)
    return [CaseWork(suite, case, Target("shop", server=server), "auto") for case in suite.cases]


def done(path: Path, server: MCPServer, tries: int = 1, record: bool = False) -> list[Change]:
    cases = works(path, server)
    comparison = Comparison(cases[0].target, cases, {}, path.parent / "baseline" / "shop.json")

    async def all_of_it() -> list[Change]:
        for each in cases:
            await each.tried(tries)
        return await (comparison.record() if record else comparison.compare())

    return anyio.run(all_of_it)


def told(changes: list[Change]) -> list[str]:
    return [str(each) for each in changes]


def test_a_tool_that_is_gone_breaks(compared: partial[list[Change]]) -> None:
    changes = told(compared(shop(without="stock")))
    assert "breaking: tool stock: it is gone" in changes
    assert any(
        "shop.yml: stock (auto): step 1 call_tool stock: before: it succeeded; now: error" in each for each in changes
    )


def test_an_argument_more_that_has_to_be_given_breaks(compared: partial[list[Change]]) -> None:
    changes = told(compared(shop(stricter=True)))
    assert "breaking: tool price, argument currency: it is required now" in changes


def test_an_error_in_another_form_breaks(compared: partial[list[Change]]) -> None:
    where = "shop.yml: price (auto): step 1 call_tool price"
    assert f"breaking: {where}: before: it succeeded; now: error tool" in told(compared(shop(refuses=True)))


def test_slower_answers_are_named_and_break_nothing(compared: partial[list[Change]]) -> None:
    changes = compared(shop(slower=0.4))
    assert [each.breaking for each in changes] == [False]
    assert changes[0].where == "shop.yml: price (auto): step 1 call_tool price"
    assert changes[0].text.startswith("slower: it took ")


def test_an_answer_that_flakes_is_called_so(compared: partial[list[Change]]) -> None:
    changes = told(compared(shop(flakes_every=3), 4))
    where = "shop.yml: stock (auto): step 1 call_tool stock"
    assert changes == [f"breaking: {where}: flaking: error tool in 1 of 4 tries, where before: it succeeded"]


def test_the_right_server_is_not_accused(compared: partial[list[Change]]) -> None:
    """``benchmarks/verify.py`` does the same a thousand times."""
    assert [change for _run in range(20) for change in compared(shop())] == []


def test_a_server_that_is_wrong_gets_no_baseline(tmp_path: Path) -> None:
    path = tmp_path / "shop.yml"
    path.write_text(SUITE)
    with pytest.raises(NotRecorded, match="no baseline is recorded while cases fail: knows tea; correct them first"):
        done(path, shop(), record=True)


def test_a_case_that_fails_at_times_is_told_from_one_that_always_does(tmp_path: Path) -> None:
    path = tmp_path / "shop.yml"
    path.write_text(SUITE)
    always, at_times = works(path, shop(flakes_every=2))
    anyio.run(at_times.tried, 2)
    anyio.run(always.tried, 1)
    assert (always.result.verdict, at_times.result.verdict) == (Verdict.FAILED, Verdict.FLAKY)
    assert len(always.result.tries) == 3


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 2, "surface": {}, "answers": {}}'])
def test_a_baseline_that_cannot_be_read_is_said_with_the_way_out(text: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.json"
    path.write_text(text)
    with pytest.raises(BaselineUnusable, match="record it anew"):
        read_baseline(path)


def test_hints_that_make_a_tool_less_safe_break_and_the_others_do_not() -> None:
    empty = {
        "server": {},
        "protocol": "2025-11-25",
        "capabilities": {},
        "resources": {},
        "templates": {},
        "prompts": {},
    }
    safe = {"name": "t", "inputSchema": {}, "annotations": {"readOnlyHint": True}}
    silent = {"name": "t", "inputSchema": {}}
    before, after = ({**empty, "tools": {"t": tool}} for tool in (safe, silent))
    assert told(surface_changes(before, after)) == ["breaking: tool t: readOnlyHint was true, is false"]
    assert told(surface_changes(after, before)) == ["harmless: tool t: readOnlyHint was false, is true"]


def test_many_of_a_kind_that_are_gone_are_one_change() -> None:
    empty = {"server": {}, "protocol": "2025-11-25", "capabilities": {}, "tools": {}, "templates": {}, "prompts": {}}
    many = {f"test://{number:02}": {"uri": f"test://{number:02}"} for number in range(30)}
    before, after = {**empty, "resources": many}, {**empty, "resources": {}}
    changes = told(surface_changes(before, after))
    assert len(changes) == 1
    assert changes[0].startswith("breaking: resources: 30 are gone: test://00, test://01, ")
