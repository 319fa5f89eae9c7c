"""What the monitor takes while nobody asks, what signing in costs, and whether tabs that were closed are in the way."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.monitor_parts.serving import HEADERS, Monitor, monitor

IDLE_SECONDS = 40.0
TABS = 50
TARGETS = {"idle_cpu_percent": ["<=", 0.1], "page_after_50_closed_tabs_s": ["<=", 0.1]}


def figures(folder: Path) -> dict[str, float]:
    """Returns every figure, of a monitor without a state. ``folder`` is empty."""
    with monitor(folder) as served:
        _, first = served.get("/audit")  # compares the password
        time.sleep(2.0)
        used = served.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        idle = (served.cpu_seconds() - used) / IDLE_SECONDS * 100
        memory = served.mebibytes()
        return {
            "sign_in_s": round(first, 3),
            "idle_cpu_percent": round(idle, 4),
            "idle_memory_mib": round(memory, 1),
            "page_after_50_closed_tabs_s": round(_after_closed_tabs(served), 4),
        }


def _after_closed_tabs(served: Monitor) -> float:
    with ExitStack() as tabs:
        for _ in range(TABS):
            tab = tabs.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=60))
            head = f"GET /monitor/logs/follow HTTP/1.1\r\nHost: x\r\nAuthorization: {HEADERS['Authorization']}\r\n\r\n"
            tab.sendall(head.encode())
            tab.recv(15)
    return served.get("/audit")[1]
