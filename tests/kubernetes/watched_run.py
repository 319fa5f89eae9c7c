"""A run as the watcher starts it, of mcp_workload alone: python -m tests.kubernetes.watched_run FOLDER.

It holds the lock of runs, reports as a whole run does, and writes down why it was started.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "collections")]

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_module import run  # noqa: E402


def main() -> None:
    folder = Path(sys.argv[1])
    with (folder / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = result_of(run, json.loads((folder / "arguments.json").read_text()), False)
        errors = {each["server"]: each["message"] for each in result.get("errors", ())}
        servers = [
            {
                "name": each["name"],
                "desired": "running",
                "observed": each["state"],
                "error": errors.get(each["name"]),
                "container": {"id": f"deployment/{each['workload']['name']}", "name": each["workload"]["name"]},
            }
            for each in result.get("endpoints", ())
        ]
        (folder / "state.new").write_text(json.dumps({"servers": servers}))
        (folder / "state.new").replace(folder / "state.json")
    with (folder / "runs").open("a") as file:
        file.write(f"{os.environ.get('MCP_TRIGGER', 'hand')}\n")


if __name__ == "__main__":
    main()
