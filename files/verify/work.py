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


async def try_case(suite: Suite, case: Case, target: Target, protocol: str, tries: int) -> CaseResult:
    """Does a case so many times, and where the first of them fails a few times more."""
    result = CaseResult(suite.path.name, case.name, target.name, protocol)
    while len(result.tries) < tries:
        result.tries.append(await run_case(case, target, protocol, suite.headers))
        if len(result.tries) == 1 and not result.tries[0].passed and not target.reason:
            tries = max(tries, 1 + MORE_TRIES)
    return result


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
