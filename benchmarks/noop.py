"""What it costs to find that nothing has to be done, 100 servers: each module against its floor, and the run.

A floor is what nobody can save: one container list with its inspects, and four describe calls. The run is what the
timer starts, ansible-playbook included, and it ends by asking every server for its tools.
Prints a table for people, and as its last line one JSON object.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

from benchmarks import containers, routes  # noqa: E402
from tests.e2e.support.site import Site  # noqa: E402

SERVERS = 99  # a load balancer takes 100 target groups, and the monitor has one of them
RUNS = 3
IMAGE = "mcp-bench/tiny:1"
DOCKERFILE = 'FROM mcp-base/python:3.11\nCOPY server.py /server.py\nENTRYPOINT ["python3", "-I", "/server.py"]\n'
# The least that a server of streamable HTTP has to say: no session, a JSON answer to each request.
SERVER = """
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWERS = {
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                   "serverInfo": {"name": "tiny", "version": "1"}},
    "tools/list": {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]},
}

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "id" not in message:
            return self.answer(202, b"")
        known = message["method"] in ANSWERS
        what = {"result": ANSWERS[message["method"]]} if known else {"error": {"code": -32601, "message": "unknown"}}
        self.answer(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], **what}).encode())
    def do_GET(self):
        self.answer(405, b"")
    def do_DELETE(self):
        self.answer(405, b"")
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""


def build_image() -> None:
    """Make the tiny server's image. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text(DOCKERFILE)
        (Path(folder) / "server.py").write_text(SERVER)
        subprocess.run(["docker", "build", "-q", "-t", IMAGE, folder], check=True, capture_output=True)


@contextmanager
def installed_site(count: int) -> Iterator[Site]:
    """The product with ``count`` tiny servers, torn down afterwards. Raises RuntimeError when it does not converge."""
    root = Path(tempfile.mkdtemp(prefix="mcp-bench-", dir="/var/tmp"))
    site = Site(root)
    site.write_config(
        {
            f"tiny-{number:03}": {"command": "docker", "args": ["run", "-p", "8000:8000", "--memory", "64m", IMAGE]}
            for number in range(count)
        }
    )
    try:
        run = site.install()
        if run.code:
            raise RuntimeError(f"the site did not converge: {run.output[-2000:]}")
        yield site
    finally:
        site.play("teardown")
        shutil.rmtree(root, ignore_errors=True)


def measure_site(count: int = SERVERS) -> dict[str, float]:
    """Seconds and CPU seconds of the whole no-op run. Raises RuntimeError when it was none."""
    build_image()
    walls, cpus = [], []
    with installed_site(count) as site:
        for _ in range(RUNS):
            before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            run = site.reconcile()
            walls.append(time.perf_counter() - begin)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            if run.code or run.changed:
                raise RuntimeError(f"the run was no no-op: {run.output[-2000:]}")
    return {"site_seconds": min(walls), "site_cpu_seconds": min(cpus)}


def measure() -> dict[str, float]:
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
        **measure_site(),
    }
    return {name: round(value, 3) for name, value in figures.items()}


def main() -> int:
    """Measure and print; return the exit code."""
    try:
        figures = measure()
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        print(f"noop: could not measure: {error}", file=sys.stderr)
        return 1
    targets: dict[str, list[Any]] = {
        "containers_ratio": ["<=", 1.5],
        "routes_ratio": ["<=", 1.5],
        "site_seconds": ["<=", 5],
    }
    print(f"nothing to do, {SERVERS} servers; the best of several runs")
    for name, value in figures.items():
        print(f"  {name:<32} {value:10.3f}")
    met = all(figures[name] <= bound for name, (_, bound) in targets.items())
    print(json.dumps({"benchmark": "noop", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
