"""What the local ALB's data plane costs and loses: latency added, reloads under load, changes made, targets rolled.

The peer of every figure is measured in the same run: a direct connection to the same upstream, in turns with the one
through the load balancer. Prints a table for people, and as its last line one JSON object.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT)]

from tests.e2e.support.local_alb import LocalAlb, next_event  # noqa: E402
from tests.e2e.support.ports import free_port, listens  # noqa: E402
from tests.e2e.support.upstream import Upstream  # noqa: E402
from tests.e2e.support.waiting import until  # noqa: E402

ROUTES = (2, 100)
BEHIND_ROUTER, ROUTER_HEALTH = 120, "/router/health"
ROUNDS, REQUESTS = 12, 400
RELOADS, STREAMS, CLIENTS = 30, 10, 4
CHANGES = 50
ROLLED = 20
TARGETS: dict[str, list[Any]] = {
    "added_p50_us_2_routes": ["<=", 60],
    "added_p50_us_100_routes": ["<=", 60],
    "added_p50_us_node_router": ["<=", 120],
    "cost_of_100_routes_over_2": ["<=", 1.2],
    "reload_failed_requests": ["<=", 0],
    "reload_broken_streams": ["<=", 0],
    "change_to_routed_p99_ms": ["<=", 250],
    "roll_failed_requests": ["<=", 0],
}
ANSWER = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "new"}}]


def quick_upstream(stack: ExitStack, folder: Path) -> int:
    """A target that answers as fast as anything can, so that what is measured is the way to it; gives its port."""
    port = free_port()
    config = folder / "upstream.cfg"
    config.write_text(
        "global\n  nbthread 1\ndefaults\n  mode http\n  timeout client 1m\n  timeout server 1m\n  timeout connect 1s\n"
        f"frontend f\n  bind 127.0.0.1:{port}\n  http-request return status 200 content-type text/plain string ok\n"
    )
    process = subprocess.Popen(["haproxy", "-f", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    until(lambda: listens(port), "the upstream listens")
    return port


class Line:
    """One kept connection that asks for one path, with as little of its own as Python allows."""

    def __init__(self, port: int, path: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    def ask(self) -> float:
        """Seconds until the answer was there."""
        began = time.perf_counter()
        self._socket.sendall(self._request)
        answer = self._socket.recv(65_536)
        taken = time.perf_counter() - began
        if not answer.startswith(b"HTTP/1.1 200") or not answer.endswith(b"ok"):
            raise RuntimeError(f"unexpected answer: {answer[:200]!r}")
        return taken

    def close(self) -> None:
        self._socket.close()


def process_cpu(pids: list[int]) -> float:
    """CPU seconds of the processes so far."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / 100


def workers(host: LocalAlb) -> list[int]:
    """HAProxy's current worker."""
    assert host.haproxy
    children = Path(f"/proc/{host.haproxy.pid}/task/{host.haproxy.pid}/children").read_text().split()
    return [int(children[-1])]


def make_routes(host: LocalAlb, port: int, count: int, first: int = 0) -> None:
    """Routes ``/mcp/sN`` whose prefix is taken off, as mcp_alb_route makes them."""
    groups = []
    for number in range(first, count):
        group = host.group(f"mcp-s{number}", port, HealthCheckPath="/", HealthCheckIntervalSeconds=300)
        rewrite = {"Regex": f"^/mcp/s{number}/?(.*)$", "Replace": "/$1"}
        transform = {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [rewrite]}}
        host.rule(1000 + number, [f"/mcp/s{number}", f"/mcp/s{number}/*"], group, Transforms=[transform])
        groups.append(group)
    host.healthy(*groups)


def compare(name: str, port: int, path: str, hosts: list[LocalAlb], figures: dict[str, float]) -> None:
    """A direct connection and one through the hosts, the first of which is asked, by turns."""
    direct, through = Line(port, "/"), Line(hosts[0].port, path)
    for line in (direct, through):
        for _ in range(200):
            line.ask()
    pids = [pid for host in hosts for pid in workers(host)]
    times: dict[str, list[float]] = {"direct": [], "through": []}
    cpu = 0.0
    for _ in range(ROUNDS):
        times["direct"] += [direct.ask() for _ in range(REQUESTS)]
        before = process_cpu(pids)
        times["through"] += [through.ask() for _ in range(REQUESTS)]
        cpu += process_cpu(pids) - before
    p50 = {way: statistics.median(values) * 1e6 for way, values in times.items()}
    figures[f"direct_p50_us_{name}"] = round(p50["direct"], 1)
    figures[f"through_p50_us_{name}"] = round(p50["through"], 1)
    figures[f"added_p50_us_{name}"] = round(p50["through"] - p50["direct"], 1)
    figures[f"cpu_us_a_request_{name}"] = round(cpu / (ROUNDS * REQUESTS) * 1e6, 1)
    direct.close()
    through.close()


def measure_router(host: LocalAlb, router: LocalAlb, port: int, figures: dict[str, float]) -> None:
    """What both add where a router with more routes than a load balancer takes stands behind it."""
    make_routes(router, port, BEHIND_ROUTER)
    group = host.group("router", router.port, HealthCheckPath=ROUTER_HEALTH, HealthCheckIntervalSeconds=300)
    host.rule(5000, ["/mcp", "/mcp/*"], group)
    host.healthy(group)
    compare("node_router", port, f"/mcp/s{BEHIND_ROUTER - 1}/x", [host, router], figures)


def measure_latency(host: LocalAlb, port: int, figures: dict[str, float]) -> None:
    """What the load balancer adds, with few and with many routes."""
    made = 0
    for count in ROUTES:
        make_routes(host, port, count, made)
        made = count
        compare(f"{count}_routes", port, f"/mcp/s{count - 1}/x", [host], figures)
    few, many = (figures[f"through_p50_us_{count}_routes"] for count in ROUTES)
    figures["cost_of_100_routes_over_2"] = round(many / few, 3)


class Load:
    """Clients on kept connections that never stop asking; counts what went wrong."""

    def __init__(self, host: LocalAlb, paths: list[str]) -> None:
        self.requests = 0
        self.failures: list[str] = []
        self._host, self._paths = host, paths
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]

    def _ask(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._host.port, timeout=10)
        turn = number
        while not self._stop.is_set():
            path = self._paths[turn % len(self._paths)]
            turn += 1
            problem = ""
            try:
                connection.request("POST", path, body="{}")
                reply = connection.getresponse()
                reply.read()
                if reply.status != 200:
                    problem = f"{path}: status {reply.status}"
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                problem = f"{path}: {error!r}"
            with self._lock:
                self.requests += 1
                if problem:
                    self.failures.append(problem)
        connection.close()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def measure_reloads(host: LocalAlb, figures: dict[str, float]) -> None:
    """Requests and open streams while HAProxy is reloaded again and again."""
    upstream = host.upstream("steady")
    group = host.group("steady", upstream.port)
    host.rule(10, ["/steady", "/stream"], group)
    host.healthy(group)
    streams = [host.stream("/stream") for _ in range(STREAMS)]
    for stream in streams:
        next_event(stream)
    with Load(host, ["/steady"]) as load:
        for number in range(RELOADS):
            host.rule(100 + number, [f"/reload/{number}"], Actions=ANSWER)
            host.settled()
    figures["reload_requests"] = load.requests
    figures["reload_failed_requests"] = len(load.failures)
    report(load.failures)
    figures["reload_broken_streams"] = sum(not _still_open(stream, upstream) for stream in streams)
    for stream in streams:
        stream.close()


def _still_open(stream: http.client.HTTPResponse, upstream: Upstream) -> bool:
    """Whether an event still comes; the upstream sends one to whichever stream waits, so it is asked until it did."""
    found: list[str] = []

    def read() -> None:
        try:
            found.append(next_event(stream))
        except (OSError, http.client.HTTPException):
            found.append("")

    reader = threading.Thread(target=read)
    reader.start()
    deadline = time.monotonic() + 10
    while reader.is_alive() and time.monotonic() < deadline:
        upstream.go.set()
        reader.join(0.01)
    return bool(found and found[0])


def measure_changes(host: LocalAlb, figures: dict[str, float]) -> None:
    """From the call that makes a rule to the first request that it answers."""
    times = []
    for number in range(CHANGES):
        began = time.perf_counter()
        host.rule(300 + number, [f"/change/{number}"], Actions=ANSWER)
        while host.get(f"/change/{number}").status != 200:
            time.sleep(0.002)
        times.append((time.perf_counter() - began) * 1e3)
    times.sort()
    figures["change_to_routed_p50_ms"] = round(statistics.median(times), 1)
    figures["change_to_routed_p99_ms"] = round(times[int(len(times) * 0.99)], 1)


def measure_roll(host: LocalAlb, figures: dict[str, float]) -> None:
    """All targets of many routes are replaced while their clients go on asking."""
    groups, old = [], []
    for number in range(ROLLED):
        upstream = host.upstream(f"old{number}")
        group = host.group(f"roll{number}", upstream.port, delay=2)
        host.rule(500 + number, [f"/roll/{number}"], group)
        groups.append(group)
        old.append(upstream)
    host.healthy(*groups)
    with Load(host, [f"/roll/{number}" for number in range(ROLLED)]) as load:
        new = [host.upstream(f"new{number}") for number in range(ROLLED)]
        for group, upstream in zip(groups, new, strict=True):
            host.register(group, upstream.port)
        host.healthy(*groups)
        for group, upstream in zip(groups, old, strict=True):
            host.deregister(group, upstream.port)
        for group, upstream in zip(groups, old, strict=True):
            host.reaches(group, upstream.port, None)
        for upstream in old:
            upstream.close()
            host.upstreams.remove(upstream)
        time.sleep(1)
    figures["roll_requests"] = load.requests
    figures["roll_failed_requests"] = len(load.failures)
    report(load.failures)


def report(failures: list[str]) -> None:
    for failure in failures[:5]:
        print(f"  {failure}", file=sys.stderr)


def table(figures: dict[str, float]) -> str:
    rows = []
    for name, value in figures.items():
        target = f"{TARGETS[name][0]} {TARGETS[name][1]}" if name in TARGETS else ""
        rows.append(f"{name:32} {value:>12,} {target:>10}")
    return "\n".join([f"{'figure':32} {'measured':>12} {'target':>10}", *rows])


def main() -> int:
    if not shutil.which("haproxy"):
        print("data_plane: haproxy is not installed", file=sys.stderr)
        return 1
    figures: dict[str, float] = {}
    quota = ["--quota", "rules-per-application-load-balancer=1000"]
    quota += ["--quota", "target-groups-per-application-load-balancer=1000"]
    steps: list[Callable[[LocalAlb], None]] = [
        lambda host: measure_reloads(host, figures),
        lambda host: measure_changes(host, figures),
        lambda host: measure_roll(host, figures),
    ]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="data-plane-")))
        try:
            host = LocalAlb(folder, *quota)
            stack.callback(host.close)
            host.start()
            upstream = quick_upstream(stack, folder)
            measure_latency(host, upstream, figures)
            (folder / "router").mkdir()
            router = LocalAlb(folder / "router", "--behind-balancer", ROUTER_HEALTH, *quota)
            stack.callback(router.close)
            measure_router(host, router.start(), upstream, figures)
            router.close()
            for step in steps:
                step(host)
        except (AssertionError, OSError, RuntimeError) as error:
            print(f"data_plane: could not measure: {error}", file=sys.stderr)
            return 1
    met = all(figures[name] <= target[1] for name, target in TARGETS.items())
    print(table(figures))
    print(json.dumps({"benchmark": "data_plane", "figures": figures, "targets": TARGETS, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
