"""What one client that sends malformed and slow requests costs another, and the bridge.

10,000 requests to the bridge and as many through the local balancer. Prints a table for people, and as its last line
one JSON object. `--requests` and `--rate` change how many there are, and how many a second.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.abuse_parts import scene
from tests.e2e.support.local_alb import LocalAlb, running
from tests.unit.bridge.client import HOSTILE, Bridge, start

KEYS = ("quiet_p99_ms", "attacked_p99_ms", "calls", "calls_lost", "health_not_200", "memory_growth_mb")


def measure(bridge: Bridge, port: int, options: argparse.Namespace) -> dict[str, Any]:
    health = f"http://127.0.0.1:{port}{bridge.path}/health"
    found = scene.run(
        port,
        f"{bridge.path}/mcp",
        bridge.process.pid,
        count=options.requests,
        rate=options.rate,
        seconds=15,
        health=health,
    )
    found["p99_ratio"] = found["attacked_p99_ms"] / found["quiet_p99_ms"]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what abuse by one client costs another.")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=250, help="requests a second")
    options = parser.parse_args()
    if not shutil.which("haproxy"):
        print("abuse: haproxy is not installed", file=sys.stderr)
        return 1
    figures: dict[str, Any] = {"load_average": round(os.getloadavg()[0], 2), "cpus": os.cpu_count()}
    command = [HOSTILE[0], "-S", "-E", *HOSTILE[1:]]
    rows = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="abuse-")))
        host = stack.enter_context(running(LocalAlb(folder)))
        for number, isolation in enumerate(("per_session", "pooled"), start=1):
            bridge = start("--isolation", isolation, command=command, path=f"/mcp/{isolation.replace('_', '-')}")
            stack.callback(bridge.stop)
            bridge.wait_healthy()
            group = host.group(f"mcp-{number}", bridge.port)
            host.rule(number, [bridge.path, f"{bridge.path}/*"], group)
            host.healthy(group)
            for way, port in (("direct", bridge.port), ("balanced", host.port)):
                found = measure(bridge, port, options)
                rows.append((f"{isolation} {way}", found))
                keys = (*KEYS, "p99_ratio")
                figures.update({f"{isolation}_{way}_{key}": round(float(found[key]), 3) for key in keys})
    print(f"{'':22}" + "".join(f"{key:>19}" for key in (*KEYS, "p99_ratio")))
    for name, found in rows:
        print(f"{name:22}" + "".join(f"{float(found[key]):>19.2f}" for key in (*KEYS, "p99_ratio")))
        print(f"{'':22}answers: {json.dumps(found['answers'])}")
    bounds = {"p99_ratio": 2.0, "calls_lost": 0, "health_not_200": 0, "memory_growth_mb": 10}
    targets = {key: ["<=", bound] for key in figures for end, bound in bounds.items() if key.endswith(end)}
    met = all(figures[key] <= bound for key, (_, bound) in targets.items())
    print(json.dumps({"benchmark": "abuse", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
