"""All cases on all servers: servers beside one another, the cases of one server in their order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import anyio

from verify.case import run_case
from verify.suite import Case, Suite
from verify.target import Target
from verify.verdict import CaseResult

MORE_TRIES = 2
"""Of a case that failed, to tell what fails from what fails at times."""


@dataclass
class Job:
    """One thing to do with one server; ``result`` is there once ``work`` is done."""

    server: str
    work: Callable[[], Awaitable[Any]]
    result: Future[Any] = field(default_factory=Future)


@dataclass
class CaseWork:
    """A case that is to be done on a server."""

    suite: Suite
    case: Case
    target: Target
    protocol: str
    result: CaseResult = field(init=False)

    def __post_init__(self) -> None:
        self.result = CaseResult(self.suite.path.name, self.case.name, self.target.name, self.protocol)

    async def tried(self, times: int) -> CaseResult:
        """Does it so many times more, and where the first of all fails a few times beyond that."""
        for _again in range(times):
            await self._once()
        first = self.result.tries[0]
        while len(self.result.tries) < 1 + MORE_TRIES and not first.passed and not self.target.reason:
            await self._once()
        return self.result

    async def _once(self) -> None:
        self.result.tries.append(await run_case(self.case, self.target, self.protocol, self.suite.headers))


def start(jobs: Sequence[Job], at_once: int) -> Thread:
    """Begins with all jobs in a thread of its own, at most so many servers at once; their results come by and by."""
    thread = Thread(target=lambda: anyio.run(_all, jobs, at_once), name="verify", daemon=True)
    thread.start()
    return thread


async def _all(jobs: Sequence[Job], at_once: int) -> None:
    servers: dict[str, list[Job]] = {}
    for job in jobs:
        servers.setdefault(job.server, []).append(job)
    limiter = anyio.CapacityLimiter(at_once)
    async with anyio.create_task_group() as group:
        for of_one in servers.values():
            group.start_soon(_server, of_one, limiter)


async def _server(jobs: Sequence[Job], limiter: anyio.CapacityLimiter) -> None:
    async with limiter:
        for job in jobs:
            try:
                job.result.set_result(await job.work())
            except Exception as problem:  # it is raised where the result is asked for
                job.result.set_exception(problem)
