"""The list of servers: how long it takes with a month of history and 20 who look, and what comes over the wire."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from benchmarks.monitor_parts.serving import PROJECT, Monitor, monitor
from benchmarks.monitor_parts.viewers import fetched
from tests.monitor_data.site import make_site

SERVERS, MANY = 100, 1000
CHANGE_SECONDS = 3.0
"""So often a figure changes; the watcher writes every 15 s."""
TARGETS = {
    "overview_100_p50_ms": ["<=", 8],
    "overview_100_p99_ms": ["<=", 30],
    "first_page_100_kb": ["<=", 40],
    "first_page_1000_kb": ["<=", 150],
}


def figures(folder: Path) -> dict[str, float]:
    """Returns every figure. ``folder`` is empty, and has room for half a gigabyte."""
    usual = make_site(folder / "usual", servers=SERVERS, days=30)
    large = make_site(folder / "large", servers=MANY, days=1, lines=5, calls=60)
    return {**_looked_at(usual), **_transferred(usual, SERVERS), **_transferred(large, MANY)}


def _looked_at(site: Path) -> dict[str, float]:
    """Milliseconds until a viewer had the whole page: the monitor on one core, its viewers on another."""
    core, *others = sorted(os.sched_getaffinity(0))
    with monitor(site) as served:
        os.sched_setaffinity(served.pid, {core})
        fetched(served.port, "/")
        ended = threading.Event()
        changing = threading.Thread(target=_change, args=(site, ended))
        changing.start()
        used, began = served.cpu_seconds(), time.monotonic()
        command = [sys.executable, "-m", "benchmarks.monitor_parts.viewers", str(served.port)]
        command = ["taskset", "-c", ",".join(map(str, others or [core])), *command]
        said = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
        share = (served.cpu_seconds() - used) / (time.monotonic() - began)
        ended.set()
        changing.join()
        took = sorted(json.loads(said))
        return {
            "overview_100_p50_ms": round(1000 * took[len(took) // 2], 1),
            "overview_100_p99_ms": round(1000 * took[len(took) * 99 // 100], 1),
            "overview_100_loads": len(took),
            "overview_100_core_percent": round(100 * share, 1),
            "monitor_after_views_mib": round(served.mebibytes(), 1),
        }


def _change(site: Path, ended: threading.Event) -> None:
    """Writes what the watcher writes: the last round of samples, each time with another use of memory."""
    latest = site / "samples/latest.json"
    number = 0
    while not ended.wait(CHANGE_SECONDS):
        number += 1
        found = json.loads(latest.read_text("utf-8"))
        found["time"] = int(time.time())
        for server in found["servers"].values():
            server["memory"] += 4096 * number
        new = latest.with_name("latest.json.new")
        new.write_text(json.dumps(found), "utf-8")
        new.replace(latest)


def _transferred(site: Path, servers: int) -> dict[str, float]:
    """Kilobytes (1000 bytes) that a browser gets on its first visit: the page, its style, its scripts."""
    with monitor(site) as served:
        page, size = fetched(served.port, "/")
        for path in set(re.findall(r'(?:src|href)="/monitor(/static/[^"]+)"', page)):
            size += fetched(served.port, path)[1]
        return {f"first_page_{servers}_kb": round(size / 1000, 1), f"first_visit_{servers}_ms": _milliseconds(served)}


def _milliseconds(served: Monitor) -> float:
    began = time.perf_counter()
    fetched(served.port, "/?sort=name")
    return round(1000 * (time.perf_counter() - began), 1)
