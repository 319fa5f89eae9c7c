# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.jsonc import plain_json
from hypothesis import given
from hypothesis import strategies as st

KEY = b"k" * 32
ENTRY = {"command": "docker", "args": ["run", "-i", "a"]}


def write(path: Path, *names: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"mcpServers": dict.fromkeys(names, ENTRY)}))
    return str(path)


def names(fleet: Fleet) -> list[str]:
    return [spec.name for spec in fleet.specs]


def test_several_files_are_one_fleet(tmp_path: Path) -> None:
    files = [write(tmp_path / "a.json", "b", "a"), write(tmp_path / "b.json", "c")]
    assert names(read_fleet(files, None, KEY)) == ["a", "b", "c"]


def test_the_drop_ins_of_a_file_are_read_with_it(tmp_path: Path) -> None:
    config = write(tmp_path / "mcp.config.json", "main")
    write(tmp_path / "mcp.config.d" / "20-b.json", "b")
    write(tmp_path / "mcp.config.d" / "10-a.json", "a")
    write(tmp_path / "mcp.config.d" / ".hidden.json", "hidden")
    (tmp_path / "mcp.config.d" / "README").write_text("no config")
    assert names(read_fleet([config], None, KEY)) == ["a", "b", "main"]


def test_a_folder_stands_for_the_files_in_it(tmp_path: Path) -> None:
    write(tmp_path / "configs" / "a.json", "a")
    write(tmp_path / "configs" / "b.json", "b")
    assert names(read_fleet([str(tmp_path / "configs")], None, KEY)) == ["a", "b"]


def test_a_server_that_is_defined_twice_fails_alone_and_both_places_are_named(tmp_path: Path) -> None:
    config = write(tmp_path / "mcp.config.json", "time", "other")
    write(tmp_path / "mcp.config.d" / "team.json", "time")
    fleet = read_fleet([config], None, KEY)
    assert names(fleet) == ["other"]
    assert [str(error) for error in fleet.errors] == [
        "mcp.config.json: mcpServers.time: is defined twice: here and in mcp.config.d/team.json: mcpServers.time; "
        "keep one"
    ]


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    files = [write(tmp_path / "a" / "mcp.json", "x"), write(tmp_path / "b" / "mcp.json", "x")]
    (error,) = read_fleet(files, None, KEY).errors
    assert str(error).startswith("a/mcp.json: mcpServers.x: is defined twice: here and in b/mcp.json: mcpServers.x")


def test_a_drop_in_that_is_no_config_stops_the_run_before_anything_is_dropped(tmp_path: Path) -> None:
    config = write(tmp_path / "mcp.config.json", "main")
    (tmp_path / "mcp.config.d").mkdir()
    (tmp_path / "mcp.config.d" / "a.json").write_text("{")
    (tmp_path / "mcp.config.d" / "b.json").write_text("[]")
    with pytest.raises(ConfigFileError) as caught:
        read_fleet([config], None, KEY)
    assert [error.file for error in caught.value.errors] == ["mcp.config.d/a.json", "mcp.config.d/b.json"]


def test_one_file_may_have_both_spellings_of_the_root(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(json.dumps({"mcpServers": {"a": ENTRY}, "servers": {"b": ENTRY}, "mcp": {"servers": {"c": ENTRY}}}))
    assert names(read_fleet([str(path)], None, KEY)) == ["a", "b", "c"]


def test_a_misspelt_root_beside_the_right_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(json.dumps({"mcpServers": {}, "mcp_servers": {"a": ENTRY}}))
    (warning,) = read_fleet([str(path)], None, KEY).warnings
    assert warning == "mcp.json: mcp_servers: is not read; do you mean 'mcpServers'?"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(json_values, st.sampled_from([None, 2]))
def test_plain_json_is_left_as_it_is(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    assert plain_json(text) == text


@given(json_values)
def test_comments_and_trailing_commas_change_no_value_and_no_line(value: object) -> None:
    lines = json.dumps({"v": value}, indent=1).splitlines()
    text = '// a "comment"\n' + "\n".join(f"{line} /* , ] */ // {{" for line in lines[:-1]) + ",\n}"
    plain = plain_json(text)
    assert json.loads(plain) == {"v": value}
    assert plain.count("\n") == text.count("\n")
