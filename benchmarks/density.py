"""What servers cost that nobody calls any more: memory and CPU of 30, a third each in Python, on node and static.

They run in containers as the product makes them, with their health checks: those of this revision, and those of the
revision of --against, one fleet after the other. Peers hold the same servers, each with one session that is left alone.
The engine's CPU is counted as a whole, so nobody else may use it meanwhile. `--quick` takes 3 servers and no peers.
Prints a table for people, and as its last line one JSON object.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

import docker  # noqa: E402

from benchmarks.bridge_parts.peers import CACHE, others  # noqa: E402
from benchmarks.density_parts import fleet, usage  # noqa: E402
from benchmarks.noop import release  # noqa: E402

BEFORE = "e002c11"
SETTLE_SECONDS = 130
"""Until health checks stay, in the releases in which they do."""
PEERS = ("supergateway", "npm_mcp_proxy")
Figures = dict[str, float]


def held(api: docker.APIClient, project: Path, servers: list[fleet.Server], seconds: float, name: str) -> Figures:
    """Memory awake, and asleep where the release can, and CPU of the fleet as it idles."""
    runtime = fleet.build_runtime(project, CACHE / "runtime")
    found: Figures = {}
    with fleet.containers(api, project, runtime, servers) as pids:
        time.sleep(SETTLE_SECONDS)
        found[f"{name}_awake_mb"] = usage.private_mb(usage.inside(pids))
        if not fleet.sleeps(project):
            found |= {
                f"{name}_{part}_cpu_s_per_hour": value for part, value in fleet.cpu_per_hour(pids, seconds).items()
            }
    if fleet.sleeps(project):
        with fleet.containers(api, project, runtime, servers, sleep_after=1) as pids:
            time.sleep(SETTLE_SECONDS)
            found[f"{name}_asleep_mb"] = usage.private_mb(usage.inside(pids))
            found |= {
                f"{name}_{part}_cpu_s_per_hour": value for part, value in fleet.cpu_per_hour(pids, seconds).items()
            }
    found[f"{name}_cpu_s_per_hour"] = sum(found[f"{name}_{part}_cpu_s_per_hour"] for part in ("containers", "engine"))
    return found


def _named(name: str, parts: Figures) -> Figures:
    return {f"{name}_{part}_cpu_s_per_hour": value for part, value in parts.items()}


def peers(api: docker.APIClient, servers: list[fleet.Server]) -> Figures:
    """Memory of each peer that can be installed here."""
    found: Figures = {}
    with tempfile.TemporaryDirectory(prefix="mcp-bench-", dir="/var/tmp") as folder:
        for peer in others():
            if peer.name in PEERS:
                try:
                    found[f"{peer.name}_mb"] = fleet.peer_memory(api, peer.command, peer.path, servers, Path(folder))
                except (RuntimeError, AssertionError, OSError, TimeoutError) as error:
                    print(f"{peer.name}: {error}", file=sys.stderr)
    return found


def compare(figures: Figures) -> dict[str, list[Any]]:
    """Adds the ratios, and gives the targets of those that were measured."""
    best = min((figures[f"{name}_mb"] for name in PEERS if f"{name}_mb" in figures), default=None)
    least = figures.get("today_asleep_mb", figures["today_awake_mb"])
    if "before_awake_mb" in figures:
        figures["awake_to_before"] = figures["today_awake_mb"] / figures["before_awake_mb"]
        figures["cpu_to_before"] = figures["today_cpu_s_per_hour"] / figures["before_cpu_s_per_hour"]
        if "today_asleep_mb" in figures:
            figures["asleep_to_before"] = figures["today_asleep_mb"] / figures["before_awake_mb"]
    if best is not None:
        figures["memory_to_best_peer"] = least / best
    targets: dict[str, list[Any]] = {
        "awake_to_before": ["<=", 0.6],
        "asleep_to_before": ["<=", 0.15],
        "cpu_to_before": ["<=", 0.2],
        "memory_to_best_peer": ["<=", 0.2],
        "wake_first_call_ratio": ["<=", 1.15],
    }
    return {name: target for name, target in targets.items() if name in figures}


def measure(against: str | None, count: int, seconds: float, *, quick: bool) -> Figures:
    """All figures. Raises RuntimeError, OSError, CalledProcessError or an error of docker where one cannot be had."""
    api = docker.APIClient(version="auto")
    servers = fleet.servers(api, count)
    figures = {"servers": float(count), "load_average": os.getloadavg()[0]}
    if against is not None:
        with release(against) as project:
            figures |= held(api, project, servers, seconds, "before")
    figures |= held(api, PROJECT, servers, seconds, "today")
    if not quick:
        figures |= peers(api, servers)
    if fleet.sleeps(PROJECT):
        wake = importlib.import_module("benchmarks.density_parts.wake")
        figures |= wake.first_call(3 if quick else 10)
    return figures


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", metavar="REV", default=BEFORE, help="the revision to compare with, or nothing")
    parser.add_argument("--servers", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=650, help="of the measurement of CPU: from check to check")
    parser.add_argument("--quick", action="store_true", help="3 servers, no peers")
    options = parser.parse_args()
    count, seconds = 3 if options.quick else options.servers, options.seconds
    try:
        figures = measure(options.against or None, count, seconds, quick=options.quick)
    except (
        RuntimeError,
        AssertionError,
        OSError,
        subprocess.CalledProcessError,
        docker.errors.DockerException,
    ) as error:
        print(f"density: could not measure: {error}", file=sys.stderr)
        return 1
    targets = compare(figures)
    print(f"{count} idle stdio servers; private memory in MB, CPU in seconds an hour")
    for name, value in figures.items():
        print(f"  {name:<36} {value:10.3f}")
    met = all(figures[name] <= bound for name, (_, bound) in targets.items())
    rounded = {name: round(value, 3) for name, value in figures.items()}
    print(json.dumps({"benchmark": "density", "figures": rounded, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
