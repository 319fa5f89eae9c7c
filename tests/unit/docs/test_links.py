"""Links and paths in the documentation lead to something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
MODULE_UTILS = PROJECT / "collections/ansible_collections/mcp/orchestrator/plugins/module_utils"
PAGES = sorted(
    path.relative_to(PROJECT).as_posix()
    for pattern in ("*.md", "docs/*.md", "files/*/*.md", "roles/*/*.md", "collections/**/orchestrator/*.md")
    for path in PROJECT.glob(pattern)
)


def anchors(text: str) -> set[str]:
    """What the headings of a page are linked by, as GitHub makes it of them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_each_link_leads_to_a_file_and_a_heading_that_are_there(page: str) -> None:
    text = (PROJECT / page).read_text(encoding="utf-8")
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (PROJECT / page).parent / name if name else PROJECT / page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", ["GLOSSARY.md", "CONTRIBUTING.md"])
def test_each_path_of_the_code_is_there(page: str) -> None:
    text = (PROJECT / page).read_text(encoding="utf-8")
    paths = re.findall(r"`((?:module_utils|files|roles|playbooks|tests|docs)/[\w./-]+)", text)
    assert len(paths) > 5
    missing = []
    for path in paths:
        first, _, rest = path.partition("/")
        target = MODULE_UTILS / rest if first == "module_utils" else PROJECT / path
        if not target.exists():
            missing.append(path)
    assert missing == []
