"""What the watcher takes of a host while nothing happens: memory, and the share of a core, with 100 containers.

The containers are real, and their health is checked as that of the fleet's is. Prints a table for people, and as its
last line one JSON object.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

import docker  # noqa: E402

from tests.e2e.support.container_scene import tiny_image  # noqa: E402

CONTAINERS = 100
THREADS = 8
FLEET = f"watched-{os.getpid()}"
SETTLE_SECONDS = 10.0
MEASURED_SECONDS = 120.0
# As a container of the fleet is asked for its health.
HEALTH = {"Test": ["CMD", "/tiny", "check"], "Interval": 30 * 10**9, "Timeout": 5 * 10**9}


@contextmanager
def fleet(count: int) -> Iterator[None]:
    """That many containers of a fleet of their own."""
    api = docker.APIClient(version="auto")
    image = tiny_image(api, f"mcp-test/{FLEET}:1")

    def start(number: int) -> str:
        labels = {"mcp_fleet": FLEET, "mcp_service": f"s{number}"}
        made = api.create_container(image, labels=labels, name=f"{FLEET}-s{number}", healthcheck=HEALTH)
        api.start(made["Id"])
        return str(made["Id"])

    try:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(start, range(count)))
        yield
    finally:
        left = api.containers(all=True, quiet=True, filters={"label": f"mcp_fleet={FLEET}"})
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda each: api.remove_container(each["Id"], force=True, v=True), left))
        api.remove_image(image, force=True)


@contextmanager
def watcher(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program as its unit runs it."""
    (folder / "supervisor").mkdir()
    places = ["--directory", folder, "--state", folder / "state.json", "--run-lock", folder / "run.lock"]
    command = [sys.executable, "-m", "watcher", "--fleet", FLEET, *places, "--", "true"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen([str(word) for word in command], cwd=PROJECT / "files", env=environment) as program:
        try:
            yield program
        finally:
            program.terminate()


def cpu_seconds(pid: int) -> float:
    """The CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def mebibytes(pid: int, what: str) -> float:
    """A sum of smaps_rollup, such as Pss: what is a process's own and its share of what it has with others."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024


def measure() -> dict[str, float]:
    """All figures. Raises OSError or docker's errors where something cannot be measured."""
    with tempfile.TemporaryDirectory() as folder, fleet(CONTAINERS), watcher(Path(folder)) as program:
        time.sleep(SETTLE_SECONDS)
        used, begun = cpu_seconds(program.pid), time.monotonic()
        time.sleep(MEASURED_SECONDS)
        share = (cpu_seconds(program.pid) - used) / (time.monotonic() - begun)
        return {
            "core_percent": round(100 * share, 3),
            "pss_mib": round(mebibytes(program.pid, "Pss"), 1),
            "rss_mib": round(mebibytes(program.pid, "Rss"), 1),
        }


def main() -> int:
    """Measure and print; return the exit code."""
    try:
        figures = measure()
    except (OSError, StopIteration, docker.errors.DockerException) as error:
        print(f"watcher: could not measure: {error}", file=sys.stderr)
        return 1
    targets: dict[str, list[Any]] = {"core_percent": ["<=", 0.2], "rss_mib": ["<=", 25]}
    print(f"the watcher of {CONTAINERS} containers, in {MEASURED_SECONDS:.0f} s in which nothing happens")
    for name, value in figures.items():
        print(f"  {name:<14} {value:8.3f}")
    met = all(figures[name] <= bound for name, (_, bound) in targets.items())
    print(json.dumps({"benchmark": "watcher", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
