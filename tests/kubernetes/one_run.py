"""A run of mcp_workload in a process of its own, which may be killed: python -m tests.kubernetes.one_run FOLDER."""

from __future__ import annotations

import json
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "collections")]

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_module import run  # noqa: E402


def main() -> None:
    arguments = json.loads((Path(sys.argv[1]) / "arguments.json").read_text())
    print(json.dumps(result_of(run, arguments, False)))


if __name__ == "__main__":
    main()
