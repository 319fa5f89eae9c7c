"""For how many more children the container has room, by its limits and by what its children are measured to need."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from .memory import Memory, Tasks
from .size import NOTHING, Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bridge.services import Services

_MIB = 1024 * 1024
_STALE_SECONDS = 1.0
_HURRY_SECONDS = 0.2  # a refusal is worth a fresh look, but many of them are not worth many
_GROWN_SECONDS = 2.0
_UNKNOWN = Size(64 * _MIB, 16)
_LEAST_TASKS = 4  # an interpreter with a thread for each of its pipes
_KILLED = (-9, 137)  # 137: as a shell says it of its child


class Measured(Protocol):
    """A child, as far as its size matters."""

    pid: int
    spoke: float | None
    """When it first said anything, in monotonic seconds: by then it has loaded what it needs. None before."""


class Room:
    """Measures children, and says how many more of them there is room for.

    A child that is still starting takes little yet: as much is reserved for it as its like were measured to need.
    `limits.memory_left` of both limits stays free for what calls need, and for the container's health check.
    """

    def __init__(self, services: Services, memory: Memory | None = None, tasks: Tasks | None = None) -> None:
        self._log = services.log
        self._limits = services.limits
        self._memory = Memory() if memory is None else memory
        self._tasks = Tasks() if tasks is None else tasks
        self._used: tuple[int | None, int | None] = (None, None)
        self._sizes: Mapping[int, Size] = {}
        self._measured = 0.0
        self._need: Size | None = None
        self._is_settled = False  # whether that is the size of grown ones
        self._killed = self._memory.killed
        self._killed_at: float | None = None
        self.killed = 0
        """Processes that the kernel has killed for want of memory since the start."""

    @property
    def need(self) -> Size:
        """What a grown child takes. Before one was measured: a guess that lets a few start, however small the limit."""
        if self._need is not None:
            return self._need
        tasks = (
            _UNKNOWN.tasks
            if self._tasks.limit is None
            else min(_UNKNOWN.tasks, max(_LEAST_TASKS, self._tasks.limit // 8))
        )
        return Size(min(_UNKNOWN.memory, self._memory.limit // 4), tasks)

    def is_stale(self, now: float, *, hurry: bool = False) -> bool:
        """Says whether it is time for another measurement. `now`: monotonic seconds. `hurry`: sooner."""
        return now - self._measured > (_HURRY_SECONDS if hurry else _STALE_SECONDS)

    def measure(self, children: Iterable[Measured], sizes: Mapping[int, Size], now: float) -> None:
        """Takes note of the `sizes` of `children` by their process ids."""
        self._measured, self._sizes = now, sizes
        self._used = self._memory.used, self._tasks.used
        spoken = [child for child in children if child.spoke is not None and child.pid in sizes]
        grown = [sizes[child.pid] for child in spoken if now - (child.spoke or now) > _GROWN_SECONDS]
        if not grown and not self._is_settled:
            grown = [sizes[child.pid] for child in spoken]
        else:
            self._is_settled = True
        if grown:
            self._need = Size(_upper([size.memory for size in grown]), _upper([size.tasks for size in grown]))

    def more(self, children: Iterable[Measured], now: float) -> tuple[int | None, str]:
        """Returns how many more children there is room for, None where nothing limits them, and which limit it is:
        memory or processes."""
        need = self.need
        missing = [0, 0]
        for child in children:
            size = self._sizes.get(child.pid, NOTHING)
            if child.spoke is None or now - child.spoke <= _GROWN_SECONDS or child.pid not in self._sizes:
                missing[0] += max(0, need.memory - size.memory)
                missing[1] += max(0, need.tasks - size.tasks)
        found: list[tuple[int, str]] = []
        share = 1 - self._limits.memory_left
        memory, tasks = self._used
        if memory is not None:
            left = self._memory.limit * share - memory - missing[0]
            found.append((max(0, int(left // max(1, need.memory))), "memory"))
        if tasks is not None and self._tasks.limit is not None:
            left = self._tasks.limit * share - tasks - missing[1]
            found.append((max(0, int(left // max(1, need.tasks))), "processes"))
        return min(found) if found else (None, "memory")

    def explain(self, which: str) -> str:
        """Returns why there is no room, for people: `which` limit, what a child needs, and the way out."""
        if which == "processes":
            needs = f"each takes {self.need.tasks} of its {self._tasks.limit} processes and threads"
            way = "pids"
        else:
            needs = f"each takes about {-(-self.need.memory // _MIB)} of its {self._memory.limit // _MIB} MiB of memory"
            way = "memory"
        return (
            f"the container has no room for another process of the server: {needs}; "
            f"raise orchestrator.resources.{way}, or set orchestrator.isolation to pooled"
        )

    def look_for_kills(self, now: float) -> None:
        """Takes note of the processes that the kernel has killed since the last look. `now`: monotonic seconds."""
        more = self._memory.killed - self._killed
        if more <= 0:  # the count is 0 where its file cannot be read, as when all file descriptors are in use
            return
        self._killed += more
        self._killed_at = now
        self.killed += more
        self._log.error(f"out of memory: the kernel killed {more} of the container's processes")

    def killing(self, within: float, now: float) -> str | None:
        """Returns that memory ran out in the last `within` seconds, as a sentence; None where it did not."""
        if self._killed_at is None or now - self._killed_at > within:
            return None
        return (
            f"out of memory: the kernel killed a process of the server, because the container has "
            f"{self._memory.limit // _MIB} MiB; raise orchestrator.resources.memory"
        )

    def blame(self, status: int | None) -> str | None:
        """Returns why a child ended with the exit `status`, where it was killed for want of memory just now."""
        if status not in _KILLED:
            return None
        now = time.monotonic()
        self.look_for_kills(now)
        return self.killing(5.0, now)


def _upper(values: list[int]) -> int:
    """The upper quartile: one very large child must not refuse room to all others."""
    return sorted(values)[len(values) * 3 // 4]
