"""Which containers and pods each server has, for who looks at it: written when that changes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from records.containers import FILE, VERSION

from .disk import Disk
from .roster import Member
from .segment_writer import FILE_MODE

GENERATION_LABEL, REPLICA_LABEL, PORT_LABEL, BRIDGE_LABEL = "mcp_generation", "mcp_replica", "mcp_port", "mcp_bridge"


class ContainerList:
    """The list in ``directory``."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._path = directory / FILE
        self._disk = disk
        self._told: dict[str, Any] | None = None

    def tell(self, members: Iterable[Member]) -> None:
        """Writes the list where it is another than it was."""
        found = _by_server(members)
        if found == self._told or not self._disk.has_room:
            return
        try:
            temporary = self._path.with_name(f"{FILE}.new")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps({"version": VERSION, "servers": found}))
            temporary.replace(self._path)
            self._told = found
        except OSError as error:
            self._disk.failed(error)


def _by_server(members: Iterable[Member]) -> dict[str, list[dict[str, Any]]]:
    servers: dict[str, list[dict[str, Any]]] = {}
    for member in sorted(members, key=lambda each: each.container.id):
        labels = member.container.labels
        told: dict[str, Any] = {
            "id": member.container.id,
            "generation": labels.get(GENERATION_LABEL, ""),
            "replica": labels.get(REPLICA_LABEL, "1"),
            "is_running": member.is_running,
            "port": int(port) if (port := labels.get(PORT_LABEL, "")).isascii() and port.isdigit() else None,
            "is_bridged": bool(labels.get(BRIDGE_LABEL)),
        }
        if member.pod is not None:
            pod = member.pod
            told["pod"] = {"name": pod.name, "node": pod.node, "state": pod.state, "restarts": pod.restarts}
        servers.setdefault(member.container.server, []).append(told)
    servers.pop("", None)
    return dict(sorted(servers.items()))
