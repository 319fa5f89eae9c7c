"""What a scrape of 100 servers costs, in both forms."""

from __future__ import annotations

import http.client
import os
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from monitor.access.tokens import FILE, Token, digest_of, write_tokens

from benchmarks.monitor_parts.serving import Monitor, monitor
from tests.monitor_data.site import make_site

SERVERS = 100
TIMES = 60
TOKEN = "mcpt_of-a-benchmark"  # noqa: S105 - of a monitor on loopback that ends with the benchmark
FORMS = {"text": "text/plain;version=0.0.4", "openmetrics": "application/openmetrics-text;version=1.0.0"}
TARGETS = {
    **{f"metrics_of_100_servers_{form}_p50_ms": ["<=", 50.0] for form in FORMS},
    **{f"metrics_of_100_servers_{form}_kb": ["<=", 1024.0] for form in FORMS},
}


def figures(folder: Path) -> dict[str, float]:
    """Returns every figure. ``folder`` is empty."""
    make_site(folder, servers=SERVERS, days=1, lines=20, calls=20)
    token = Token("benchmark", "view", digest_of(TOKEN), datetime(2026, 1, 1, tzinfo=UTC), None)
    write_tokens(folder / FILE, {"benchmark": token}, os.getgid())
    found: dict[str, float] = {}
    with monitor(folder) as served:
        for form, accepted in FORMS.items():
            took, size = _scraped(served, accepted)
            found[f"metrics_of_100_servers_{form}_p50_ms"] = round(statistics.median(took), 2)
            found[f"metrics_of_100_servers_{form}_most_ms"] = round(max(took), 2)
            found[f"metrics_of_100_servers_{form}_kb"] = round(size / 1024, 1)
    return found


def _scraped(served: Monitor, accepted: str) -> tuple[list[float], int]:
    """The milliseconds of each scrape over one connection, without compression, and the bytes of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    took: list[float] = []
    body = b""
    for _ in range(TIMES + 1):  # the first reads the files, and loads the library
        began = time.perf_counter()
        connection.request("GET", "/monitor/metrics", headers={"Authorization": f"Bearer {TOKEN}", "Accept": accepted})
        answer = connection.getresponse()
        body = answer.read()
        took.append((time.perf_counter() - began) * 1000)
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"the scrape is answered with {answer.status}")
    connection.close()
    return took[1:], len(body)
