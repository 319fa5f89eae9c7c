# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import queue
import ssl
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.channel import Channel
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.conversation import GOODBYE_SECONDS, Conversation
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.failure import ProbeFailure

# Every session may start a process of its own behind the bridge: a hundred at once would take the host's memory.
PARALLEL = 16

# What a route that was only just made may answer until the balancer has taken it over, and a server that is slow to
# start while a whole fleet does.
PASSING_CAUSES = frozenset({"refused", "no_route", "balancer", "bridge", "closed", "timeout"})
PAUSE_SECONDS = 0.5


def probe_fleet(
    endpoints: Sequence[Endpoint],
    *,
    timeout: float,
    deadline: float,
    settle: float = 0,
    schemas: bool = False,
    verify_tls: bool = True,
) -> list[dict[str, Any]]:
    """Ask every server in parallel, and return one report each, in the order of the endpoints.

    Args:
        timeout: seconds that one server may take.
        deadline: seconds after which this returns, whatever happens.
        settle: seconds during which a server behind a fresh route is asked again.
        schemas: whether the reports hold the tools' schemas too.
        verify_tls: whether certificates must be valid.
    """
    end = time.monotonic() + deadline
    tls = _tls(verify_tls) if any(endpoint.url.startswith("https:") for endpoint in endpoints) else None
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
    for index in range(len(endpoints)):
        waiting.put(index)

    def work() -> None:
        while time.monotonic() < end:
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                report = _ask_until_settled(endpoints[index], timeout, end, settle, schemas, tls)
            except Exception as error:  # a thread has nobody to raise to, and the other servers are still to be asked
                report = _report(endpoints[index], ProbeFailure("error", "connect", f"the probe broke: {error!r}"))
            done.put((index, report))

    for _thread in range(min(PARALLEL, len(endpoints))):
        # A daemon: resolving a name cannot be given a time limit, and must not hold the module's process.
        threading.Thread(target=work, daemon=True).start()
    reports: dict[int, dict[str, Any]] = {}
    while len(reports) < len(endpoints):
        try:
            index, report = done.get(timeout=max(0.0, end + GOODBYE_SECONDS - time.monotonic()))
        except queue.Empty:
            break
        reports[index] = report
    return [reports.get(index) or _not_asked(endpoint, deadline) for index, endpoint in enumerate(endpoints)]


def probe(endpoint: Endpoint, end: float, schemas: bool, tls: ssl.SSLContext | None) -> dict[str, Any]:
    """Ask one server until ``end`` on the clock of time.monotonic(), and return its report."""
    began = time.monotonic()
    failure: ProbeFailure | None = None
    conversation: Conversation | None = None
    tools: list[dict[str, Any]] = []
    try:
        channel = Channel(endpoint.url, end, tls)
        conversation = Conversation(endpoint, channel)
        conversation.open()
        tools = conversation.tools()
        if endpoint.call is not None:
            conversation.call(endpoint.call, tools)
    except ProbeFailure as error:
        failure = error
    except ValueError as error:
        failure = ProbeFailure("not_mcp", "connect", f"{endpoint.url}: {error}")
    total = time.monotonic() - began
    report = _report(endpoint, failure)
    if conversation is not None:
        conversation.close()
        report["protocol"] = conversation.protocol
        report["server"] = conversation.server
        report["latency_ms"] = _latencies(conversation, channel, total)
    report["tools"] = [tool["name"] for tool in tools]
    if schemas:
        report["schemas"] = {tool["name"]: tool.get("inputSchema") for tool in tools}
    return report


def _ask_until_settled(
    endpoint: Endpoint, timeout: float, end: float, settle: float, schemas: bool, tls: ssl.SSLContext | None
) -> dict[str, Any]:
    settled = min(end, time.monotonic() + settle)
    while True:
        report = probe(endpoint, min(end, time.monotonic() + timeout), schemas, tls)
        if report["cause"] not in PASSING_CAUSES or time.monotonic() + PAUSE_SECONDS >= settled:
            return report
        time.sleep(PAUSE_SECONDS)


def _report(endpoint: Endpoint, failure: ProbeFailure | None) -> dict[str, Any]:
    return {
        "name": endpoint.name,
        "url": endpoint.url,
        "state": "failing" if failure else "ok",
        "cause": failure.cause if failure else None,
        "step": failure.step if failure else None,
        "reason": failure.reason if failure else None,
        "checked": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "latency_ms": {},
        "protocol": None,
        "server": None,
        "tools": [],
    }


def _not_asked(endpoint: Endpoint, deadline: float) -> dict[str, Any]:
    reason = f"not asked to the end: the probe's {deadline:g} s for all servers were over"
    return _report(endpoint, ProbeFailure("deadline", "connect", reason))


def _latencies(conversation: Conversation, channel: Channel, total: float) -> dict[str, float]:
    seconds = {**conversation.seconds, "total": total}
    if channel.connect_seconds is not None:
        seconds["connect"] = channel.connect_seconds
    return {step.replace("server/", "").replace("/", "_"): round(value * 1000, 1) for step, value in seconds.items()}


def _tls(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
