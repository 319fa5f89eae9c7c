"""The state as plain data, as its schema describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from monitor.api.problem import UNAVAILABLE, UNKNOWN, Problem
from monitor.file_cache import FileCache
from monitor.sources import Sources
from monitor.state import StateUnreadable, parse_state, read_bytes

OTHER_HOSTS = ("on_other_hosts", "in_cluster")


@dataclass(frozen=True)
class StateDocument:
    """``errors`` and ``warnings`` are how many there are; ``servers`` are those of this fleet and the remote ones, as
    the file has them, by their names in order."""

    fleet: str
    run: Mapping[str, Any]
    errors: int
    warnings: int
    servers: Mapping[str, Mapping[str, Any]]
    summaries: tuple[Mapping[str, Any], ...]

    def server(self, name: str) -> Mapping[str, Any]:
        """The server of this name; raises Problem."""
        found = self.servers.get(name)
        if found is None:
            raise Problem(UNKNOWN, f"The last run knew no server {name}; GET /servers lists those that it knew")
        return found


_caches: WeakKeyDictionary[Sources, FileCache[StateDocument]] = WeakKeyDictionary()


def state_document(sources: Sources) -> StateDocument:
    """The state of the last run, read anew once the file is another; raises Problem."""
    cache = _caches.get(sources)
    if cache is None:
        cache = _caches[sources] = FileCache(sources.state_file, _read)
    try:
        return cache.content()
    except StateUnreadable as error:
        raise Problem(UNAVAILABLE, f"{error}.", headers={"Retry-After": "10"}) from None


def _read(path: Path) -> StateDocument:
    content = read_bytes(path)
    parse_state(content)
    return _document(json.loads(content))


def _document(state: Mapping[str, Any]) -> StateDocument:
    every = sorted((*state["servers"], *state["remotes"]), key=lambda each: str(each["name"]))
    return StateDocument(
        fleet=state["fleet"],
        run=state["run"],
        errors=len(state["errors"]),
        warnings=len(state["warnings"]),
        servers={each["name"]: each for each in every},
        summaries=tuple(_summary(each) for each in every),
    )


def is_remote(server: Mapping[str, Any]) -> bool:
    """Whether a server runs elsewhere."""
    return "desired" not in server


def _summary(server: Mapping[str, Any]) -> Mapping[str, Any]:
    remote = is_remote(server)
    route = server.get("route") or {}
    host = "elsewhere" if remote else "other-hosts" if server["condition"] in OTHER_HOSTS else "here"
    return {
        "name": server["name"],
        "remote": remote,
        "condition": server["condition"],
        "severity": server["severity"],
        "text": server["text"]["condition"],
        "type": server["type"] if remote else server["transport"],
        "group": server["group"],
        "template": server.get("template"),
        "host": host,
        "image": server.get("image"),
        "url": server["url"] if remote else route.get("url"),
        "tools": len(server["health"]["tools"]),
        "error": server["error"],
        "since": server["since"],
    }
