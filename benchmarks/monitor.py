"""What the monitor's pages cost, measured over HTTP on a monitor as its unit runs it.

Prints a table for people, and as its last line one JSON object. The parts are modules of monitor_parts, each with
``figures(folder)`` and ``TARGETS``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "files"), str(PROJECT / "collections")]

from benchmarks.monitor_parts import api, logs, metrics, overview, resting, tools  # noqa: E402

PARTS: dict[str, Any] = {
    each.__name__.rpartition(".")[2]: each for each in (overview, logs, resting, api, metrics, tools)
}


def main() -> int:
    """Measures, and returns 0 whether the targets are met or not."""
    parser = argparse.ArgumentParser(prog="python benchmarks/monitor.py", description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), help="this part alone")
    chosen = parser.parse_args().only
    figures: dict[str, float] = {}
    targets: dict[str, list[Any]] = {}
    for name, part in PARTS.items():
        if chosen in (None, name):
            with tempfile.TemporaryDirectory(prefix="mcp-monitor-bench-") as folder:
                figures.update(part.figures(Path(folder)))
            targets.update(part.TARGETS)
    for name, figure in figures.items():
        operator, target = targets.get(name, ("", ""))
        print(f"{name:<40} {figure:>10} {operator} {target}".rstrip())
    met = all(figures[name] <= target for name, (_operator, target) in targets.items())
    print(json.dumps({"benchmark": "monitor", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
