"""Takes a sample of every container, round after round."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from records.sample import FULL, REDUCED, UNLIMITED, Sample
from records.samples import LATEST, VERSION

from watcher.container_list import ContainerList
from watcher.disk import Disk
from watcher.roster import Member, Roster
from watcher.segment_writer import DIRECTORY_MODE, FILE_MODE

from .cgroup import Cgroup, Cgroups, Usage, network
from .near_limit import SECONDS, Nearness
from .ring_writer import RingWriter

log = logging.getLogger("watcher")

SAMPLES, SPOOL = "samples", "requests"
_SECOND = 1_000_000_000
_AT_ONCE = 20  # containers, before others have their turn
_WORDS = {"cpu": "of its processor time", "memory": "of its memory", "processes": "of its processes"}


@dataclass(slots=True)
class Reading:
    """What a container has used between two rounds. ``cpu`` in thousandths of a core; shares in thousandths of the
    limit, None without one. What a cluster does not tell of a pod is None; ``runs``: it may tell of one that does not
    run."""

    cpu: int | None
    memory: int | None
    processes: int | None
    received: int | None
    sent: int | None
    restarts: int
    oom_kills: int
    shares: Mapping[str, int | None]
    runs: bool = True


@dataclass(slots=True)
class _Known:
    """The counters of a container at the last round."""

    pid: int
    cgroup: Cgroup
    usage: Usage
    network: tuple[int, int]
    at: int  # monotonic nanoseconds
    starts: int
    oom_events: int


@dataclass(slots=True)
class _Server:
    near: dict[str, Nearness] = field(default_factory=lambda: {name: Nearness() for name in _WORDS})
    restarts: int = 0
    oom_kills: int = 0


class Collector:
    """Samples the containers of a roster into ``directory``."""

    def __init__(self, roster: Roster, directory: Path, disk: Disk) -> None:
        self._roster = roster
        self._directory = directory / SAMPLES
        self._spool = directory / SPOOL
        self._disk = disk
        self._writer = RingWriter(self._directory, disk)
        self._list = ContainerList(self._directory, disk)
        self._cgroups = Cgroups()
        self._known: dict[str, _Known] = {}
        self._counted: dict[str, tuple[int, int]] = {}  # the restarts of pods, and those for want of memory
        self._servers: dict[str, _Server] = {}

    async def keep(self) -> None:
        """Takes a sample at the end of each step, until it is cancelled."""
        self._directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        await self.round(int(time.time()))
        while True:
            await asyncio.sleep(FULL.step - time.time() % FULL.step + 0.01)
            await self.round(int(time.time()))

    async def round(self, now: int) -> None:
        """Takes one sample of each container. ``now``: seconds since 1970; the step that ended then is written."""
        begun = (now // FULL.step - 1) * FULL.step
        readings: dict[str, list[tuple[Member, Reading]]] = {}
        for number, member in enumerate(list(self._roster.members.values())):
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            reading = self._read(member) if member.pod is None else self._read_pod(member)
            if reading is not None and member.container.server:
                readings.setdefault(member.container.server, []).append((member, reading))
        for identity in self._known.keys() - self._roster.members.keys():
            del self._known[identity]
        for identity in self._counted.keys() - self._roster.members.keys():
            del self._counted[identity]
        for server, found in readings.items():
            self._writer.write(server, sample_of(begun, [reading for _, reading in found]))
        if begun // REDUCED.step != (begun + FULL.step) // REDUCED.step:
            for server in readings:
                self._writer.reduce(server, begun // REDUCED.step * REDUCED.step)
        self._tell(now, readings)
        self._list.tell(self._roster.members.values())

    def _read(self, member: Member) -> Reading | None:
        """Reads a container's counters; returns what it used since the last round, None where that is not known."""
        identity = member.container.id
        before = self._known.get(identity)
        if not member.is_running:
            return None
        try:
            same = before is not None and before.pid == member.pid
            cgroup = before.cgroup if before is not None and same else self._cgroups.find(member.pid, identity)
            if cgroup is None:
                return None
            usage = cgroup.usage()
            traffic = network(member.pid) if member.own_network else (0, 0)
        except (OSError, ValueError):
            return None  # it has just ended
        now = time.monotonic_ns()
        known = _Known(member.pid, cgroup, usage, traffic, now, member.starts, member.oom_kills)
        self._known[identity] = known
        if before is None:
            return None
        return _between(before, known, member, fresh=not same)

    def _read_pod(self, member: Member) -> Reading | None:
        """What the cluster says of a pod; None where it does not run, and nothing has happened to it."""
        counts = member.starts, member.oom_kills
        before = self._counted.get(member.container.id, (0, 0))
        self._counted[member.container.id] = counts
        if not member.is_running and counts == before:
            return None
        return pod_reading(member, counts[0] - before[0], counts[1] - before[1])

    def _tell(self, now: int, readings: Mapping[str, list[tuple[Member, Reading]]]) -> None:
        """Writes what there is now, and says what has come near a limit or has left it."""
        told = {server: self._latest(server, now, found) for server, found in readings.items()}
        for gone in self._servers.keys() - readings.keys():
            if all(member.container.server != gone for member in self._roster.members.values()):
                del self._servers[gone]
        if not self._disk.has_room:
            return
        try:
            path = self._directory / LATEST
            temporary = path.with_name(f"{LATEST}.new")
            told_all = {"version": VERSION, "time": now, "servers": told, "requests_waiting": self._waiting()}
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            with open(descriptor, "w", encoding="utf-8") as file:
                # dump would go by way of Python, piece by piece.
                file.write(json.dumps(told_all))
            temporary.replace(path)
        except OSError as error:
            self._disk.failed(error)

    def _waiting(self) -> int | None:
        """How many requests no run has taken yet; None where there is no spool. A name with a dot is being written."""
        try:
            with os.scandir(self._spool) as found:
                return sum(each.name.endswith(".json") and not each.name.startswith(".") for each in found)
        except OSError:
            return None

    def _latest(self, name: str, now: int, found: list[tuple[Member, Reading]]) -> dict[str, Any]:
        server = self._servers.setdefault(name, _Server())
        readings, member = [reading for _, reading in found], found[0][0]
        for limit, nearness in server.near.items():
            share = _highest(readings, limit)
            if nearness.feed(now, share):
                _say(name, limit, nearness)
        server.restarts += sum(each.restarts for each in readings)
        server.oom_kills += sum(each.oom_kills for each in readings)
        return {
            "containers": sum(each.runs for each in readings),
            "cpu": _over(together(each.cpu for each in readings), 1000),
            "memory": together(each.memory for each in readings),
            "processes": together(each.processes for each in readings),
            "received": _over(together(each.received for each in readings), FULL.step),
            "sent": _over(together(each.sent for each in readings), FULL.step),
            "restarts": server.restarts,
            "oom_kills": server.oom_kills,
            "cpu_limit": member.cpu_limit,
            "memory_limit": member.memory_limit,
            "processes_limit": member.processes_limit,
            "near_limit": [
                {"limit": limit, "since": each.since, "share": each.share / 1000}
                for limit, each in server.near.items()
                if each.since
            ],
        }


def sample_of(begun: int, readings: list[Reading]) -> Sample:
    """Returns the sample of a server's containers for the step that began at ``begun``."""
    shares = {name: _highest(readings, name) for name in _WORDS}
    cpu, memory = together(each.cpu for each in readings) or 0, together(each.memory for each in readings) or 0
    return Sample(
        time=begun,
        count=1,
        containers=sum(each.runs for each in readings),
        cpu=cpu,
        cpu_most=cpu,
        memory=memory,
        memory_most=memory,
        received=together(each.received for each in readings) or 0,
        sent=together(each.sent for each in readings) or 0,
        processes=together(each.processes for each in readings) or 0,
        restarts=sum(each.restarts for each in readings),
        oom_kills=sum(each.oom_kills for each in readings),
        cpu_share=_packed(shares["cpu"]),
        memory_share=_packed(shares["memory"]),
        processes_share=_packed(shares["processes"]),
    )


def _between(before: _Known, after: _Known, member: Member, *, fresh: bool) -> Reading:
    """What was used from one round to the next. ``fresh``: the container has started in between, and its counters
    began at 0; so do those of a cgroup that was made anew unheard."""
    old = Usage(0, 0, 0, 0) if fresh or after.usage.cpu < before.usage.cpu else before.usage
    traffic = (0, 0) if fresh else before.network
    cpu = (after.usage.cpu - old.cpu) * 1000 // max(after.at - before.at, 1)
    counted = max(after.usage.oom_kills - old.oom_kills, 0)
    return Reading(
        cpu=cpu,
        memory=after.usage.memory,
        processes=after.usage.processes,
        received=max(after.network[0] - traffic[0], 0),
        sent=max(after.network[1] - traffic[1], 0),
        restarts=max(after.starts - before.starts, 0),
        # A kill that ended the container took its cgroup's counter along, and was an event.
        oom_kills=max(counted, after.oom_events - before.oom_events),
        shares={
            "cpu": _share(cpu / 1000, member.cpu_limit),
            "memory": _share(after.usage.memory, member.memory_limit),
            "processes": _share(after.usage.processes, member.processes_limit),
        },
    )


def pod_reading(member: Member, restarts: int, oom_kills: int) -> Reading:
    """Returns what is known of a pod: what it uses where the cluster measures that, and what has happened to it."""
    used = member.measured if member.is_running else None
    return Reading(
        cpu=used.cpu if used is not None else None,
        memory=used.memory if used is not None else None,
        processes=None,
        received=None,
        sent=None,
        restarts=restarts,
        oom_kills=oom_kills,
        shares={
            "cpu": _share(used.cpu / 1000, member.cpu_limit) if used is not None else None,
            "memory": _share(used.memory, member.memory_limit) if used is not None else None,
            "processes": None,
        },
        runs=member.is_running,
    )


def together(values: Iterable[int | None]) -> int | None:
    """Returns the sum of what is known, None where nothing is."""
    known = [each for each in values if each is not None]
    return sum(known) if known else None


def _over(value: int | None, divisor: int) -> float | None:
    return None if value is None else value / divisor


def _share(used: float, limit: float | None) -> int | None:
    return int(used * 1000 / limit) if limit else None


def _highest(readings: list[Reading], name: str) -> int | None:
    return max((share for each in readings if (share := each.shares[name]) is not None), default=None)


def _packed(share: int | None) -> int:
    return UNLIMITED if share is None else min(share, UNLIMITED - 1)


def _say(server: str, limit: str, nearness: Nearness) -> None:
    if nearness.since:
        log.warning(
            "server=%s near_limit=%s: it uses %d %% %s, for %d minutes now",
            *(server, limit, nearness.share // 10, _WORDS[limit], SECONDS // 60),
        )
    else:
        log.info("server=%s near_limit=none: it is away from its limit %s again", server, _WORDS[limit])
