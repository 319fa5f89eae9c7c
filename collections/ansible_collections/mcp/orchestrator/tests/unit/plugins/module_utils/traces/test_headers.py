# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import grp
import json
import os
import stat
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.traces.headers import main

CANARY = "canary-91c2"
GROUP = grp.getgrgid(os.getgid()).gr_name
SETTINGS = "[traces]\nendpoint = http://127.0.0.1:4318/v1/traces\n"


@pytest.fixture(name="arguments")
def fixture_arguments(tmp_path: Path) -> list[str]:
    (tmp_path / "token").write_text(f"{CANARY}\n")
    (tmp_path / "settings.conf").write_text(
        f"{SETTINGS}headers = Authorization=Bearer ${{file:{tmp_path}/token}}, X-Scope-OrgID=a,\n"
    )
    return [str(tmp_path / "settings.conf"), str(tmp_path / "headers.json"), GROUP]


def test_they_are_written_with_their_values_for_their_group_alone(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    written = Path(arguments[1])
    assert json.loads(written.read_text()) == {"Authorization": f"Bearer {CANARY}", "X-Scope-OrgID": "a"}
    assert stat.S_IMODE(written.stat().st_mode) == 0o640
    assert capsys.readouterr().out == "written\n"


def test_what_is_there_already_is_left_alone_and_a_file_that_is_open_is_closed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == main(arguments) == 0
    assert capsys.readouterr().out == "written\n"
    Path(arguments[1]).chmod(0o644)
    assert main(arguments) == 0
    assert capsys.readouterr().out == "written\n"
    assert stat.S_IMODE(Path(arguments[1]).stat().st_mode) == 0o640


def test_without_headers_there_is_an_empty_file(arguments: list[str]) -> None:
    Path(arguments[0]).write_text(SETTINGS)
    assert main(arguments) == 0
    assert json.loads(Path(arguments[1]).read_text()) == {}


@pytest.mark.parametrize("value", ["", "a\nb", "é"])
def test_a_value_that_no_header_can_have_is_refused_and_not_shown(
    arguments: list[str], value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").write_text(f"{CANARY}{value}x" if value else "")
    Path(arguments[0]).write_text(f"{SETTINGS}headers = X-Key=${{file:{tmp_path}/token}}\n")
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert "X-Key" in said
    assert CANARY not in said
    assert not Path(arguments[1]).exists()


def test_a_reference_to_nothing_is_told_with_its_name(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").unlink()
    assert main(arguments) == 1
    assert "[traces] headers, Authorization: " in capsys.readouterr().err
