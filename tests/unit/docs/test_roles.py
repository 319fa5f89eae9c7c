"""roles/: each argument spec says all of the role's surface, and each README.md what the spec says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.roles import ROLES, entry_points, readme

PROJECT = ROLES.parent
ALL = sorted(path.name for path in ROLES.iterdir() if path.is_dir())


def defaults(role: Path) -> dict[str, Any]:
    path = role / "defaults" / "main.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def called_entry_points() -> set[tuple[str, str]]:
    """Role and task file of every tasks_from of playbooks and roles."""
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("playbooks", "roles", "molecule")
        for path in sorted((PROJECT / folder).rglob("*.yml"))
    )
    return set(re.findall(r"name: (\w+)\n\s+tasks_from: (\w+)", text))


@pytest.mark.parametrize("name", ALL)
def test_a_readme_says_what_the_argument_spec_says(name: str) -> None:
    message = "run make docs"
    assert (ROLES / name / "README.md").read_text(encoding="utf-8") == readme(ROLES / name), message


@pytest.mark.parametrize("name", ALL)
def test_each_default_stands_in_the_argument_spec_as_it_is(name: str) -> None:
    given = defaults(ROLES / name)
    told: dict[str, Any] = {}
    for spec in entry_points(ROLES / name).values():
        for option, described in spec.get("options", {}).items():
            assert described.get("required", False) or option in given, f"{option} has no default and is not required"
            if not described.get("required", False):
                told[option] = described.get("default")
    assert told == given


@pytest.mark.parametrize("name", ALL)
def test_each_entry_point_has_an_argument_spec_and_each_spec_a_task_file(name: str) -> None:
    specified = set(entry_points(ROLES / name))
    called = {entry for role, entry in called_entry_points() if role == name}
    has_main = {"main"} if (ROLES / name / "tasks" / "main.yml").exists() else set()
    assert specified == called | has_main
    assert all((ROLES / name / "tasks" / f"{entry}.yml").exists() for entry in specified)


def test_the_entry_points_that_playbooks_call_are_found() -> None:
    assert {("fleet", "retire"), ("service", "absent")} <= called_entry_points()
