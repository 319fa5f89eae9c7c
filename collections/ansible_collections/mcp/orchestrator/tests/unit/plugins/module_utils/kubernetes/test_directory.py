# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory of an export: only what is ours is replaced and removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.directory import (
    LIST,
    DirectoryError,
    Plan,
    addresses_before,
    apply,
    mark,
    observe,
    plan,
)
from hypothesis import given
from hypothesis import strategies as st

OURS = f"# {mark('mcp')}\n"
files = st.dictionaries(st.sampled_from(["a.yaml", "b.yaml", "c.yaml"]), st.sampled_from([OURS, OURS + "x: 1\n"]))


@given(
    files, files, st.dictionaries(st.sampled_from(["d.yaml", "e.yaml"]), st.sampled_from(["", "x", f"# {mark('m')}\n"]))
)
def test_what_was_planned_leads_to_what_is_desired_and_never_touches_another_s(
    ours: dict[str, str], desired: dict[str, str], foreign: dict[str, str]
) -> None:
    planned = plan({**ours, **foreign}, desired, "mcp")
    after = {name: text for name, text in {**ours, **foreign, **planned.write}.items() if name not in planned.remove}
    assert after == {**desired, **foreign}
    assert plan(after, desired, "mcp") == Plan()


def test_a_file_of_another_that_is_in_the_way_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / LIST).write_text("resources: []\n")
    with pytest.raises(DirectoryError, match=r"kustomization\.yaml exists and was not written for the fleet mcp"):
        plan(observe(str(tmp_path)), {LIST: OURS}, "mcp")


def test_the_list_of_files_is_right_at_any_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bool]] = []
    module = "ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.directory"
    (tmp_path / "old.yaml").write_text(OURS)

    def replace_file(path: str, content: bytes, mode: int) -> None:
        seen.append((Path(path).name, (tmp_path / "old.yaml").exists()))

    monkeypatch.setattr(f"{module}.replace_file", replace_file)
    apply(str(tmp_path), Plan({LIST: OURS, "z.yaml": OURS}, ("old.yaml",)))
    assert seen == [("z.yaml", True), (LIST, True)]
    assert not (tmp_path / "old.yaml").exists()


def test_a_directory_is_made_where_it_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    assert observe(str(path)) == {}
    apply(str(path), Plan({"a.yaml": OURS}))
    assert observe(str(path)) == {"a.yaml": OURS}


def test_a_directory_that_is_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(DirectoryError, match="x cannot be read: Not a directory"):
        observe(str(tmp_path / "x"))


def test_addresses_are_read_from_files_of_the_fleet_alone() -> None:
    text = """metadata: {annotations: {mcp_hosts: '{"a.b": ["192.0.2.1/32"]}'}}\n"""
    assert addresses_before({"a.yaml": OURS + text, "b.yaml": text, "c.yaml": OURS + "mcp_hosts: ["}, "mcp") == {
        "a.yaml": {"a.b": ("192.0.2.1/32",)},
        "c.yaml": {},
    }
