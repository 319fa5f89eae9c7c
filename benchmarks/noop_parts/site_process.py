"""Holds one installation of a release, and measures it once for each line that it reads; removes it at the end.

The line is ``noop``, a run that changes nothing, or ``add``, a run that adds the last server.

Usage: MCP_TEST_SITE=N site_process.py PROJECT SERVERS. Two of them, with different N, hold two releases side by side.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

from benchmarks.noop_parts import tiny_server  # noqa: E402
from tests.e2e.support.site import LISTENER, SETTINGS, Run, Site, ended  # noqa: E402

PATIENCE = 300  # seconds that an added server may take


def _start_reconcile(site: Site, project: Path) -> subprocess.Popen[str]:
    """Begin what the timer of the release at PROJECT runs."""
    if (project / "playbooks" / "converge.yml").exists():
        return site.start_reconcile()
    return site.start("site", "--skip-tags", "install", project=site.root / "home" / "current")


def _reconcile(site: Site, project: Path) -> Run:
    return ended(_start_reconcile(site, project))


def measured(site: Site, project: Path) -> dict[str, float]:
    """Return the seconds and CPU seconds of a run that changes nothing. Raises RuntimeError when it was none."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run = _reconcile(site, project)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.code or run.changed:
        raise RuntimeError(f"the run was no no-op: {run.output[-2000:]}")
    return {"seconds": seconds, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def added(site: Site, project: Path) -> dict[str, float]:
    """Return the seconds from the file with one more server to its first answer through the balancer.

    Raises RuntimeError when it does not answer, or answers before.
    """
    servers = site.config()
    last = max(servers)
    site.write_config({name: entry for name, entry in servers.items() if name != last})
    run = _reconcile(site, project)
    if run.code or tiny_server.answers(LISTENER, last):
        raise RuntimeError(f"the last server is still there: {run.output[-2000:]}")
    site.write_config(servers)
    begin = time.perf_counter()
    running = _start_reconcile(site, project)
    while not (answered := tiny_server.answers(LISTENER, last)) and time.perf_counter() - begin < PATIENCE:
        time.sleep(0.02)
    seconds = time.perf_counter() - begin
    run = ended(running)
    if run.code or not answered:
        raise RuntimeError(f"the last server did not answer: {run.output[-2000:]}")
    return {"seconds": seconds}


MEASURES = {"noop": measured, "add": added}


def main() -> None:
    """Install, measure on demand, remove. A line of the answer is one JSON object, with `error` where it failed."""
    project, count = Path(sys.argv[1]), int(sys.argv[2])
    root = Path(tempfile.mkdtemp(prefix="mcp-bench-", dir="/var/tmp"))
    site = Site(root)
    if not (project / "roles" / "watcher").exists():  # such a release does not know the section
        (site.etc / "settings.conf").write_text(SETTINGS[SETTINGS.index("[routes]") :])
    try:
        site.write_config(tiny_server.config(count))
        run = site.install(project)
        print(json.dumps({"error": run.output[-2000:]} if run.code else {}), flush=True)
        for line in sys.stdin:
            try:
                print(json.dumps(MEASURES[line.strip()](site, project)), flush=True)
            except RuntimeError as error:
                print(json.dumps({"error": str(error)}), flush=True)
    finally:
        site.play("teardown", project=project)
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
