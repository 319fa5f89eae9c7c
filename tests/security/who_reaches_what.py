"""The table *who reaches what* of docs/threat-model.md, read as data."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "threat-model.md"
TITLE = "## Who reaches what"


def documented() -> dict[str, dict[str, str]]:
    """Actor -> target -> ``reached``, ``refused`` or ``blocked``; cells with a dash are left out."""
    section = PAGE.read_text(encoding="utf-8").partition(TITLE)[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ]
    head, _rule, *body = rows
    return {
        row[0]: {target: cell for target, cell in zip(head[1:], row[1:], strict=True) if cell != "-"} for row in body
    }
