"""Which containers each server has, as the watcher sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "containers.json"
VERSION = 1
_LARGEST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServerPod:
    """What a cluster says of a pod: ``state`` is for people, ``restarts`` how often its container was started again."""

    name: str
    node: str
    state: str
    restarts: int


@dataclass(frozen=True, slots=True)
class ServerContainer:
    """One container; ``generation`` and ``replica`` are what its labels say, ``port`` where it is reached on the host.

    ``is_bridged``: a bridge answers there. A watcher of an older release tells neither. ``pod``: it is one of a
    cluster, which nobody reaches by a port of this host.
    """

    id: str
    generation: str
    replica: str
    is_running: bool
    port: int | None = None
    is_bridged: bool = False
    pod: ServerPod | None = None


def containers(directory: Path) -> Mapping[str, tuple[ServerContainer, ...]]:
    """Returns the containers by server, from the directory of the samples; nothing where none are written."""
    try:
        with (directory / FILE).open("rb") as file:
            found = json.loads(file.read(_LARGEST))
        if found["version"] != VERSION:
            return {}
        return {
            str(server): tuple(
                ServerContainer(
                    str(each["id"]),
                    str(each["generation"]),
                    str(each["replica"]),
                    each["is_running"] is True,
                    None if each.get("port") is None else int(each["port"]),
                    each.get("is_bridged") is True,
                    _pod(each.get("pod")),
                )
                for each in members
            )
            for server, members in found["servers"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _pod(found: Any) -> ServerPod | None:
    if found is None:
        return None
    return ServerPod(str(found["name"]), str(found["node"]), str(found["state"]), int(found["restarts"]))
