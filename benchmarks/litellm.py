"""What a tool call through LiteLLM costs by way of balancer and bridge, beside the same server on HTTP by itself.

One LiteLLM Proxy has the same server four times: on streamable HTTP of its own, behind the local ALB and the bridge
(`pooled`, and `per_session`), and behind the local ALB and supergateway in the bridge's place. Calls go round in turns,
one at a time, so that whatever else the machine does meets all of them; each is one that comes to LiteLLM without a
session, for which it opens one. No part runs in a container. Prints a table for people, and as its last line one JSON
object.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections"), str(PROJECT / "files")]

from benchmarks.bridge_parts.peers import others  # noqa: E402
from tests.e2e.support.litellm import KEY, running  # noqa: E402
from tests.e2e.support.local_alb import LocalAlb  # noqa: E402
from tests.e2e.support.local_alb import running as balancing  # noqa: E402
from tests.e2e.support.ports import free_port, listens  # noqa: E402
from tests.e2e.support.waiting import until  # noqa: E402
from tests.unit.bridge.client import BOTH, start  # noqa: E402

SERVER = [sys.executable, str(PROJECT / "benchmarks/litellm_parts/server.py")]
WARM_UP = 5
# By way, in how many rounds of ten it takes part: a process for each session is slow, and so are few enough.
WAYS = {"native": 10, "pooled": 10, "per_session": 1, "supergateway": 1}


def measured(port: int, ways: Mapping[str, int], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each call by way."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(-WARM_UP, rounds):
        for way, often in ways.items():
            if number >= 0 and number % 10 >= often:
                continue
            begun = time.perf_counter()
            call(connection, way, number)
            if number >= 0:
                found[way].append((time.perf_counter() - begun) * 1000)
    connection.close()
    return found


def call(connection: http.client.HTTPConnection, way: str, number: int) -> None:
    """Calls the tool of one server. Raises RuntimeError where it does not answer what it should."""
    params = {"name": f"{way}-add", "arguments": {"a": number, "b": 1}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers = {"content-type": "application/json", "accept": BOTH, "x-litellm-api-key": f"Bearer {KEY}"}
    connection.request("POST", "/mcp/", body, headers)
    said = connection.getresponse().read().decode()
    answers = [json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: ")]
    if not answers or answers[-1]["result"]["content"][0]["text"] != str(number + 1):
        raise RuntimeError(f"{way} answers {said[:500]!r}")


def servers(stack: ExitStack, folder: Path) -> dict[str, Any]:
    """LiteLLM's servers by way, each running. A way that cannot be is said on stderr."""
    host = stack.enter_context(balancing(LocalAlb(folder)))
    port = free_port()
    _started(stack, [*SERVER, str(port)], port)
    found = {"native": {"url": f"http://127.0.0.1:{port}/mcp", "transport": "http"}}
    ports = {}
    for isolation in ("pooled", "per_session"):
        bridge = start("--isolation", isolation, command=SERVER, path=f"/mcp/{isolation}")
        stack.callback(bridge.stop)
        bridge.wait_healthy()
        ports[isolation] = bridge.port
    gateway = next((peer for peer in others() if peer.name == "supergateway"), None)
    if gateway is not None:
        port = free_port()
        command = [part if part != "{server}" else " ".join(SERVER) for part in gateway.command]
        command += ["--streamableHttpPath", "/mcp/supergateway/mcp", "--healthEndpoint", "/health"]
        _started(stack, [part.replace("{port}", str(port)) for part in command], port)
        ports["supergateway"] = port
    for number, (way, port) in enumerate(ports.items(), start=1):
        group = host.group(f"mcp-{number}", port)
        host.rule(number, [f"/mcp/{way}", f"/mcp/{way}/*"], group)
        host.healthy(group)
        found[way] = {"url": f"{host.url}/mcp/{way}/mcp", "transport": "http"}
    return found


def _started(stack: ExitStack, command: list[str], port: int) -> None:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    until(lambda: listens(port), f"{command[0]} listens", 60)


def main() -> int:
    """Prints the figures; 1 where they cannot be had."""
    parser = argparse.ArgumentParser(description="Measure a tool call through LiteLLM, the balancer and the bridge.")
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    if not shutil.which("haproxy"):
        print("litellm: haproxy is not installed", file=sys.stderr)
        return 1
    figures: dict[str, Any] = {"load_average": round(os.getloadavg()[0], 2), "cpus": os.cpu_count()}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="litellm-")))
        told = servers(stack, folder)
        port = free_port()
        stack.enter_context(running(told, port, folder))
        times = measured(port, {way: often for way, often in WAYS.items() if way in told}, options.rounds)
    print(f"{'':14}{'calls':>8}{'p50 ms':>10}{'p95 ms':>10}{'to native':>12}")
    native = statistics.median(times["native"])
    for way, each in times.items():
        median, p95 = statistics.median(each), statistics.quantiles(each, n=20)[18]
        print(f"{way:14}{len(each):>8}{median:>10.1f}{p95:>10.1f}{median / native:>12.3f}")
        figures |= {f"{way}_p50_ms": round(median, 2), f"{way}_p95_ms": round(p95, 2)}
        if way != "native":
            figures[f"{way}_to_native"] = round(median / native, 3)
    targets = {"pooled_to_native": ["<=", 1.15]}
    met = figures["pooled_to_native"] <= 1.15
    print(json.dumps({"benchmark": "litellm", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
