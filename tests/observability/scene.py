"""The site that is observed: an installation with a watcher, its clients, and the Prometheus that make observe runs."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.chaos.load import call
from tests.chaos.scene import FaultySite, watched_site
from tests.e2e.support.sample import ANOTHER, SAMPLE
from tests.e2e.support.site import LISTENER, PROMETHEUS
from tests.e2e.support.waiting import until
from tests.observability.prometheus import get, hurried

RULES = Path(__file__).parents[2] / "files/observability/mcp.rules.yml"
# Seconds between two timed runs, as short as a busy machine can keep.
INTERVAL = 20
_POOLED = {"isolation": "pooled"}
# Each is there for faults of its own.
SERVERS: dict[str, Any] = {
    "time": {**SAMPLE["time"], "orchestrator": _POOLED},
    "slow": {**SAMPLE["everything"], "orchestrator": _POOLED},
    "orders": SAMPLE["orders"],
    "pair": {**ANOTHER, "orchestrator": {**_POOLED, "replicas": 2}},
    "hoard": {
        **ANOTHER,
        "args": ["run", "-i", "-e", "TZ", "--memory", "256m", "mcp-sample/time:1"],
        "orchestrator": _POOLED,
    },
    "drifting": {**ANOTHER, "orchestrator": _POOLED},
}
_SLOW_SECONDS = 12
_QUICK = {"name": "get_current_time", "arguments": {"timezone": "UTC"}}


class Clients:
    """Call tools of the servers all the time; while ``bad`` is set, one server's calls fail and another's are slow."""

    def __init__(self) -> None:
        self.bad = threading.Event()
        self._stop = threading.Event()
        called = ("time", "time", "slow", "slow", "pair")
        self._threads = [threading.Thread(target=self._go_on, args=(each,), daemon=True) for each in called]

    def _go_on(self, server: str) -> None:
        while not self._stop.wait(0.2):
            call(LISTENER, server, "tools/call", self._tool(server))

    def _tool(self, server: str) -> Mapping[str, Any]:
        if server == "slow":
            seconds = _SLOW_SECONDS if self.bad.is_set() else 0
            return {"name": "trigger-long-running-operation", "arguments": {"duration": seconds, "steps": 1}}
        return {"name": "no such tool", "arguments": {}} if server == "time" and self.bad.is_set() else _QUICK

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


@contextmanager
def observed_site() -> Iterator[FaultySite]:
    """The site under observation, until the block ends. Raises RuntimeError where it cannot be made."""
    with watched_site(INTERVAL) as site:
        settings = site.etc / "settings.conf"
        settings.write_text(settings.read_text().replace("[routes]", f"[routes]\nwait_timeout = {INTERVAL}"))
        site.write_config(SERVERS)
        until(lambda: set(site.servers()) == set(SERVERS), "a run has made all servers", 240)
        often = {"observability_scrape_interval": "2s"}
        run = site.play("observe", "-e", json.dumps(often))
        if run.code:
            raise RuntimeError(f"make observe failed: {run.output[-2000:]}")
        _hurry(site)
        yield site


def _hurry(site: FaultySite) -> None:
    """Has Prometheus take the rules with shorter times."""
    file = site.var / "observability/mcp.rules.yml"
    file.write_text(hurried(RULES.read_text(encoding="utf-8")))
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = command.read_bytes().decode(errors="replace").split("\0")
            if words[0].endswith("/prometheus") and f"--web.listen-address={PROMETHEUS}" in words:
                os.kill(int(command.parent.name), signal.SIGHUP)

    def taken() -> bool:
        groups = get(PROMETHEUS, "/api/v1/rules?type=alert")["data"]["groups"]
        return all(rule["duration"] <= 30 for group in groups for rule in group["rules"])

    until(taken, "Prometheus has the hurried rules")
