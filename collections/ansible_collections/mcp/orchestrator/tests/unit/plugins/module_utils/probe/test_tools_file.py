# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools as servers list them, whatever these are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.tools_file import (
    LARGEST_SERVER,
    MOST_TOOLS,
    keep_tools,
    tools_document,
)
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = json.loads((Path(__file__).parents[9] / "files/tools.schema.json").read_text())
NOW = {"name": "now", "title": "Now", "description": "Says the time.", "inputSchema": {"type": "object"}}


def report(name: str = "time", *definitions: Any, state: str = "ok") -> dict[str, Any]:
    digests = {
        str(number): str(each.get("name", "")) for number, each in enumerate(definitions) if isinstance(each, dict)
    }
    return {"name": name, "state": state, "definitions": list(definitions), "digests": digests}


def kept(*reports: dict[str, Any], before: Any = None) -> dict[str, Any]:
    document = tools_document(before, reports)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return {name: each["tools"] for name, each in document["servers"].items()}


def test_a_tool_is_kept_as_it_is_listed() -> None:
    assert kept(report("time", NOW)) == {
        "time": [{"name": "now", "title": "Now", "description": "Says the time.", "input": {"type": "object"}}]
    }


@pytest.mark.parametrize("state", ["failing", "asleep"])
def test_a_server_that_does_not_list_its_tools_keeps_what_it_had(state: str) -> None:
    before = tools_document(None, [report("time", NOW), report("gone", NOW)])
    assert kept(report("time", state=state), before=before) == {"time": before["servers"]["time"]["tools"]}


def test_a_server_whose_tools_are_the_same_is_not_looked_at_again() -> None:
    before = tools_document(None, [report("time", NOW)])
    after = tools_document(before, [report("time", NOW)])
    assert after["servers"]["time"] is before["servers"]["time"]


@pytest.mark.parametrize("before", [None, [], {"version": 9, "servers": {}}, {"version": 1, "servers": 3}])
def test_a_former_file_of_something_else_is_forgotten(before: Any) -> None:
    assert kept(report("time", state="failing"), before=before) == {}


def test_what_looks_like_a_credential_is_left_out() -> None:
    schema = {"properties": {"key": {"default": "ghp_0123456789abcdef0123456789abcdef0123"}}}
    told = json.dumps(kept(report("time", {**NOW, "description": "password=hunter2hunter2", "inputSchema": schema})))
    assert "ghp_" not in told
    assert "hunter2" not in told


def test_a_server_that_lists_too_much_is_cut() -> None:
    large = {"type": "object", "description": "x " * 450}
    tools = [{"name": f"t{number}", "inputSchema": {"anyOf": [large] * 12}} for number in range(2 * MOST_TOOLS)]
    found = kept(report("time", *tools))["time"]
    assert len(found) == MOST_TOOLS
    assert len(json.dumps(found)) < LARGEST_SERVER + 100 * MOST_TOOLS
    assert found[-1]["input"] is None


def test_a_schema_without_an_end_is_cut() -> None:
    schema: dict[str, Any] = {}
    for _time in range(5000):
        schema = {"a": schema}
    assert kept(report("time", {**NOW, "inputSchema": schema}))["time"][0]["name"] == "now"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


@given(
    st.lists(
        anything | st.fixed_dictionaries({"name": anything, "inputSchema": anything, "title": anything}), max_size=4
    )
)
def test_whatever_a_server_lists_the_file_keeps_to_its_schema(definitions: list[Any]) -> None:
    json.dumps(kept(report("time", *definitions)), allow_nan=False)


def test_the_file_is_written_only_when_it_says_something_else(tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    assert keep_tools(str(path), None, [report("time", NOW)]) is None
    assert path.stat().st_mode & 0o777 == 0o640
    first = path.stat().st_ino
    assert keep_tools(str(path), None, [report("time", NOW)]) is None
    assert path.stat().st_ino == first
    assert keep_tools(str(path), None, [report("time", NOW, {**NOW, "name": "then"})]) is None
    assert path.stat().st_ino != first


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    assert "tools.json" in str(keep_tools(str(tmp_path / "none/tools.json"), None, [report("time", NOW)]))
