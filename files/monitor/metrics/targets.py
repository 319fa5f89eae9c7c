"""Where Prometheus finds everything, in the form of its HTTP and its file discovery.

https://prometheus.io/docs/prometheus/latest/http_sd/
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.containers import ServerContainer

SHORT_ID = 12
_KINDS = ("logs", "calls")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?", re.ASCII)


@dataclass(frozen=True)
class Monitor:
    """Where the monitor is for who asks: scheme, host with its port, and path."""

    scheme: str
    host: str
    base: str

    @classmethod
    def of(cls, headers: Mapping[str, str], base: str) -> Monitor | None:
        """Returns where a request went, as its headers say; None where they do not say it."""
        host = headers.get("host", "")
        scheme = headers.get("x-forwarded-proto", "http").lower()
        if not _HOST.fullmatch(host) or scheme not in ("http", "https"):
            return None
        return cls(scheme, host, base)


def targets_of(
    monitor: Monitor, fleet: str, containers: Mapping[str, Sequence[ServerContainer]], *, has_balancer: bool
) -> list[dict[str, Any]]:
    """Returns the targets, all through the monitor: its own metrics, the load balancer's, and those of each bridge."""
    host = socket.gethostname()
    found = [_target(monitor, "/metrics", {"fleet": fleet, "host": host, "instance": host})]
    if has_balancer:
        labels = {"fleet": fleet, "host": host, "instance": f"{host}/balancer"}
        found.append(_target(monitor, "/metrics/balancer", labels))
    for server, each in bridges(containers):
        labels = {
            "fleet": fleet,
            "host": host,
            "instance": f"{host}/{server}/{each.replica}",
            "server": server,
            "replica": each.replica,
            "generation": each.generation,
        }
        found.append(_target(monitor, f"/metrics/bridges/{each.id[:SHORT_ID]}", labels))
    return found


def logs_of(directory: Path, servers: Iterable[Mapping[str, Any]], fleet: str) -> list[dict[str, Any]]:
    """Returns where the watcher keeps the logs and calls of each server, for programs that send them elsewhere: the
    label ``__path__`` is a pattern of files, as Alloy and others of Prometheus' family have it."""
    return [
        {
            "targets": ["localhost"],
            "labels": {
                "__path__": str(directory / kind / str(server["name"]) / "*.log"),
                "fleet": fleet,
                "host": socket.gethostname(),
                "server": str(server["name"]),
                "container_name": str((server["container"] or {}).get("name") or ""),
                "mcp_type": str(server["transport"] or ""),
                "mcp_tools_count": str(len(server["health"]["tools"])),
            },
        }
        for server in servers
        for kind in _KINDS
    ]


def bridges(containers: Mapping[str, Sequence[ServerContainer]]) -> Iterator[tuple[str, ServerContainer]]:
    """Yields the containers that run a bridge, with their servers."""
    for server, members in containers.items():
        for each in members:
            if each.is_running and each.is_bridged and each.port is not None:
                yield server, each


def _target(monitor: Monitor, path: str, labels: Mapping[str, str]) -> dict[str, Any]:
    special = {"__scheme__": monitor.scheme, "__metrics_path__": f"{monitor.base}{path}"}
    return {"targets": [monitor.host], "labels": {**special, **labels}}
