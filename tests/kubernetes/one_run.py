"""Runs of mcp_workload in a process of their own, which may be killed: one_run.py FOLDER TIMES."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "collections")]

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_module import run  # noqa: E402

from tests.e2e.support.waiting import until  # noqa: E402
from tests.kubernetes.cluster import PATIENCE  # noqa: E402
from tests.kubernetes.workload_scene import WorkloadScene  # noqa: E402


def peak_of_runs(scene: WorkloadScene, times: int) -> float:
    """How many megabytes of memory a process had at most that made so many runs, one after the other."""
    done = subprocess.run(_words(scene, times), cwd=PROJECT, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert not told["failed"], told
    return float(told["peak_megabytes"])


def kill_a_run(scene: WorkloadScene, seconds: float, is_far: Callable[[], bool] | None = None) -> None:
    """Starts a run, and kills it so long after its first change, or after it ``is_far``."""
    scene.cluster.audit.mark()
    process = subprocess.Popen(_words(scene, 1), cwd=PROJECT, stdout=subprocess.DEVNULL)

    def has_begun() -> bool:
        asked = {each.verb for each in scene.cluster.audit.calls("admin")}
        return process.poll() is not None or bool(asked - {"get", "list"})

    until(is_far or has_begun, "it changes something", PATIENCE)
    time.sleep(seconds)
    process.kill()
    process.wait()


def _words(scene: WorkloadScene, times: int) -> list[str]:
    (scene.folder / "arguments.json").write_text(json.dumps(scene.arguments()))
    return [sys.executable, "-m", "tests.kubernetes.one_run", str(scene.folder), str(times)]


def main() -> None:
    arguments = json.loads((Path(sys.argv[1]) / "arguments.json").read_text())
    failed = [result_of(run, arguments, False).get("msg") for _ in range(int(sys.argv[2]))]
    print(json.dumps({"failed": [each for each in failed if each], "peak_megabytes": _peak() / 1024}))


def _peak() -> int:
    """This process's own peak in KiB; that of getrusage is also its parent's, from before the exec."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
