"""The figures as a table for people, and its place in docs/reliability.md."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.load import Tally
from tests.chaos.trial import Outcome

BEGIN, END = "<!-- {}, written by OPTIONS=--publish -->", "<!-- end of {} -->"
HEADINGS = (
    "fault",
    "tries",
    "mended by",
    "answers again, median / worst",
    "all whole again, median / worst",
    "calls to servers hit: answered / refused / lost",
    "to others: answered / lost",
    "after it",
)


def row(outcome: Outcome) -> dict[str, Any]:
    """Returns the figures of one fault; times in seconds, None where it was never healed."""
    return {
        "fault": outcome.fault.name,
        "tries": len(outcome.loads),
        "by": outcome.fault.by,
        "answers_median": _of(statistics.median, outcome.answers),
        "answers_worst": _of(max, outcome.answers),
        "whole_median": _of(statistics.median, outcome.seconds),
        "whole_worst": _of(max, outcome.seconds),
        "hit": _sum(outcome.hit),
        "others": _sum(outcome.others),
        "load": round(statistics.mean(outcome.loads), 1) if outcome.loads else None,
        "last_wrong": outcome.last_wrong,
        "broken": outcome.broken,
    }


def _of(function: Any, seconds: Sequence[float]) -> float | None:
    return round(function(seconds), 1) if seconds else None


def _sum(tallies: Iterable[Tally]) -> dict[str, int]:
    found = list(tallies)
    return {word: sum(getattr(each, word) for each in found) for word in ("ok", "refused", "lost")}


def table(rows: Iterable[dict[str, Any]]) -> str:
    """Returns rows as a table of Markdown."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(_cells(each) for each in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(figures: dict[str, Any]) -> tuple[str, ...]:
    hit, others = figures["hit"], figures["others"]
    return (
        figures["fault"],
        str(figures["tries"]),
        figures["by"],
        _pair(figures["answers_median"], figures["answers_worst"]),
        _pair(figures["whole_median"], figures["whole_worst"]),
        f"{hit['ok']} / {hit['refused']} / {hit['lost']}" if any(hit.values()) else "none is hit",
        f"{others['ok']} / {others['lost'] + others['refused']}" if any(others.values()) else "all are hit",
        _after(len(figures["broken"])),
    )


def _after(findings: int) -> str:
    return f"{findings} finding{'' if findings == 1 else 's'}" if findings else "as it was"


def _pair(median: float | None, worst: float | None) -> str:
    if median is None or worst is None:
        return "not"
    return f"{median:.1f} / {worst:.1f} s" if worst else "never wrong"


def publish(page: Path, text: str, subject: str = "figures") -> None:
    """Puts text between the marks of its subject. Raises ValueError where a page has none."""
    begin, end = BEGIN.format(subject), END.format(subject)
    before, found, rest = page.read_text().partition(begin)
    _, ending, after = rest.partition(end)
    if not found or not ending:
        raise ValueError(f"{page} has no place for {subject}, which begins with {begin} and ends with {end}")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
