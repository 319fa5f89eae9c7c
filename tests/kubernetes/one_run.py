"""A run of mcp_workload in a process of its own, which may be killed: python -m tests.kubernetes.one_run FOLDER."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "collections")]

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_module import run  # noqa: E402

from tests.e2e.support.waiting import until  # noqa: E402
from tests.kubernetes.cluster import PATIENCE  # noqa: E402
from tests.kubernetes.workload_scene import WorkloadScene  # noqa: E402


def kill_a_run(scene: WorkloadScene, seconds: float) -> None:
    """Starts a run, and kills it so long after its first change."""
    (scene.folder / "arguments.json").write_text(json.dumps(scene.arguments()))
    scene.cluster.audit.mark()
    words = [sys.executable, "-m", "tests.kubernetes.one_run", str(scene.folder)]
    process = subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.DEVNULL)

    def has_begun() -> bool:
        asked = {each.verb for each in scene.cluster.audit.calls("admin")}
        return process.poll() is not None or bool(asked - {"get", "list"})

    until(has_begun, "it changes something", PATIENCE)
    time.sleep(seconds)
    process.kill()
    process.wait()


def main() -> None:
    arguments = json.loads((Path(sys.argv[1]) / "arguments.json").read_text())
    print(json.dumps(result_of(run, arguments, False)))


if __name__ == "__main__":
    main()
