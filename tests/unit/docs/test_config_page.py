"""docs/config.md has a row for each key of an entry that has an effect here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.schema import schema

PAGE = (Path(__file__).parents[3] / "docs" / "config.md").read_text(encoding="utf-8")
DEFINITIONS: dict[str, Any] = schema()["$defs"]
# The rest of an entry's keys are for clients and editors.
EFFECTIVE = ("command", "args", "env", "envFile", "url", "headers", "disabled", "enabled", "template", "type")


@pytest.mark.parametrize("key", DEFINITIONS["orchestrator"]["properties"])
def test_each_key_of_orchestrator_has_a_row(key: str) -> None:
    assert f"| `orchestrator.{key}` |" in PAGE


@pytest.mark.parametrize("key", EFFECTIVE)
def test_each_key_of_an_entry_that_has_an_effect_is_in_a_row(key: str) -> None:
    assert f"`{key}`" in PAGE
