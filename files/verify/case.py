"""One case on one server: its steps in a session of their own, and what came of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import jmespath

from verify.expect import differences
from verify.outcome import Error, Outcome, error_of
from verify.session import Session, opened
from verify.suite import Case, Expectation, Step
from verify.target import Target
from verify.variables import NotSet, filled, hidden, secrets_of

TEARDOWN_SECONDS = 60.0


@dataclass(frozen=True)
class Done:
    """A step that was done: where it stands (``step 2``), what it was, what came of it, what was wrong with that."""

    place: str
    title: str
    outcome: Outcome
    wrong: tuple[str, ...] = ()


@dataclass
class Record:
    """What came of one try of a case; ``failures`` are sentences, none where all is as expected."""

    done: list[Done] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return not self.failures

    @property
    def seconds(self) -> float:
        """What the steps took."""
        return sum(each.outcome.seconds for each in self.done)


async def run_case(case: Case, target: Target, protocol: str, headers: Mapping[str, str]) -> Record:
    """Does a case once. Never raises for what a server does."""
    run = _Run(case, secrets_of([case, headers]))
    try:
        sent = filled(dict(headers), case.variables)
        if target.reason:
            run.fail("server", target.reason)
            return run.record
        await run.all_steps(target, protocol, sent)
    except NotSet as missing:
        run.fail("headers", str(missing))
    except Exception as problem:
        error = error_of(problem)
        if error is None:
            raise
        # What broke the session may first be told when it ends.
        if run.record.passed and not run.finished:
            run.broken(error)
    return run.record


class Steps:
    """Steps in an open session, and what they have saved."""

    def __init__(self, session: Session, variables: dict[str, Any], secrets: frozenset[str]) -> None:
        self._session = session
        self._secrets = secrets
        self.variables = variables
        self.record = Record()
        self.place = ""

    async def all(self, kind: str, steps: Sequence[Step], go_on: bool = False) -> bool:
        """Does steps until one fails, or with ``go_on`` all of them; returns whether none has failed."""
        well = True
        for number, step in enumerate(steps, 1):
            if not well and not go_on:
                return False
            self.place = f"{kind} {number}"
            well = await self._step(step) and well
        return well

    async def _step(self, step: Step) -> bool:
        try:
            ready = replace(
                step,
                subject=filled(step.subject, self.variables),
                arguments=filled(step.arguments, self.variables),
                expect=tuple(_filled(each, self.variables) for each in step.expect),
            )
        except NotSet as missing:
            self._fail(step, str(missing))
            return False
        outcome = await self._session.perform(ready)
        wrong = [*differences(outcome, ready.expect, show=ready.tells), *self._saved(ready, outcome)]
        self.record.done.append(Done(self.place, step.title, outcome, tuple(wrong)))
        for each in wrong:
            self._fail(step, each)
        return not wrong

    def _fail(self, step: Step, said: str) -> None:
        self.record.failures.append(hidden(f"{self.place} {step.title}: {said}", self._secrets))

    def _saved(self, step: Step, outcome: Outcome) -> list[str]:
        missing: list[str] = []
        for name, path in step.save.items():
            value: Any = jmespath.search(path, outcome.document)
            if value is None:
                missing.append(f"there is no {path} to save as {name}")
            self.variables[name] = value
        return missing


class _Run:
    def __init__(self, case: Case, secrets: frozenset[str]) -> None:
        self._case = case
        self._secrets = secrets
        self._steps: Steps | None = None
        self._before = Record()
        self.finished = False

    @property
    def record(self) -> Record:
        return self._steps.record if self._steps is not None else self._before

    def fail(self, place: str, said: str) -> None:
        self.record.failures.append(hidden(f"{place}: {said}", self._secrets))

    def broken(self, error: Error) -> None:
        """The session could not be had, or ended before its time."""
        place = self._steps.place if self._steps is not None else "initialize"
        steps = [each for each in self._case.steps if each.action == "initialize"]
        outcome = Outcome({"message": error.message, "text": error.message}, 0.0, error)
        wanted = [expectation for each in steps for expectation in each.expect]
        wrong = differences(outcome, wanted if self._steps is None else [])
        self.record.done.append(Done(place, "initialize", outcome, tuple(wrong)))
        for each in wrong:
            self.fail(place, each)

    async def all_steps(self, target: Target, protocol: str, headers: dict[str, str]) -> None:
        async with opened(target, protocol, headers, self._case.script) as session:
            refused = session.opening.error
            if refused is not None and not any(each.errors for each in self._case.steps):
                self.fail("initialize", f"error {refused.kind}: {refused.message}")
                return
            self._steps = Steps(session, dict(self._case.variables), self._secrets)
            await self._in_session(self._steps)
            self.finished = True

    async def _in_session(self, steps: Steps) -> None:
        try:
            if await steps.all("setup step", self._case.setup):
                await steps.all("step", self._case.steps)
        finally:
            with anyio.move_on_after(TEARDOWN_SECONDS, shield=True):
                await steps.all("teardown step", self._case.teardown, go_on=True)


def _filled(expectation: Expectation, variables: Mapping[str, Any]) -> Expectation:
    return replace(expectation, checks=filled(expectation.checks, variables)) if expectation.checks else expectation
