"""A case as a benchmark: its steps again and again in several sessions at once, at a rate or as fast as it goes."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio

from verify.case import Steps
from verify.expect import differences
from verify.outcome import error_of
from verify.read import VARIABLE
from verify.session import Session, opened
from verify.suite import WAIT, Bench, Case, Step
from verify.target import Target
from verify.variables import filled, hidden, secrets_of

MOST_ERRORS = 5


@dataclass
class Figures:
    """What a benchmark found. ``seconds`` are those of each request by the step's title; ``duration`` is in seconds."""

    file: str
    case: str
    server: str
    protocol: str
    bench: Bench
    duration: float = 0.0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        """How many requests were not as expected."""
        return sum(self.wrong.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain data, times in milliseconds; ``rate`` is of requests a second."""
        every = [each for times in self.seconds.values() for each in times]
        return {
            "server": self.server,
            "file": self.file,
            "case": self.case,
            "protocol": self.protocol,
            "concurrency": self.bench.concurrency,
            "asked_rate": self.bench.rate,
            "duration": round(self.duration, 3),
            "requests": len(every),
            "rate": round(len(every) / self.duration, 1) if self.duration else 0.0,
            "errors": self.errors,
            "wrong": dict(itertools.islice(self.wrong.items(), MOST_ERRORS)),
            "steps": {title: percentiles(times) for title, times in self.seconds.items()},
        }


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Milliseconds below which so many of a hundred requests stayed (nearest rank), and the slowest."""
    times = sorted(seconds)
    ranks = {f"p{rank}": times[max(0, math.ceil(rank / 100 * len(times)) - 1)] for rank in (50, 90, 99)}
    return {name: round(each * 1000, 2) for name, each in {**ranks, "max": times[-1]}.items()}


async def run_bench(file: str, case: Case, target: Target, protocol: str, headers: Mapping[str, str]) -> Figures:
    """Does a case that has ``bench``. What goes wrong is in the figures; what breaks a session ends that session."""
    bench = case.bench or Bench()
    figures = Figures(file, case.name, target.name, protocol, bench)
    work = _Work(case, secrets_of([case, headers]), figures)
    if target.reason:
        figures.wrong[target.reason] = 1
        return figures
    sent = filled(dict(headers), case.variables)
    ready = anyio.Event()
    async with anyio.create_task_group() as group:
        waiting = [anyio.Event() for _each in range(bench.concurrency)]
        for mine in waiting:
            group.start_soon(work.session, target, protocol, sent, mine, ready)
        for mine in waiting:
            await mine.wait()
        begun = time.perf_counter()
        work.start(begun)
        ready.set()
    figures.duration = time.perf_counter() - begun
    return figures


class _Work:
    """The sessions of one benchmark."""

    def __init__(self, case: Case, secrets: frozenset[str], figures: Figures) -> None:
        self._case = case
        self._secrets = secrets
        self._figures = figures
        self._turns: Iterator[float] = iter(())
        self._until = 0.0

    def start(self, now: float) -> None:
        """Sets the moments at which the steps begin, for all sessions."""
        bench = self._figures.bench
        self._until = now + bench.duration
        rate = bench.rate
        self._turns = (now + turn / rate for turn in itertools.count()) if rate else itertools.repeat(0.0)

    async def session(
        self, target: Target, protocol: str, headers: dict[str, str], mine: anyio.Event, ready: anyio.Event
    ) -> None:
        """One of the sessions; its setup and teardown are done once."""
        try:
            async with opened(target, protocol, headers, self._case.script) as session:
                around = Steps(session, dict(self._case.variables), self._secrets)
                well = await around.all("setup step", self._case.setup)
                mine.set()
                await ready.wait()
                if well:
                    await self._turn_after_turn(session, around.variables)
                await around.all("teardown step", self._case.teardown, go_on=True)
                for failure in around.record.failures:
                    self._wrong(failure)
        except Exception as problem:
            error = error_of(problem)
            if error is None:
                raise
            self._wrong(f"error {error.kind}: {error.message}")
        finally:
            mine.set()

    async def _turn_after_turn(self, session: Session, variables: dict[str, Any]) -> None:
        plain = [step for step in self._case.steps if _is_plain(step)]
        for due in self._turns:
            now = time.perf_counter()
            if max(now, due) >= self._until:
                return
            if due > now:
                await anyio.sleep(due - now)
            # A late turn counts from when it was due: who waits for a busy server waits as well.
            since = due or time.perf_counter()
            for step in self._case.steps:
                await (
                    self._quick(session, step, since) if step in plain else self._full(session, step, variables, since)
                )
                since = time.perf_counter()

    async def _quick(self, session: Session, step: Step, since: float) -> None:
        """Does a step of which only an error can be wrong, with as little around the request as can be."""
        error = await session.error_of(step)
        self._took(step, since)
        if error is not None:
            self._wrong(f"{step.title}: {error}")

    async def _full(self, session: Session, step: Step, variables: dict[str, Any], since: float) -> None:
        steps = Steps(session, variables, self._secrets)
        await steps.all("step", [replace(step, expect=tuple(replace(each, within=None) for each in step.expect))])
        self._took(step, since)
        late = [each for each in step.expect if each.within is not None]
        failures = list(steps.record.failures)
        if late and steps.record.done:
            seconds = time.perf_counter() - since
            outcome = replace(steps.record.done[-1].outcome, seconds=seconds, error=None)
            failures += differences(outcome, [replace(each, checks={}, error=()) for each in late])
        for failure in failures:
            self._wrong(failure)

    def _took(self, step: Step, since: float) -> None:
        if step.action != WAIT:
            self._figures.seconds.setdefault(step.title, []).append(time.perf_counter() - since)

    def _wrong(self, said: str) -> None:
        said = hidden(said, self._secrets)
        self._figures.wrong[said] = self._figures.wrong.get(said, 0) + 1


def _is_plain(step: Step) -> bool:
    """Whether nothing has to be looked at in the answer, and nothing to be filled in."""
    return not step.expect and not step.save and not VARIABLE.search(json.dumps([step.subject, step.arguments]))
