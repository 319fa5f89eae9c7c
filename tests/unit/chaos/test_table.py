"""The figures of the chaos table, and their place on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import table
from tests.chaos.load import tally

FIGURES = {
    "fault": "`docker kill`",
    "tries": 3,
    "by": "watcher",
    "answers_median": 2.0,
    "answers_worst": 4.5,
    "whole_median": None,
    "whole_worst": None,
    "hit": {"ok": 20, "refused": 1, "lost": 7},
    "others": {"ok": 60, "refused": 0, "lost": 0},
    "load": 1.2,
    "broken": [],
}


def test_a_row_says_what_clients_saw_and_that_something_never_healed() -> None:
    last = table.table([FIGURES]).splitlines()[-1]
    assert last == "| `docker kill` | 3 | watcher | 2.0 / 4.5 s | not | 20 / 1 / 7 | 60 / 0 | as it was |"


def test_whatever_is_neither_an_answer_nor_a_refusal_is_lost() -> None:
    found = tally({"ok": 5, "refused": 2, "503": 1, "ConnectionResetError": 3})
    assert (found.ok, found.refused, found.lost, found.why) == (5, 2, 4, {"503": 1, "ConnectionResetError": 3})


def test_figures_replace_those_between_the_marks_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    begin, end = table.BEGIN.format("figures"), table.END.format("figures")
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    table.publish(page, "new")
    table.publish(page, "newer")
    assert page.read_text() == f"before\n{begin}\n\nnewer\n\n{end}\nafter\n"


def test_a_page_without_marks_is_refused_and_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    with pytest.raises(ValueError, match="no place for figures"):
        table.publish(page, "new")
    assert page.read_text() == "nothing\n"
