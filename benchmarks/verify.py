"""What verifying costs: beside a bare loop of the SDK's client, and for a hundred servers; whom it accuses.

Prints a table for people, and as its last line one JSON object. The servers are real processes that answer over
streamable HTTP on loopback; the hundred are names of four such processes, because what is measured is the client.
"""

from __future__ import annotations

import contextlib
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "files")]

import anyio  # noqa: E402
from mcp import Client  # noqa: E402
from verify.bench import run_bench  # noqa: E402
from verify.comparison import Comparison  # noqa: E402
from verify.read import read_file  # noqa: E402
from verify.suite import Bench, Case, Step  # noqa: E402
from verify.target import Target  # noqa: E402
from verify.work import CaseWork  # noqa: E402

from tests.unit.verify.servers import shop  # noqa: E402

ROUNDS, SECONDS = 6, 2.0
SERVERS, PROCESSES = 100, 4
RUNS = 1000
FIRST_PORT = 28620
TARGETS = {
    "overhead_percent": ["<=", 10],
    "hundred_servers_seconds": ["<=", 20],
    "right_servers_accused": ["<=", 0],
}
FIVE_STEPS = """
servers: ["*"]
cases:
  - name: is right
    steps:
      - initialize:
        expect: [{path: serverInfo.name, equals: shop}]
      - list_tools:
        expect: [{path: "tools[].name", contains: price}]
      - {call_tool: price, arguments: {item: tea}, expect: [{path: json.price, equals: 2.5}], save: {item: json.item}}
      - {call_tool: price, arguments: {item: "${item}x"}, expect: [{error: tool}]}
      - {read_resource: "shop://hours", expect: [{path: json.opens, equals: 8}]}
"""
SERVE = """
import logging, sys, uvicorn
logging.disable(logging.ERROR)
from tests.unit.verify.servers import shop
uvicorn.run(shop().streamable_http_app(), port=int(sys.argv[1]), log_level="critical")
"""


@contextlib.contextmanager
def processes(number: int) -> Iterator[list[str]]:
    """The URLs of so many servers, each a process."""
    ports = range(FIRST_PORT, FIRST_PORT + number)
    running = [subprocess.Popen([sys.executable, "-c", SERVE, str(port)], cwd=PROJECT, stderr=-3) for port in ports]
    try:
        urls = [f"http://127.0.0.1:{port}/mcp" for port in ports]
        deadline = time.monotonic() + 60
        for url in urls:
            while not _listens(url):
                if time.monotonic() > deadline:
                    raise SystemExit(f"{url} did not start")
                time.sleep(0.1)
        yield urls
    finally:
        for each in running:
            each.terminate()
        for each in running:
            each.wait(20)


def _listens(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


async def bare(url: str) -> float:
    """Calls a second of a plain loop over the SDK's client in one session."""
    async with Client(url, cache=None) as client:
        begun, calls = time.perf_counter(), 0
        while time.perf_counter() - begun < SECONDS:
            result = await client.call_tool("price", {"item": "tea"})
            assert not result.is_error
            calls += 1
        return calls / (time.perf_counter() - begun)


async def ours(url: str) -> float:
    """The same as a benchmark of a case."""
    case = Case("a", (Step("call_tool", "price", {"item": "tea"}),), bench=Bench(1, SECONDS))
    figures = await run_bench("a.yml", case, Target("a", url), "auto", {})
    assert not figures.errors, figures.wrong
    return float(figures.to_dict()["rate"])


def overhead(url: str) -> dict[str, float]:
    """Both rates; each is first as often as second, so that both meet the same host and the same server."""
    anyio.run(bare, url)
    rates: dict[Any, list[float]] = {bare: [], ours: []}
    for way in (bare, ours, ours, bare) * ROUNDS:
        rates[way].append(anyio.run(way, url))
    plain, measured = (statistics.mean(rates[way]) for way in (bare, ours))
    percent = round(100 * (1 - measured / plain), 1)
    return {"bare_rate": round(plain), "bench_rate": round(measured), "overhead_percent": percent}


def hundred(urls: list[str], folder: Path) -> dict[str, float]:
    """Seconds of the whole command for a hundred servers of five steps each."""
    (folder / "all.yml").write_text(FIVE_STEPS)
    servers = [_entry(f"server-{number:03}", urls[number % len(urls)]) for number in range(SERVERS)]
    (folder / "state.json").write_text(json.dumps({"servers": servers, "remotes": []}))
    words = [sys.executable, "-m", "verify", str(folder / "all.yml"), "--state", str(folder / "state.json")]
    begun = time.perf_counter()
    done = subprocess.run(words, cwd=PROJECT / "files", capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode or f"{SERVERS} passed" not in done.stdout:
        raise SystemExit(done.stdout + done.stderr)
    return {"hundred_servers_seconds": round(seconds, 2)}


def _entry(name: str, url: str) -> dict[str, Any]:
    return {"name": name, "condition": "ok", "transport": "http", "client": {"type": "http", "url": url}}


def accused(folder: Path) -> dict[str, float]:
    """How many of a thousand verifications of a right server found a failure or a change."""
    path = folder / "shop.yml"
    path.write_text(FIVE_STEPS.replace('"*"', "shop"))
    suite = read_file(path)
    target = Target("shop", server=shop())

    async def once(record: bool, tries: int) -> bool:
        works = [CaseWork(suite, case, target, "auto") for case in suite.cases]
        results = [await each.tried(tries) for each in works]
        comparison = Comparison(target, works, {}, folder / "baseline" / "shop.json")
        changes = await (comparison.record() if record else comparison.compare())
        return bool(changes) or any(each.failures for each in results)

    async def often() -> int:
        await once(True, 5)
        return sum([await once(False, 1) for _run in range(RUNS)])

    return {"verifications_of_a_right_server": RUNS, "right_servers_accused": anyio.run(often)}


def main() -> int:
    """Measures, and returns 0 whether the targets are met or not."""
    logging.disable(logging.ERROR)  # of the servers in this process
    with tempfile.TemporaryDirectory(prefix="mcp-verify-bench-") as name:
        with processes(PROCESSES) as urls:
            figures = {**overhead(urls[0]), **hundred(urls, Path(name))}
        figures |= accused(Path(name))
    for key, figure in figures.items():
        operator, target = TARGETS.get(key, ("", ""))
        print(f"{key:<40} {figure:>10} {operator} {target}".rstrip())
    met = all(figures[key] <= target for key, (_operator, target) in TARGETS.items())
    print(json.dumps({"benchmark": "verify", "figures": figures, "targets": TARGETS, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
