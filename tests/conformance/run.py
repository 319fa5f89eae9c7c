"""Run the official MCP conformance suite through the bridge, in server mode.

Usage: run.py [OPTION OF THE SUITE ...]. Prints the suite's summary; the exit status is 0 where every scenario passed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conformance.node import CACHE, package
from tests.unit.bridge.client import start

SERVER = Path(__file__).resolve().parent / "server.py"
SUITE = "@modelcontextprotocol/conformance"


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """The suite's output, with all scenarios that are for servers."""
    folder = CACHE / "conformance"
    env = package(folder, f"{SUITE}@0.1")
    bridge = start(command=[sys.executable, str(SERVER)], path="/mcp/conformance")
    try:
        bridge.wait_healthy()
        program = folder / "node_modules" / SUITE / "dist/index.js"
        command = ["node", str(program), "server", "--url", bridge.url, "--suite", "all", *options]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=folder)
    finally:
        bridge.stop()


def main() -> int:
    found = run(*sys.argv[1:])
    _, mark, summary = found.stdout.partition("=== SUMMARY ===")
    print(mark + summary if mark else found.stdout + found.stderr)
    return found.returncode


if __name__ == "__main__":
    sys.exit(main())
