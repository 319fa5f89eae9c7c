"""What the last verification of some servers found: one of them has changed, one fails at times."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.monitor_data.fleet import Fleet

SERVERS = 8


def write_verifications(directory: Path, fleet: Fleet, now: int) -> None:
    """Writes ``verify.json`` for the first servers of the fleet, an hour before ``now`` (seconds since 1970)."""
    at = datetime.fromtimestamp(now - 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    servers = [
        _server(name, fleet.tools(name), at, number) for number, name in enumerate(sorted(fleet.names)[:SERVERS])
    ]
    (directory / "verify.json").write_text(json.dumps({"version": 1, "servers": servers}))


def _server(name: str, tools: list[str], at: str, number: int) -> dict[str, Any]:
    verdict = "flaky" if number == 1 else "passed"
    step = {"place": "step 1", "title": f"call_tool {tools[0]}", "seconds": 0.021, "error": None}
    case = {
        "file": f"{name}.yml",
        "name": f"calls {tools[0]}",
        "protocol": "auto",
        "verdict": verdict,
        "tries": 3 if number == 1 else 1,
        "seconds": 0.021,
        "failures": ["flaky: it failed in 1 of 3 tries", "step 1: it took 1.204 s, expected within 1 s"]
        * (number == 1),
        "steps": [step],
    }
    changes = [{"where": f"tool {tools[-1]}", "text": "it is gone", "breaking": True}] if number == 2 else []
    return {"name": name, "at": at, "verdict": verdict, "cases": [case], "changes": changes}
