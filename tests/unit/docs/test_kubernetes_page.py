"""The page about Kubernetes: its settings are settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.kubernetes import Kubernetes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import read_settings

PROJECT = Path(__file__).resolve().parents[3]
PAGE = (PROJECT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
EXAMPLES = [each for each in re.findall(r"^```\w*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if each.startswith("[")]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_read_and_changes_something(example: str, tmp_path: Path) -> None:
    (tmp_path / "settings.conf").write_text(example, encoding="utf-8")
    assert read_settings(str(tmp_path / "settings.conf")).kubernetes != Kubernetes()


def test_there_are_examples_for_both_ways_in() -> None:
    assert [("router_networks" in each, "[ingress_strip_annotations]" in each) for each in EXAMPLES] == [
        (True, False),
        (False, True),
    ]
