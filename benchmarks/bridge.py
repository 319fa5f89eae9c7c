"""What the bridge costs in front of a server of the least possible cost, beside other bridges and a bare pipe.

Prints a table for people, and as its last line one JSON object. `--soak SECONDS` is the length of the run at load that
looks for leaks, `--quick` leaves the peers and the long runs out.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bridge_parts import mixed as mixture
from benchmarks.bridge_parts.peers import ROOT, Peer, others, ours
from tests.e2e.support.ports import free_port, listens
from tests.e2e.support.waiting import until

Figures = dict[str, Any]
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Tools:
    """The programs in C that this measures with."""

    echo: Path
    load: Path


class Running:
    """A bridge that runs, as a tree of processes."""

    def __init__(self, peer: Peer, process: subprocess.Popen[bytes], port: int) -> None:
        self.peer, self.process, self.port = peer, process, port

    def pids(self) -> list[int]:
        """Its own processes, without the servers behind it."""
        parents: dict[int, int] = {}
        names: dict[int, str] = {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                name, rest = (entry / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
                parents[int(entry.name)] = int(rest.split()[1])
                names[int(entry.name)] = name
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return [pid for pid in found if names.get(pid) != "echo"]

    def cpu(self) -> float:
        """Seconds used so far."""
        used = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                used += int(fields[11]) + int(fields[12])
        return used / TICK

    def memory(self) -> float:
        """Megabytes resident."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError, IndexError):
                total += int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])
        return total / 1024

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@contextlib.contextmanager
def running(peer: Peer, server: Path, *, argv: list[str] | None = None) -> Iterator[Running]:
    """Starts a bridge and waits until it listens."""
    port = free_port()
    command = peer.argv(port, server) if argv is None else [part.replace("{port}", str(port)) for part in argv]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or listens(port), f"{peer.name} listens", 60)
        if process.poll() is not None:
            raise RuntimeError(f"{peer.name} does not listen")
        yield Running(peer, process, port)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
        process.wait()


def load(tools: Tools, run: Running, clients: int, seconds: float) -> Figures:
    """Calls/s, latencies and CPU per call at `clients`."""
    command = [str(tools.load), "http", "127.0.0.1", str(run.port), run.peer.path, str(clients), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if process.stderr is None or process.stdout is None or "start" not in process.stderr.readline():
        raise RuntimeError(f"{run.peer.name} does not answer the load")
    before = run.cpu()
    process.stderr.readline()
    used = run.cpu() - before
    found: Figures = json.loads(process.stdout.read())
    process.wait()
    if found["errors"]:
        raise RuntimeError(f"{run.peer.name}: {found['errors']} of {found['calls']} calls failed")
    return {
        "cpu_ms": used * 1000 / found["calls"],
        "calls_per_second": found["calls"] / found["seconds"],
        "p50_ms": found["p50_ms"],
        "p99_ms": found["p99_ms"],
    }


def sessions(port: int, path: str, count: int) -> None:
    """Opens sessions and leaves them."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "idle", "version": "1"}}

    async def one() -> None:
        client = mixture.Client(port, path, 0, Counter())
        await client.ask("initialize", hello)
        client.close()

    async def all_of_them() -> None:
        for _ in range(count):
            await one()

    asyncio.run(all_of_them())


def measure(tools: Tools, peer: Peer, seconds: float) -> Figures:
    """All figures of one bridge; those of one client from the best of three loads: others use this machine, too."""
    with running(peer, tools.echo) as run:
        load(tools, run, 1, 1)
        one = min((load(tools, run, 1, seconds / 2) for _ in range(3)), key=lambda found: float(found["p99_ms"]))
        many = load(tools, run, 32, seconds)
        return {
            **{f"{name}_1": value for name, value in one.items()},
            **{f"{name}_32": value for name, value in many.items()},
            "memory_mb": run.memory(),
        }


def startup(tools: Tools, peer: Peer) -> float:
    """Seconds from the start to the first answer of /health, the best of five: others use this machine, too."""
    times = []
    for _ in range(5):
        began = time.monotonic()
        with running(peer, tools.echo) as run, contextlib.suppress(URLError):
            with contextlib.suppress(HTTPError):  # 503 while the server itself still starts is an answer
                urlopen(f"http://127.0.0.1:{run.port}/health").read()
            times.append(time.monotonic() - began)
    return min(times) if times else float("inf")


def idle(tools: Tools, peer: Peer) -> Figures:
    """Memory with no session and with a hundred."""
    with running(peer, tools.echo) as run:
        time.sleep(1)
        empty = run.memory()
        sessions(run.port, peer.path, 100)
        return {"memory_idle_mb": empty, "memory_100_sessions_mb": run.memory()}


def endure(tools: Tools, peer: Peer, seconds: float) -> Figures:
    """A soak at load: growth of memory and descriptors after the first tenth of it."""
    with running(peer, tools.echo) as run:
        load(tools, run, 32, max(2.0, seconds / 10))
        sessions(run.port, peer.path, 1)
        memory, descriptors = run.memory(), run.descriptors()
        load(tools, run, 32, seconds)
        time.sleep(1)
        return {
            "soak_seconds": seconds,
            "soak_memory_growth_mb": max(0.0, run.memory() - memory),
            "soak_descriptor_growth": max(0, run.descriptors() - descriptors - 64 * 3),
        }


def churn(tools: Tools, peer: Peer, count: int) -> Figures:
    """Sessions that end in turn by DELETE and by their child's death in a call: what is left of them."""
    command = [*peer.command[: peer.command.index("--")], "--warm-processes", "0", "--", str(tools.echo)]
    with running(peer, tools.echo, argv=command) as run:

        async def worker(share: int) -> None:
            for number in range(share):
                client = mixture.Client(run.port, peer.path, number, Counter())
                await client.open()
                if number % 2:
                    await client.ask("tools/call", {"name": "die"})
                else:
                    await client.ask("tools/call", {"name": "echo"})
                    await client.end()
                client.close()

        async def all_of_them(total: int) -> None:
            await asyncio.gather(*(worker(total // 16) for _ in range(16)))

        asyncio.run(all_of_them(max(16, count // 10)))
        time.sleep(2)
        memory, descriptors = run.memory(), run.descriptors()
        asyncio.run(all_of_them(count))
        time.sleep(3)
        return {
            "churn_sessions": count,
            "churn_memory_growth_mb": max(0.0, run.memory() - memory),
            "churn_descriptor_growth": max(0, run.descriptors() - descriptors),
            "churn_processes_left": children(run) - 1,  # the one that is asked for signs of life stays
        }


def children(run: Running) -> int:
    """Processes below the bridge, zombies included."""
    listing = subprocess.run(["pgrep", "-P", str(run.process.pid)], capture_output=True, check=False)
    return len(listing.stdout.split())


def mixed(peer: Peer, clients: int, calls: int) -> Figures:
    """Calls of all kinds against the hostile server."""
    hostile = [sys.executable, "-S", "-E", str(ROOT / "tests/hostile/server.py")]
    command = [*peer.command[: peer.command.index("--")], "--warm-processes", "0", "--", *hostile]
    with running(peer, Path(hostile[0]), argv=command) as run:
        time.sleep(1)
        descriptors = run.descriptors()
        found = asyncio.run(mixture.mixed(run.port, peer.path, clients, calls))
        deadline = time.monotonic() + 10
        while True:
            leaks = children(run) - 1 + max(0, run.descriptors() - descriptors)
            if not leaks or time.monotonic() > deadline:
                break
            time.sleep(0.1)
    return {
        "mixed_right": found["right"],
        "mixed_wrong_or_lost": found["wrong"] + found["lost"],
        "mixed_dropped": found["dropped"],
        "mixed_leaks": leaks,
    }


def stdio(tools: Tools, clients: int, seconds: float) -> Figures:
    """The floor: the same calls on a pipe."""
    command = [str(tools.load), "stdio", str(clients), str(seconds), str(tools.echo)]
    found: Figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def compiled(folder: Path) -> Tools:
    """The programs, compiled. Raises RuntimeError without a compiler."""
    tools = Tools(folder / "echo", folder / "load")
    for program in (tools.echo, tools.load):
        source = ROOT / "benchmarks/bridge_parts" / f"{program.name}.c"
        try:
            subprocess.run(["cc", "-O2", "-o", str(program), str(source)], check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise RuntimeError("there is no C compiler; on Debian install gcc and libc6-dev") from None
    return tools


def table(figures: Figures, names: list[str]) -> None:
    print(f"{'':16} {'CPU ms/call':>16} {'calls/s':>17} {'p50 ms':>8} {'p99 ms':>8} {'memory':>8}")
    print(f"{'':16} {'1 / 32 clients':>16} {'1 / 32 clients':>17} {'1':>8} {'1':>8} {'MB':>8}")
    print(
        f"{'direct stdio':16} {'':>16} {figures['stdio_calls_per_second_1']:>8.0f} / "
        f"{figures['stdio_calls_per_second_32']:>6.0f} {figures['stdio_p50_ms']:>8.3f} {figures['stdio_p99_ms']:>8.3f}"
    )
    for name in names:
        of = {key.removeprefix(name + "_"): value for key, value in figures.items() if key.startswith(name + "_")}
        print(
            f"{name:16} {of['cpu_ms_1']:>7.3f} / {of['cpu_ms_32']:>6.3f} {of['calls_per_second_1']:>8.0f} / "
            f"{of['calls_per_second_32']:>6.0f} {of['p50_ms_1']:>8.3f} {of['p99_ms_1']:>8.3f} {of['memory_mb']:>8.1f}"
        )


def compare(figures: Figures, peers: list[str]) -> dict[str, list[Any]]:
    """Adds the ratios to the peers, and gives the targets."""
    targets: dict[str, list[Any]] = {
        "bridge_cpu_ms_1": ["<=", 0.2],
        "bridge_cpu_ms_32": ["<=", 0.2],
        "bridge_p50_ms_1": ["<=", 0.35],
        "bridge_p99_ms_1": ["<=", 1.5],
        "bridge_memory_idle_mb": ["<=", 30],
        "bridge_memory_100_sessions_mb": ["<=", 40],
        "bridge_start_seconds": ["<=", 0.4],
        "bridge_mixed_wrong_or_lost": ["<=", 0],
        "bridge_mixed_leaks": ["<=", 0],
        "bridge_soak_memory_growth_mb": ["<=", 5],
        "bridge_soak_descriptor_growth": ["<=", 0],
        "bridge_churn_memory_growth_mb": ["<=", 5],
        "bridge_churn_descriptor_growth": ["<=", 0],
        "bridge_churn_processes_left": ["<=", 0],
    }
    if peers:
        figures["cpu_share_of_best_peer_1"] = figures["bridge_cpu_ms_1"] / min(
            figures[f"{name}_cpu_ms_1"] for name in peers
        )
        figures["cpu_share_of_best_peer_32"] = figures["bridge_cpu_ms_32"] / min(
            figures[f"{name}_cpu_ms_32"] for name in peers
        )
        figures["throughput_of_best_peer_32"] = (
            max(figures[f"{name}_calls_per_second_32"] for name in peers) / figures["bridge_calls_per_second_32"]
        )
        targets["cpu_share_of_best_peer_1"] = ["<=", 0.333]
        targets["cpu_share_of_best_peer_32"] = ["<=", 0.333]
        targets["throughput_of_best_peer_32"] = ["<=", 0.333]
    return {key: value for key, value in targets.items() if key in figures}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the bridge beside its peers.")
    parser.add_argument("--seconds", type=float, default=5, help="of each load")
    parser.add_argument("--soak", type=float, default=float(os.environ.get("MCP_BENCH_SOAK", "60")), help="seconds")
    parser.add_argument("--sessions", type=int, default=10_000, help="of the churn")
    parser.add_argument("--quick", action="store_true", help="without peers, soak and churn")
    options = parser.parse_args()
    figures: Figures = {"load_average": os.getloadavg()[0], "cpus": os.cpu_count()}
    names = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            tools = compiled(Path(folder))
            for clients in (1, 32):
                found = stdio(tools, clients, min(2.0, options.seconds))
                figures[f"stdio_calls_per_second_{clients}"] = found["calls"] / found["seconds"]
                if clients == 1:
                    figures["stdio_p50_ms"], figures["stdio_p99_ms"] = found["p50_ms"], found["p99_ms"]
            own = ours()
            peers = [] if options.quick else others()
            for peer in [own, *peers]:
                try:
                    measured = measure(tools, peer, options.seconds)
                except RuntimeError as error:
                    if peer is own:
                        raise
                    print(error, file=sys.stderr)
                    continue
                names.append(peer.name)
                figures.update({f"{peer.name}_{key}": value for key, value in measured.items()})
            figures["bridge_start_seconds"] = startup(tools, own)
            more = [idle(tools, own), mixed(own, 64, 50 if options.quick else 1000)]
            if not options.quick:
                more += [churn(tools, own, options.sessions), endure(tools, own, options.soak)]
            for part in more:
                figures.update({f"bridge_{key}": value for key, value in part.items()})
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            print(f"bench-bridge: {error}", file=sys.stderr)
            return 1
    targets = compare(figures, names[1:])
    table(figures, names)
    for key, (_, bound) in targets.items():
        print(f"{'met ' if figures[key] <= bound else 'MISSED'} {key} {figures[key]:.3f} <= {bound}")
    met = all(figures[key] <= bound for key, (_, bound) in targets.items())
    rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}
    print(json.dumps({"benchmark": "bridge", "figures": rounded, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
