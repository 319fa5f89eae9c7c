"""The templates for programs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.monitor.api.program import Program

SHIPPED = Path(__file__).parents[4] / "files" / "templates"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    shutil.copytree(SHIPPED, tmp_path / "templates")
    return Program(tmp_path)


def test_each_template_that_is_shipped_is_told_with_what_it_needs(program: Program) -> None:
    found = {each["name"]: each for each in program.ask("/templates").document["templates"]}
    assert sorted(found) == sorted(each.stem for each in SHIPPED.glob("*.json"))
    (version,) = found["github"]["versions"]
    assert version["template"] == "github@1"
    assert "GITHUB_PERSONAL_ACCESS_TOKEN" in version["required_env"]
    assert program.ask("/templates/github").document == found["github"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"versions": 5}', '{"versions": {"1": 5}}', "[" * 9999])
def test_what_is_no_template_is_left_out(program: Program, content: str) -> None:
    (program.directory / "templates" / "broken.json").write_text(content)
    assert "broken" not in [each["name"] for each in program.ask("/templates").document["templates"]]
    assert program.ask("/templates/broken").status == 404


def test_without_a_folder_there_are_none(program: Program) -> None:
    shutil.rmtree(program.directory / "templates")
    assert program.ask("/templates").document == {"templates": []}
    assert program.ask("/templates/..").status in (400, 404)
