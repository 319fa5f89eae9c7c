"""What it costs to find that nothing has to be done, 100 servers: each module against its floor, and the run.

A floor is what nobody can save: one container list with its inspects, and four describe calls. The run is what the
timer starts, ansible-playbook included, and it ends by asking every server for its tools. Its floor is ansible-playbook
with one module that does nothing. What a run is for is measured beside it: how long one server more takes from the
saved file to its first answer. With --against REV that revision is installed beside this one.
Prints a table for people, and as its last line one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

from benchmarks import containers, routes  # noqa: E402
from benchmarks.noop_parts import tiny_server  # noqa: E402

SERVERS = 99  # a load balancer takes 100 target groups, and the monitor has one of them
RUNS = 3
FLOOR = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.ping:
"""


class InstalledSite:
    """One release with ``count`` tiny servers, removed at the end. Raises RuntimeError when it does not converge."""

    def __init__(self, project: Path, number: int, count: int) -> None:
        environment = {**os.environ, "MCP_TEST_SITE": str(number)}
        argv = [sys.executable, str(PROJECT / "benchmarks/noop_parts/site_process.py"), str(project), str(count)]
        self._process = subprocess.Popen(
            argv, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    def __enter__(self) -> InstalledSite:
        try:
            self._answer()
        except RuntimeError:
            self.__exit__()  # before its project is removed
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.communicate()

    def run(self) -> dict[str, float]:
        """Returns the seconds and CPU seconds of one run that changes nothing. Raises RuntimeError."""
        return self._asked("noop")

    def add(self) -> dict[str, float]:
        """Returns the seconds from the file with one more server to its first answer. Raises RuntimeError."""
        return self._asked("add")

    def _asked(self, measure: str) -> dict[str, float]:
        if self._process.stdin is not None:
            print(measure, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, float]:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        answer: dict[str, Any] = json.loads(line or '{"error": "it ended"}')
        if "error" in answer:
            raise RuntimeError(f"a site did not do its run: {answer['error']}")
        return answer


@contextmanager
def release(revision: str) -> Iterator[Path]:
    """The project at another revision, unpacked. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="mcp-bench-", dir="/var/tmp") as folder:
        archive = subprocess.run(["git", "archive", revision], cwd=PROJECT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        yield Path(folder)


def floor(folder: Path) -> dict[str, float]:
    """The seconds and CPU seconds of ``ansible-playbook`` with one module that does nothing."""
    (folder / "floor.yml").write_text(FLOOR)
    argv = [str(PROJECT / ".venv/bin/ansible-playbook"), "-i", "localhost,", "-c", "local", str(folder / "floor.yml")]
    argv += ["-e", f"ansible_python_interpreter={sys.executable}"]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE", "PYTHONDONT"))}
    subprocess.run(argv, check=True, capture_output=True, cwd=PROJECT, env=environment)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": seconds, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def measure_site(against: str | None, count: int = SERVERS) -> dict[str, float]:
    """The whole run that changes nothing, the floor, one server more, and what the revision ``against`` takes, in turn;
    the best of each. Raises RuntimeError, OSError or CalledProcessError."""
    tiny_server.build_image()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        today = stack.enter_context(InstalledSite(PROJECT, 2, count))
        measures = {"site": today.run, "site_floor": lambda: floor(folder), "added": today.add}
        if against is not None:
            other = stack.enter_context(InstalledSite(stack.enter_context(release(against)), 3, count))
            measures |= {"site_before": other.run, "added_before": other.add}
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in measures}
        for _ in range(RUNS):
            for name, run in measures.items():
                taken[name].append(run())
    best = {
        f"{name}_{unit}": min(each[key] for each in runs)
        for name, runs in taken.items()
        for key, unit in (("seconds", "seconds"), ("cpu", "cpu_seconds"))
        if key in runs[0]
    }
    for unit in ("seconds", "cpu_seconds"):
        best[f"site_{unit}_to_floor"] = best[f"site_{unit}"] / best[f"site_floor_{unit}"]
        if against is not None:
            best[f"site_{unit}_to_before"] = best[f"site_{unit}"] / best[f"site_before_{unit}"]
    if against is not None:
        best["added_seconds_to_before"] = best["added_seconds"] / best["added_before_seconds"]
    return best


def measure(against: str | None) -> dict[str, float]:
    """All figures. Raises RuntimeError, OSError or CalledProcessError where something cannot be measured."""
    fleet = containers.measure_noop(SERVERS)
    balancer = routes.measure_module_noop(SERVERS)
    figures = {
        "containers_floor_seconds": fleet["noop_floor_seconds"],
        "containers_module_seconds": fleet["noop_module_seconds"],
        "containers_ratio": fleet["noop_ratio"],
        "containers_floor_cpu_seconds": fleet["noop_floor_cpu_seconds"],
        "containers_module_cpu_seconds": fleet["noop_module_cpu_seconds"],
        "routes_floor_seconds": balancer["floor_seconds"],
        "routes_module_seconds": balancer["module_seconds"],
        "routes_ratio": balancer["module_seconds"] / balancer["floor_seconds"],
        "routes_floor_cpu_seconds": balancer["floor_cpu_seconds"],
        "routes_module_cpu_seconds": balancer["module_cpu_seconds"],
        **measure_site(against),
    }
    return {name: round(value, 3) for name, value in figures.items()}


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", metavar="REV", help="a revision to install and measure beside this one, in turn")
    against = parser.parse_args().against
    try:
        figures = measure(against)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        print(f"noop: could not measure: {error}", file=sys.stderr)
        return 1
    targets: dict[str, list[Any]] = {
        "containers_ratio": ["<=", 1.5],
        "routes_ratio": ["<=", 1.5],
        "site_seconds_to_floor": ["<=", 1.8],
        "site_cpu_seconds_to_floor": ["<=", 1.8],
    }
    if against is not None:
        targets |= {f"site_{unit}_to_before": ["<=", 0.35] for unit in ("seconds", "cpu_seconds")}
        targets["added_seconds_to_before"] = ["<=", 0.5]
    print(f"nothing to do, {SERVERS} servers; the best of several runs")
    for name, value in figures.items():
        print(f"  {name:<32} {value:10.3f}")
    met = all(figures[name] <= bound for name, (_, bound) in targets.items())
    print(json.dumps({"benchmark": "noop", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
