"""What runs and the watcher would write of a fleet, with everything in it that an alert is about."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.unit.monitor import samples

INTERVAL = 20
WRITTEN_EVERY = 1.0
_LISTENER = (
    "arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/mcp-local/0000000000000001/0000000000000001"
)


@dataclass
class Faults:
    """What is wrong at the moment."""

    down: bool = False
    quarantined: bool = False
    flapping: bool = False
    replica_missing: bool = False
    target_unhealthy: bool = False
    memory: bool = False
    out_of_memory: bool = False
    certificate: bool = False
    stale: bool = False
    drift: bool = False
    requests: bool = False
    watcher_gone: bool = False
    quota: bool = False
    listener_unknown: bool = False


@dataclass
class Files:
    """Writes all files anew each second until it is closed. ``bridges`` are the ports of bridges by server."""

    directory: Path
    bridges: dict[str, int]
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        for name in ("samples", "history"):
            (self.directory / name).mkdir(exist_ok=True)
        self._restarts = self._kills = 0
        self._finished = datetime.now(UTC)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self.write()
        self._thread.start()

    def close(self) -> None:
        """Writes nothing any more."""
        self._stop.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._stop.wait(WRITTEN_EVERY):
            self.write()

    def write(self) -> None:
        """Writes everything as it is now."""
        if not self.faults.stale:
            self._finished = datetime.now(UTC)
        self._put("state.json", self._state())
        self._put("routes.json", self._routes())
        self._put("samples/latest.json", self._latest())
        self._put("samples/containers.json", {"version": 1, "servers": self._containers()})
        self._put("history/20261129T000000Z-0001.json", self._report())

    def _put(self, name: str, document: Any) -> None:
        temporary = self.directory / f"{name}.new"
        temporary.write_text(json.dumps(document))
        temporary.replace(self.directory / name)

    def _state(self) -> dict[str, Any]:
        later = samples.stamp(self._finished + timedelta(hours=1))
        quarantine = {"failures": 9, "quarantined": True, "next_try": later}
        servers = [samples.server(name, number) for number, name in enumerate((*self.bridges, "orders"))]
        servers[0] |= {"replicas": {"desired": 2, "serving": 1 if self.faults.replica_missing else 2}}
        servers.append(samples.failing("weather", "503") if self.faults.down else samples.server("weather"))
        servers.append(
            samples.failing("wiki", "503", retry=quarantine) if self.faults.quarantined else samples.server("wiki")
        )
        ends = datetime.now(UTC) + timedelta(days=5 if self.faults.certificate else 90)
        remote = samples.remote("docs", certificate_ends=samples.stamp(ends))
        state = samples.state(servers, finished=self._finished, remotes=[remote], interval_seconds=INTERVAL)
        return {**state, "fleet": "mcp"}

    def _latest(self) -> dict[str, Any]:
        self._restarts += self.faults.flapping
        self._kills += self.faults.out_of_memory
        used = {
            "containers": 1, "cpu": 0.1, "memory": 2**28, "processes": 9, "received": 10.0, "sent": 20.0,
            "restarts": 0, "oom_kills": 0, "cpu_limit": 1.0, "memory_limit": 2**29, "processes_limit": 256,
            "near_limit": [],
        }  # fmt: skip
        servers = {name: dict(used) for name in (*self.bridges, "orders", "weather", "wiki")}
        servers["orders"] |= {"restarts": self._restarts, "oom_kills": self._kills}
        servers["orders"]["memory"] = int(2**29 * (0.95 if self.faults.memory else 0.5))
        age = 600 if self.faults.watcher_gone else 0
        waiting = 2 if self.faults.requests else 0
        return {"version": 1, "time": int(time.time()) - age, "servers": servers, "requests_waiting": waiting}

    def _containers(self) -> dict[str, Any]:
        return {
            name: [
                {"id": f"{number:012x}" + "0" * 52, "generation": "5f1c", "replica": "1", "is_running": True,
                 "port": port, "is_bridged": True}
            ]
            for number, (name, port) in enumerate(self.bridges.items(), 1)
        }  # fmt: skip

    def _routes(self) -> dict[str, Any]:
        now = samples.stamp(datetime.now(UTC))
        state = "unhealthy" if self.faults.target_unhealthy else "healthy"
        quota = {"name": "rules-per-application-load-balancer", "used": 95, "limit": 100, "asked": True}
        listener = {
            "arn": _LISTENER, "load_balancer": "mcp-local", "protocol": "HTTP", "port": 8080, "url": None, "asked": now,
            "rules": [], "problem": "AccessDenied" if self.faults.listener_unknown else None,
            "quotas": [{**quota, "used": 95 if self.faults.quota else 20}],
            "target_groups": [
                {"name": f"mcp-{name}", "arn": f"tg/{name}", "server": name, "health_check": "/health", "checked": now,
                 "targets": [{"id": "i-1", "port": 1, "here": True, "state": state if name == "orders" else "healthy",
                              "reason": None, "description": None}]}
                for name in (*self.bridges, "orders")
            ],
        }  # fmt: skip
        return {"version": 1, "run": "20261129T000000Z-0001", "finished": now, "listeners": [listener]}

    def _report(self) -> dict[str, Any]:
        now = samples.stamp(datetime.now(UTC))
        repaired = {"server": "orders", "event": "repaired", "text": "start: its container has ended"}
        return {
            "version": 1, "id": "20261129T000000Z-0001", "last_id": "20261129T000000Z-0001", "trigger": "timer",
            "started": now, "last_started": now, "finished": now, "runs": 1, "result": "ok", "summary": "ok",
            "severity": "ok", "plan": [], "more_actions": 0, "diff": "", "errors": [],
            "events": [repaired] if self.faults.drift else [],
        }  # fmt: skip
