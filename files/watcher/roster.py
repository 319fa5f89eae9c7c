"""Which containers and pods the fleet has, and what must be known of each to record what it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .engine.client import Engine
from .engine.model import FLEET_LABEL, Container
from .errors import Refused

if TYPE_CHECKING:
    from .cluster.pod import Pod

_ACTIONS = {"container": ["start", "die", "oom", "destroy"]}
_NANO = 1_000_000_000


class LogSource(Protocol):
    """Who has the output of containers, as ``Engine.logs`` tells it."""

    def logs(self, identity: str, since: str) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, bytes]]]:
        """Yields it from a time on."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a pod uses: thousandths of a core, and bytes."""

    cpu: int
    memory: int


@dataclass(slots=True)
class Member:
    """One container, or a pod of a cluster, of which ``pod`` and ``source`` tell more, and ``measured`` what it uses.

    ``pid`` is that of its first process, 0 where it does not run; ``starts`` and ``oom_kills`` are counted since the
    watcher's start. The limits: cores, bytes and processes, None without one. ``changed`` is set when it starts, is
    looked at again, or is gone. ``image`` is the reference that it was made with.
    """

    container: Container
    pid: int = 0
    cpu_limit: float | None = None
    memory_limit: int | None = None
    processes_limit: int | None = None
    own_network: bool = True
    log_driver: str = ""
    image: str = ""
    image_id: str = ""
    starts: int = 0
    oom_kills: int = 0
    is_running: bool = False
    pod: Pod | None = None
    source: LogSource | None = None
    measured: Measured | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Roster:
    """The containers by id, kept true by the engine's events, and by a listing whenever those were not heard."""

    def __init__(self, engine: Engine, fleet: str) -> None:
        self._engine = engine
        self._fleet = fleet
        self.members: dict[str, Member] = {}
        self.listeners: list[Callable[[Member], None]] = []
        """Each is called with every container that is found and with each that starts."""

    async def keep(self) -> None:
        """Keeps the containers true until the engine goes away."""
        async with self._engine.events(_ACTIONS) as events:
            await self._list()
            async for event in events:
                if event.attributes.get(FLEET_LABEL) != self._fleet:
                    continue
                member = self.members.get(event.container)
                if event.action == "start":
                    await (self._list() if member is None else self._look(member))
                elif member is not None:
                    self._hear(member, event.action)

    def _hear(self, member: Member, action: str) -> None:
        if action == "oom":
            member.oom_kills += 1
            return
        member.is_running = False
        if action == "destroy":
            self.forget(member.container.id)

    def forget(self, identity: str) -> None:
        """Takes note that a container or a pod is gone."""
        member = self.members.pop(identity, None)
        if member is not None:
            member.is_running = False
            member.changed.set()

    async def _list(self) -> None:
        """Sees what there is, after all that was not heard."""
        found = {each.id: each for each in await self._engine.containers(self._fleet)}
        for gone in [each for each, member in self.members.items() if member.pod is None and each not in found]:
            self.forget(gone)
        for identity, container in found.items():
            member = self.members.setdefault(identity, Member(container))
            member.container = container
            await self._look(member)

    async def _look(self, member: Member) -> None:
        try:
            found = await self._engine.inspect(member.container.id)
        except Refused:
            self.forget(member.container.id)
            return
        state, host = found.get("State") or {}, found.get("HostConfig") or {}
        pid = int(state.get("Pid") or 0)
        if pid and member.pid and pid != member.pid:
            member.starts += 1
        member.pid = pid or member.pid
        member.is_running = bool(pid)
        member.cpu_limit = _cores(host)
        member.memory_limit = host.get("Memory") or None
        member.processes_limit = limit if (limit := host.get("PidsLimit") or 0) > 0 else None
        member.own_network = host.get("NetworkMode") != "host"
        member.log_driver = (host.get("LogConfig") or {}).get("Type") or ""
        member.image = str((found.get("Config") or {}).get("Image") or "")
        member.image_id = str(found.get("Image") or "")
        member.changed.set()
        for listener in self.listeners:
            listener(member)


def _cores(host: Mapping[str, Any]) -> float | None:
    nano = host.get("NanoCpus") or 0
    quota, period = host.get("CpuQuota") or 0, host.get("CpuPeriod") or 100_000
    if nano:
        return float(nano) / _NANO
    return quota / period if quota > 0 else None
