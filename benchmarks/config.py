"""How long a config takes to read: 1,000 servers of all forms, against the floor of parsing their JSON.

Prints a table for people, and as its last line one JSON object.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "collections"))

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import load_env, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.report import report
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver

SERVERS = 1000
RUNS = 5
KEY = b"k" * 32
FORMS: list[dict[str, Any]] = [
    {
        "command": "docker",
        "args": [
            "run",
            "--rm",
            "-i",
            "-e",
            "TOKEN",
            "-e",
            "LEVEL=info",
            "-v",
            "/srv/data:/data:ro",
            "-m",
            "256m",
            "mcp/time",
        ],
        "env": {"TOKEN": "${ssm:/mcp/token}"},
        "autoApprove": ["a", "b"],
    },
    {
        "command": "docker",
        "args": ["run", "-p", "8000:8000", "example/orders:1"],
        "orchestrator": {"health_path": "/up"},
    },
    {"command": "npx", "args": ["-y", "@scope/server@1.2.3", "--stdio"], "env": {"API_KEY": "${API_KEY}"}},
    {"command": "uvx", "args": ["--from", "package[extra]>=1", "program", "--zone=Etc/UTC"]},
    {"type": "http", "url": "https://mcp.example.com/mcp", "headers": {"Authorization": "Bearer ${TOKEN}"}},
]


def best(action: Callable[[], object]) -> float:
    """The shortest of several runs, in seconds of this process's CPU: others' work is not counted."""
    times = []
    for _run in range(RUNS):
        begin = time.process_time()
        action()
        times.append(time.process_time() - begin)
    return min(times)


def main() -> int:
    """Measures and prints; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mcp.config.json"
        servers = {f"server-{number}": FORMS[number % len(FORMS)] for number in range(SERVERS)}
        text = json.dumps({"mcpServers": servers}, indent=2)
        path.write_text(text)
        fleet = read_fleet([str(path)], None, KEY, EmptyResolver())
        if fleet.errors or len(fleet.specs) + len(fleet.remotes) != SERVERS:
            print("\n".join(map(str, fleet.errors)), file=sys.stderr)
            return 1
        figures = {
            "json_floor_seconds": best(lambda: json.loads(text)),
            "read_seconds": best(lambda: read_fleet([str(path)], None, KEY, EmptyResolver())),
            "load_env_seconds": best(lambda: load_env([str(path)], None, EmptyResolver())),
            "report_seconds": best(lambda: report(fleet)),
        }
    figures = {name: round(seconds, 4) for name, seconds in figures.items()}
    targets = {"read_seconds": ["<=", 0.5]}
    print(f"{SERVERS} servers, {len(text) // 1024} KiB, best of {RUNS} runs, CPU seconds")
    for name, seconds in figures.items():
        print(f"  {name.removesuffix('_seconds'):<12} {seconds:8.3f}")
    met = figures["read_seconds"] <= 0.5
    print(json.dumps({"benchmark": "config", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
