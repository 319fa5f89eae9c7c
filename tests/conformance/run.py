"""Run the official MCP conformance suite through the bridge, in server mode.

Usage: run.py [OPTION OF THE SUITE ...]. Prints the suite's summaries; the exit status is 0 where every scenario passed.
The same server, which knows the revisions with sessions, is also asked by the suite for 2026-07-28, whose only releases
so far are marked as alpha: there the scenarios of newer.yml are expected to fail.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conformance.node import CACHE, package
from tests.unit.bridge.client import start, until

HERE = Path(__file__).resolve().parent
SERVER = HERE / "server.py"
SUITE = "@modelcontextprotocol/conformance"
NEWER = ["--requirements", "2026-07-28", "--expected-failures", str(HERE / "newer.yml")]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """The suite's output, with all scenarios that are for servers of revisions with sessions."""
    return _run("0.1", "per_session", "--suite", "all", *options)


def run_newer(*options: str) -> subprocess.CompletedProcess[str]:
    """The suite's output, with what 2026-07-28 requires."""
    return _run("0.2.0-alpha.12", "pooled", *NEWER, *options)


def _run(version: str, isolation: str, *options: str) -> subprocess.CompletedProcess[str]:
    folder = CACHE / f"conformance-{version}"
    env = package(folder, f"{SUITE}@{version}")
    # So short that the server sleeps and wakes between the scenarios.
    options_of_bridge = ("--isolation", isolation, "--sleep-after", "0.2")
    bridge = start(*options_of_bridge, command=[sys.executable, str(SERVER)], path="/mcp/conformance")
    try:
        until(lambda: bridge.health()["status"] == 200)
        program = folder / "node_modules" / SUITE / "dist/index.js"
        command = ["node", str(program), "server", "--url", bridge.url, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=folder)
    finally:
        bridge.stop()


def main() -> int:
    status = 0
    for one in (run, run_newer):
        found = one(*sys.argv[1:])
        _, mark, summary = found.stdout.partition("=== SUMMARY ===")
        print(mark + summary if mark else found.stdout + found.stderr)
        status = status or found.returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
