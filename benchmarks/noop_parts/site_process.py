"""Holds one installation of a release, and measures one run of it for each line that it reads; removes it at the end.

Usage: MCP_TEST_SITE=N site_process.py PROJECT SERVERS. Two of them, with different N, hold two releases side by side.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

from benchmarks.noop_parts import tiny_server  # noqa: E402
from tests.e2e.support.site import Run, Site  # noqa: E402


def _reconcile(site: Site, project: Path) -> Run:
    """Run what the timer of the release at PROJECT runs."""
    if (project / "playbooks" / "converge.yml").exists():
        return site.reconcile()
    return site.play("site", "--skip-tags", "install", project=site.root / "home" / "current")


def measured(site: Site, project: Path) -> dict[str, float]:
    """Return the seconds and CPU seconds of a run that changes nothing. Raises RuntimeError when it was none."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run = _reconcile(site, project)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.code or run.changed:
        raise RuntimeError(f"the run was no no-op: {run.output[-2000:]}")
    return {"seconds": seconds, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def main() -> None:
    """Install, measure on demand, remove. A line of the answer is one JSON object, with `error` where it failed."""
    project, count = Path(sys.argv[1]), int(sys.argv[2])
    root = Path(tempfile.mkdtemp(prefix="mcp-bench-", dir="/var/tmp"))
    site = Site(root)
    try:
        site.write_config(tiny_server.config(count))
        run = site.install(project)
        print(json.dumps({"error": run.output[-2000:]} if run.code else {}), flush=True)
        for _line in sys.stdin:
            try:
                print(json.dumps(measured(site, project)), flush=True)
            except RuntimeError as error:
                print(json.dumps({"error": str(error)}), flush=True)
    finally:
        site.play("teardown", project=project)
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
