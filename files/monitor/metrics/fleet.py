"""What is measured of the whole fleet: its last run, the watcher, the load balancers' quotas, the release."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from records.samples import Now
from records.spans import Progress

from monitor.api.documents import StateDocument
from monitor.listeners import Listeners
from monitor.metrics.measure import Families, Labels, Measure, seconds_of
from monitor.notices import WATCHER_SILENT_SECONDS

BUILD = Measure("mcp_build_info", "The release that runs here: 1.", "info")
STATE_READABLE = Measure("mcp_state_readable", "Whether a run has left a state that can be read.")
RUN = {
    "mcp_run_success": Measure("mcp_run_success", "Whether the last run ended without an error."),
    "mcp_run_seconds": Measure("mcp_run_seconds", "How long it took."),
    "mcp_run_finished_timestamp_seconds": Measure(
        "mcp_run_finished_timestamp_seconds", "When it ended: the age of all that is said of servers."
    ),
    "mcp_run_interval_seconds": Measure(
        "mcp_run_interval_seconds", "The longest time between two runs, as settings say."
    ),
    "mcp_run_changes": Measure("mcp_run_changes", "Things that it did."),
    "mcp_run_errors": Measure("mcp_run_errors", "Errors that it met."),
    "mcp_run_repaired_servers": Measure(
        "mcp_run_repaired_servers",
        "Servers that it found other than they should be, although nobody had asked for that.",
    ),
}
WARNINGS = Measure("mcp_warnings", "What is to be known of the host and its load balancer, as the page says it.")
SERVERS = Measure("mcp_servers", "Servers by their condition.")
WATCHER_UP = Measure(
    "mcp_watcher_up", f"Whether the watcher has written a sample in the last {WATCHER_SILENT_SECONDS} s."
)
WATCHER_SAMPLED = Measure("mcp_watcher_sampled_timestamp_seconds", "When it wrote one last.")
REQUESTS_WAITING = Measure("mcp_requests_waiting", "Requests that no run had taken when the watcher looked last.")
LISTENER_UP = Measure("mcp_listener_up", "Whether the last run could ask for the listener's rules and targets.")
SPANS = {
    "sent": Measure("mcp_spans_sent_total", "Spans of calls that their receiver has taken.", "counter"),
    "dropped": Measure(
        "mcp_spans_dropped_total", "Spans that waited too long for it, or that it has refused.", "counter"
    ),
    "lost": Measure(
        "mcp_spans_overrun_total",
        "How often calls of a server were deleted before their spans could be made.",
        "counter",
    ),
}
QUOTA_USED = Measure("mcp_quota_used", "What a load balancer has of that of which it may have so many.")
QUOTA_LIMIT = Measure("mcp_quota_limit", "How many it may have, as the account or AWS's documentation says.")

_GALAXY = Path(__file__).resolve().parents[3] / "collections/ansible_collections/mcp/orchestrator/galaxy.yml"


@cache
def version() -> str:
    """Returns the version of this release; empty where its collection is not beside it."""
    try:
        found = re.search(r"^version: *(\S+)", _GALAXY.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return ""
    return found[1] if found else ""


def add_run(families: Families, state: StateDocument | None, fleet: str, repaired: int | None) -> None:
    """Adds what is known of the release and the last run. ``repaired``: in how many servers it found a difference."""
    families.add(BUILD, ({"version": version(), "fleet": fleet}, 1))
    families.add(STATE_READABLE, ({}, int(state is not None)))
    if state is None:
        return
    run = state.run
    started, finished = seconds_of(run["started"]), seconds_of(run["finished"])
    values = {
        "mcp_run_success": int(run["result"] == "ok"),
        "mcp_run_seconds": None if started is None or finished is None else finished - started,
        "mcp_run_finished_timestamp_seconds": finished,
        "mcp_run_interval_seconds": run["interval_seconds"],
        "mcp_run_changes": len(run["changes"]),
        "mcp_run_errors": state.errors,
        "mcp_run_repaired_servers": repaired,
    }
    for name, measure in RUN.items():
        families.add(measure, ({}, values[name]))
    families.add(WARNINGS, ({}, state.warnings))
    families.add(SERVERS, *_conditions(state.servers))


def _conditions(servers: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Labels, int]]:
    counts: dict[tuple[str, str], int] = {}
    for each in servers.values():
        key = (each["condition"], each["severity"])
        counts[key] = counts.get(key, 0) + 1
    for (condition, severity), count in sorted(counts.items()):
        yield {"condition": condition, "severity": severity}, count


def add_watcher(families: Families, sampled: Now, now: datetime) -> None:
    """Adds what is known of the watcher, and what it alone sees: ``sampled`` is its last round."""
    if not sampled.time:  # it is off, or has just been installed
        return
    families.add(WATCHER_UP, ({}, int(now.timestamp() - sampled.time <= WATCHER_SILENT_SECONDS)))
    families.add(WATCHER_SAMPLED, ({}, sampled.time))
    families.add(REQUESTS_WAITING, ({}, sampled.requests_waiting))


def add_spans(families: Families, progress: Progress | None) -> None:
    """Adds what the sender of spans has counted, where there is one."""
    if progress is not None:
        for name, measure in SPANS.items():
            families.add(measure, ({}, getattr(progress, name)))


def add_listeners(families: Families, listeners: Listeners | None) -> None:
    """Adds what is known of the load balancers."""
    every = listeners.listeners if listeners is not None else ()
    families.add(
        LISTENER_UP,
        *(({"load_balancer": each.load_balancer, "port": str(each.port)}, int(each.problem is None)) for each in every),
    )
    quotas = {(each.load_balancer, quota.name): quota for each in every for quota in each.quotas}
    labels = [{"load_balancer": balancer, "quota": name} for balancer, name in quotas]
    families.add(QUOTA_USED, *zip(labels, (each.used for each in quotas.values()), strict=True))
    families.add(QUOTA_LIMIT, *zip(labels, (each.limit for each in quotas.values()), strict=True))
