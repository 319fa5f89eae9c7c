"""What is told of a verification: a table for people, and a file for programs and for the monitor."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from verify.verdict import CaseResult, Verdict

FILE_MODE = 0o640


def servers_of(results: Iterable[CaseResult], at: datetime) -> list[dict[str, Any]]:
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
        }
        for name, of_server in sorted(found.items())
    ]


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several."""
    order = list(Verdict)
    return max(verdicts, key=order.index, default=Verdict.PASSED)


def table(servers: Sequence[Mapping[str, Any]]) -> str:
    """A line for each server: how many of its cases came to what, and the slowest step."""
    rows = [("SERVER", "CASES", "RESULT", "SLOWEST STEP")]
    for server in servers:
        cases = server["cases"]
        count = {verdict: sum(each["verdict"] == verdict for each in cases) for verdict in Verdict}
        said = ", ".join(f"{number} {verdict}" for verdict, number in count.items() if number)
        steps = [step for case in cases for step in case["steps"]]
        slowest = max(steps, key=lambda step: step["seconds"], default=None)
        slow = f"{slowest['title']} {slowest['seconds'] * 1000:.0f} ms" if slowest else ""
        rows.append((server["name"], str(len(cases)), said, slow))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join("  ".join([*(f"{row[n]:{widths[n]}}" for n in range(3)), row[3]]).rstrip() for row in rows)


def write(path: Path, servers: Sequence[Mapping[str, Any]]) -> None:
    """Writes the file, in which servers that were not verified keep what they had. Raises OSError.

    It belongs to the group of its folder's other files, the state's above all, so that the monitor may read it.
    """
    kept = {each["name"]: each for each in _earlier(path)}
    kept |= {each["name"]: each for each in servers}
    text = json.dumps({"version": 1, "servers": [kept[name] for name in sorted(kept)]}, ensure_ascii=False)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), FILE_MODE)
            state = path.with_name("state.json")
            if os.geteuid() == 0 and state.exists():
                os.fchown(file.fileno(), 0, state.stat().st_gid)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _earlier(path: Path) -> list[dict[str, Any]]:
    try:
        servers = json.loads(path.read_text(encoding="utf-8"))["servers"]
        return [each for each in servers if isinstance(each["name"], str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []
