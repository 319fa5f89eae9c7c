"""What the API costs a program: the list of 100 servers, and 10,000 lines of a log."""

from __future__ import annotations

import http.client
import json
import os
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from monitor.access.tokens import FILE, Token, digest_of, write_tokens

from benchmarks.monitor_parts.serving import Monitor, monitor
from tests.monitor_data.site import make_site
from tests.unit.records.kept import keep, line

SERVERS = 100
LINES = 10_000
TIMES = 200
LOG_TIMES = 15
TOKEN = "mcpt_of-a-benchmark"  # noqa: S105 - of a monitor on loopback that ends with the benchmark
TARGETS = {"api_100_servers_p50_ms": ["<=", 5.0], "api_log_of_10000_lines_p50_ms": ["<=", 50.0]}


def figures(folder: Path) -> dict[str, float]:
    """Returns every figure. ``folder`` is empty."""
    make_site(folder, servers=SERVERS, days=1, lines=20, calls=20)
    keep(folder / "logs", "flood", b"".join(line(number, f"INFO a line of a log {number}") for number in range(LINES)))
    token = Token("benchmark", "view", digest_of(TOKEN), datetime(2026, 1, 1, tzinfo=UTC), None)
    write_tokens(folder / FILE, {"benchmark": token}, os.getgid())
    with monitor(folder) as served:
        listed, size = _asked(served, f"/servers?limit={2 * SERVERS}", TIMES)
        logs, _ = _asked(served, f"/servers/flood/logs?lines={LINES}", LOG_TIMES)
        health, _ = _asked(served, "/health", TIMES)
    return {
        "api_100_servers_p50_ms": _percentile(listed, 50),
        "api_100_servers_p99_ms": _percentile(listed, 99),
        "api_100_servers_kb": round(size / 1024, 1),
        "api_log_of_10000_lines_p50_ms": _percentile(logs, 50),
        "api_health_p50_ms": _percentile(health, 50),
    }


def _asked(served: Monitor, path: str, times: int) -> tuple[list[float], int]:
    """The milliseconds of each call over one connection, and the bytes of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    took: list[float] = []
    body = b""
    for _ in range(times + 1):  # the first reads the files
        began = time.perf_counter()
        connection.request("GET", f"/monitor/api/v1{path}", headers={"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        body = answer.read()
        took.append((time.perf_counter() - began) * 1000)
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path} is answered with {answer.status}: {json.loads(body)['detail']}")
    connection.close()
    return took[1:], len(body)


def _percentile(values: list[float], percent: int) -> float:
    return round(statistics.quantiles(values, n=100)[percent - 1], 2)
