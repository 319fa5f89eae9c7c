"""Reading samples: what each server used, over hours and over a month, and how near it is to its limits now."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .sample import SIZE, Ring, Sample, unpack

LATEST = "latest.json"
VERSION = 1
_LARGEST = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class NearLimit:
    """A limit near which a server stays: ``limit`` is cpu, memory or processes; ``since`` seconds since 1970;
    ``share`` the part of the limit that is in use, such as 0.93."""

    limit: str
    since: int
    share: float


@dataclass(frozen=True, slots=True)
class Latest:
    """The last sample of a server in units for people, and the limits of each of its containers, None without one.

    ``cpu`` and ``cpu_limit`` in cores, ``memory`` in bytes, ``received`` and ``sent`` in bytes a second; None where
    nobody measures it, as in a cluster. ``restarts`` and ``oom_kills`` are those since the watcher's start.
    """

    containers: int
    cpu: float | None
    memory: int | None
    processes: int | None
    received: float | None
    sent: float | None
    restarts: int
    oom_kills: int
    cpu_limit: float | None
    memory_limit: int | None
    processes_limit: int | None
    near_limit: tuple[NearLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class Now:
    """The last round: ``time`` in seconds since 1970, 0 where there is none. ``requests_waiting``: how many no run had
    taken then, None where the watcher did not say."""

    time: int = 0
    servers: Mapping[str, Latest] = field(default_factory=dict)
    requests_waiting: int | None = None


class Samples:
    """The samples below one directory, with a directory for each server, which need not exist."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def servers(self) -> list[str]:
        """Returns the names of the servers that have samples."""
        try:
            with os.scandir(self._directory) as found:
                return sorted(each.name for each in found if each.is_dir(follow_symlinks=False))
        except OSError:
            return []

    def series(self, server: str, ring: Ring, since: int, until: int) -> list[Sample]:
        """Returns the samples of a server in the order of their times, from ``since`` and before ``until``, in seconds
        since 1970. An interval without one is a gap. Empty where there is no such server."""
        return self._series(server, ring, since, until) if server in self.servers() else []

    def of_all(self, ring: Ring, since: int, until: int) -> dict[str, list[Sample]]:
        """Returns the same for every server."""
        return {server: self._series(server, ring, since, until) for server in self.servers()}

    def _series(self, server: str, ring: Ring, since: int, until: int) -> list[Sample]:
        since = max(since // ring.step * ring.step, until - ring.seconds, 0)
        if until <= since:
            return []
        try:
            with (self._directory / server / ring.name).open("rb") as file:
                found = self._between(file.fileno(), ring, since, until)
        except OSError:
            return []
        samples = (sample for sample in unpack(found) if since <= sample.time < until)
        return sorted(samples, key=lambda sample: sample.time)

    @staticmethod
    def _between(file: int, ring: Ring, since: int, until: int) -> bytes:
        first, last = ring.offset(since), ring.offset(until - 1) + SIZE
        if until - since >= ring.seconds - ring.step:
            return os.pread(file, ring.places * SIZE, 0)
        if first < last:
            return os.pread(file, last - first, first)
        return os.pread(file, ring.places * SIZE - first, first) + os.pread(file, last, 0)

    def now(self) -> Now:
        """Returns the last round; an empty one where none is written, or what is written is none of the watcher's."""
        try:
            with (self._directory / LATEST).open("rb") as file:
                found = json.loads(file.read(_LARGEST))
            waiting = found.get("requests_waiting")
            return Now(
                int(found["time"]),
                {name: _latest(each) for name, each in found["servers"].items()},
                None if waiting is None else int(waiting),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Now()


def _latest(found: Mapping[str, Any]) -> Latest:
    near = tuple(NearLimit(**each) for each in found["near_limit"])
    return Latest(**{**found, "near_limit": near})
