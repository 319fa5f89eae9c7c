"""docs/threat-model.md: every wall names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).parents[3]
PAGE = PROJECT / "docs" / "threat-model.md"
COLLECTION = PROJECT / "collections/ansible_collections/mcp/orchestrator/tests"


def walls() -> list[list[str]]:
    """The rows of the table of walls, as their cells."""
    section = PAGE.read_text(encoding="utf-8").partition("## Walls")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [row for row in rows[1:] if not row[0].startswith("---")]


def test_each_wall_says_whom_it_keeps_from_what_by_which_part_and_test() -> None:
    assert len(walls()) > 20
    assert [row for row in walls() if len(row) != 4] == []


def test_each_wall_is_held_by_a_test_that_is_there() -> None:
    there = {path.name for folder in (PROJECT / "tests", COLLECTION) for path in folder.rglob("*.py")}
    there |= {path.name for path in (PROJECT / "molecule").rglob("*.yml")}
    missing = {
        row[0]: [name for name in re.findall(r"\w+\.(?:py|yml)", row[3]) if name not in there] for row in walls()
    }
    assert {wall: names for wall, names in missing.items() if names} == {}
    assert [row[0] for row in walls() if not re.search(r"\w+\.(?:py|yml)", row[3])] == []
