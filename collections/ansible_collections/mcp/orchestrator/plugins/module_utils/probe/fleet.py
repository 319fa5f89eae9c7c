# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking all servers of a fleet at once, and what is reported of each."""

from __future__ import annotations

import hashlib
import json
import queue
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.bridge import (
    ask_bridges,
    sessions_of,
    sleeps,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.channel import Channel
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.failure import ProbeFailure
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.mcp_client import GOODBYE_SECONDS, McpClient
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ProbeTarget

# Every session may start a process of its own behind the bridge: a hundred at once would take the host's memory.
PARALLEL = 16

# What a route that was only just made may answer until the balancer has taken it over, and a server that is slow to
# start while a whole fleet does.
PASSING_CAUSES = frozenset({"refused", "no_route", "balancer", "bridge", "closed", "timeout"})
PAUSE_SECONDS = 0.5


def probe_fleet(
    targets: Sequence[ProbeTarget],
    *,
    timeout: float,
    deadline: float,
    settle: float = 0,
    schemas: bool = False,
    verify_tls: bool = True,
    parallel: int = PARALLEL,
) -> list[dict[str, Any]]:
    """Asks every server in parallel, and returns one report each, in the order of the targets (``report_of``).

    Args:
        timeout: seconds that one server may take.
        deadline: seconds after which this returns, whatever happens.
        settle: seconds during which a server behind a fresh route is asked again.
        schemas: whether the reports hold the tools' schemas too.
        verify_tls: whether certificates must be valid.
        parallel: how many servers are asked at a time.
    """
    end = time.monotonic() + deadline
    tls = _tls(verify_tls) if any(target.url.startswith("https:") for target in targets) else None
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
    for index in range(len(targets)):
        waiting.put(index)

    def work() -> None:
        while time.monotonic() < end:
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                report = _ask_until_settled(targets[index], timeout, end, settle, schemas, tls)
            except Exception as error:  # a thread has nobody to raise to, and the other servers are still to be asked
                report = report_of(targets[index], ProbeFailure("error", "connect", f"the probe broke: {error!r}"))
            done.put((index, report))

    for _thread in range(min(parallel, len(targets))):
        # A daemon: resolving a name cannot be given a time limit, and must not hold the module's process.
        threading.Thread(target=work, daemon=True).start()
    reports: dict[int, dict[str, Any]] = {}
    while len(reports) < len(targets):
        try:
            index, report = done.get(timeout=max(0.0, end + GOODBYE_SECONDS - time.monotonic()))
        except queue.Empty:
            break
        reports[index] = report
    return [reports.get(index) or _not_asked(target, deadline) for index, target in enumerate(targets)]


def probe(target: ProbeTarget, end: float, schemas: bool, tls: ssl.SSLContext | None) -> dict[str, Any]:
    """Asks one server until ``end`` on the clock of time.monotonic(), and returns its report (``report_of``)."""
    began = time.monotonic()
    failure: ProbeFailure | None = None
    client: McpClient | None = None
    tools: list[dict[str, Any]] = []
    try:
        channel = Channel(target.url, end, tls)
        client = McpClient(target, channel)
        told = ask_bridges(target.bridges, end) if target.call is None else []
        if sleeps(told) and client.finds_asleep():
            return _asleep(target, told)
        client.open()
        tools = client.tools()
        if target.call is not None:
            client.call(target.call, tools)
    except ProbeFailure as error:
        failure = error
    except ValueError as error:
        failure = ProbeFailure("not_mcp", "connect", f"{target.url}: {error}")
    total = time.monotonic() - began
    report = report_of(target, failure)
    if client is not None:
        client.close()
        report["protocol"] = client.protocol
        report["server"] = client.server
        report["latency_ms"] = _latencies(client, channel, total)
        report["certificate_ends"] = _moment(channel.certificate_ends)
    report["tools"] = [tool["name"] for tool in tools]
    report["digests"] = {tool["name"]: digest_of(tool) for tool in tools}
    report["definitions"] = tools
    report["sessions"] = sessions_of(ask_bridges(target.bridges, end))
    if schemas:
        report["schemas"] = {tool["name"]: tool.get("inputSchema") for tool in tools}
    return report


def _ask_until_settled(
    target: ProbeTarget, timeout: float, end: float, settle: float, schemas: bool, tls: ssl.SSLContext | None
) -> dict[str, Any]:
    settled = min(end, time.monotonic() + settle)
    while True:
        report = probe(target, min(end, time.monotonic() + timeout), schemas, tls)
        if report["cause"] not in PASSING_CAUSES or time.monotonic() + PAUSE_SECONDS >= settled:
            return report
        time.sleep(PAUSE_SECONDS)


def report_of(target: ProbeTarget, failure: ProbeFailure | None) -> dict[str, Any]:
    """Returns the report on one server, without what only an answer can fill.

    Its keys: name and url of the target; state, ``ok``, ``asleep`` or ``failing``; cause, step and reason of the
    failure, None where there is none; checked, in UTC as 2026-11-21T04:19:02Z; latency_ms, milliseconds by step and in
    ``total``; certificate_ends, until when the certificate of its address holds, in UTC, None without a verified one;
    protocol, the MCP revision that was agreed on; server, its name and version; tools, their names; digests, one of
    each tool by its name (``digest_of``); sessions, what its bridges hold and have room for (``sessions_of``), or None;
    definitions, the tools as the server lists them. With ``schemas`` also schemas, the tools' input schemas by name.
    """
    return {
        "name": target.name,
        "url": target.url,
        "state": "failing" if failure else "ok",
        "cause": failure.cause if failure else None,
        "step": failure.step if failure else None,
        "reason": failure.reason if failure else None,
        "checked": _moment(time.time()),
        "latency_ms": {},
        "certificate_ends": None,
        "protocol": None,
        "server": None,
        "tools": [],
        "digests": {},
        "definitions": [],
        "sessions": None,
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest_of(tool: Mapping[str, Any]) -> str:
    """Returns a short digest of a tool as it is listed, which differs where its description or a schema does."""
    try:
        listed = json.dumps(tool, sort_keys=True)
    except RecursionError:
        listed = str(tool["name"])
    return hashlib.sha256(listed.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _asleep(target: ProbeTarget, told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The report on a server that sleeps: what its bridges remember of it."""
    first = told[0]
    return {
        **report_of(target, None),
        "state": "asleep",
        "reason": str(first.get("reason")),
        "protocol": first.get("protocol"),
        "server": first.get("server"),
        "tools": [name for name in first["tools"] if isinstance(name, str)],
        "sessions": sessions_of(told),
    }


def _not_asked(target: ProbeTarget, deadline: float) -> dict[str, Any]:
    reason = f"not finished: the probe's {deadline:g} s for all servers were used up"
    return report_of(target, ProbeFailure("deadline", "connect", reason))


def _latencies(client: McpClient, channel: Channel, total: float) -> dict[str, float]:
    seconds = {**client.seconds, "total": total}
    if channel.connect_seconds is not None:
        seconds["connect"] = channel.connect_seconds
    return {step.replace("server/", "").replace("/", "_"): round(value * 1000, 1) for step, value in seconds.items()}


def _tls(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
