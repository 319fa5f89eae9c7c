"""docs/mcp-tools.md is what the table of tools says."""

from __future__ import annotations

from docs.tools import PAGE, page


def test_what_is_published_is_what_is_defined() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make docs"
