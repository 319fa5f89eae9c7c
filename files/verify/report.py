"""What is told of a verification: a table for people, and a file for programs and for the monitor."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from verify.bench import Figures
from verify.changes import Change
from verify.verdict import CaseResult, Verdict
from verify.written import replace_file

FILE_MODE = 0o640


def servers_of(
    results: Iterable[CaseResult], changes: Mapping[str, Sequence[Change]], at: datetime
) -> list[dict[str, Any]]:
    """The servers of a run, by name, as files/verification.schema.json has them."""
    found: dict[str, list[CaseResult]] = {}
    for result in results:
        found.setdefault(result.server, []).append(result)
    return [
        {
            "name": name,
            "at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "verdict": str(worst(each.verdict for each in of_server)),
            "cases": [each.to_dict() for each in of_server],
            "changes": [each.to_dict() for each in changes.get(name, [])],
        }
        for name, of_server in sorted(found.items())
    ]


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several."""
    order = list(Verdict)
    return max(verdicts, key=order.index, default=Verdict.PASSED)


def table(servers: Sequence[Mapping[str, Any]]) -> str:
    """A line for each server: how many of its cases came to what, and the slowest step."""
    rows = [("SERVER", "CASES", "RESULT", "SINCE BASELINE", "SLOWEST STEP")]
    for server in servers:
        cases = server["cases"]
        count = {verdict: sum(each["verdict"] == verdict for each in cases) for verdict in Verdict}
        said = ", ".join(f"{number} {verdict}" for verdict, number in count.items() if number)
        steps = [step for case in cases for step in case["steps"]]
        slowest = max(steps, key=lambda step: step["seconds"], default=None)
        slow = f"{slowest['title']} {slowest['seconds'] * 1000:.0f} ms" if slowest else ""
        rows.append((server["name"], str(len(cases)), said, changed(server["changes"]), slow))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join("  ".join([*(f"{row[n]:{widths[n]}}" for n in range(4)), row[4]]).rstrip() for row in rows)


def bench_table(figures: Sequence[Figures]) -> str:
    """A line for each step of each benchmark, times in milliseconds."""
    rows = [("SERVER", "PROTOCOL", "CASE", "STEP", "REQUESTS/S", "P50", "P90", "P99", "MAX", "ERRORS")]
    for each in figures:
        said = each.to_dict()
        for title, times in said["steps"].items():
            rate = len(each.seconds[title]) / each.duration
            numbers = (
                f"{rate:.1f}",
                *(f"{times[name]:.1f}" for name in ("p50", "p90", "p99", "max")),
                str(each.errors),
            )
            rows.append((each.server, each.protocol, each.case, title, *numbers))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def changed(changes: Sequence[Mapping[str, Any]]) -> str:
    """How many changes there are, and how many of them break."""
    breaking = sum(each["breaking"] for each in changes)
    parts = [f"{breaking} breaking"] if breaking else []
    parts += [f"{len(changes) - breaking} harmless"] if len(changes) > breaking else []
    return ", ".join(parts)


def write(path: Path, servers: Sequence[Mapping[str, Any]]) -> None:
    """Writes the file, in which servers that were not verified keep what they had. Raises OSError.

    It belongs to the group of its folder's other files, the state's above all, so that the monitor may read it.
    """
    kept = {each["name"]: each for each in _earlier(path)}
    kept |= {each["name"]: each for each in servers}
    text = json.dumps({"version": 1, "servers": [kept[name] for name in sorted(kept)]}, ensure_ascii=False)
    state = path.with_name("state.json")
    group = state.stat().st_gid if os.geteuid() == 0 and state.exists() else None
    replace_file(path, text, FILE_MODE, group)


def _earlier(path: Path) -> list[dict[str, Any]]:
    try:
        servers = json.loads(path.read_text(encoding="utf-8"))["servers"]
        return [each for each in servers if isinstance(each["name"], str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []
