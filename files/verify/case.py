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

OPEN_SECONDS = 60.0
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


class _Run:
    def __init__(self, case: Case, secrets: frozenset[str]) -> None:
        self._case = case
        self._secrets = secrets
        self._variables = dict(case.variables)
        self._place = "initialize"
        self.record = Record()
        self.finished = False

    def fail(self, place: str, said: str) -> None:
        self.record.failures.append(hidden(f"{place}: {said}", self._secrets))

    def broken(self, error: Error) -> None:
        """The session could not be had, or ended before its time."""
        steps = [each for each in self._case.steps if each.action == "initialize"]
        outcome = Outcome({"message": error.message, "text": error.message}, 0.0, error)
        wanted = [expectation for each in steps for expectation in each.expect]
        wrong = differences(outcome, wanted if self._place == "initialize" else [])
        self.record.done.append(Done(self._place, "initialize", outcome, tuple(wrong)))
        for each in wrong:
            self.fail(self._place, each)

    async def all_steps(self, target: Target, protocol: str, headers: dict[str, str]) -> None:
        with anyio.move_on_after(OPEN_SECONDS) as opening:
            async with opened(target, protocol, headers, self._case.sampling) as session:
                opening.deadline = float("inf")
                refused = session.opening.error
                if refused is not None and not any(each.errors for each in self._case.steps):
                    self.fail("initialize", f"error {refused.kind}: {refused.message}")
                    return
                await self._in_session(session)
                self.finished = True
        if opening.cancelled_caught:
            self.broken(Error(("timeout",), f"no session within {OPEN_SECONDS:g} s"))

    async def _in_session(self, session: Session) -> None:
        try:
            if await self._steps(session, "setup step", self._case.setup):
                await self._steps(session, "step", self._case.steps)
        finally:
            with anyio.move_on_after(TEARDOWN_SECONDS, shield=True):
                await self._steps(session, "teardown step", self._case.teardown, go_on=True)

    async def _steps(self, session: Session, kind: str, steps: Sequence[Step], go_on: bool = False) -> bool:
        """Does steps until one fails; returns whether none has."""
        well = True
        for number, step in enumerate(steps, 1):
            if not well and not go_on:
                return False
            self._place = f"{kind} {number}"
            well = await self._step(session, step) and well
        return well

    async def _step(self, session: Session, step: Step) -> bool:
        place = self._place
        try:
            ready = replace(
                step,
                subject=filled(step.subject, self._variables),
                arguments=filled(step.arguments, self._variables),
                expect=tuple(_filled(each, self._variables) for each in step.expect),
            )
        except NotSet as missing:
            self.fail(f"{place} {step.title}", str(missing))
            return False
        outcome = await session.perform(ready)
        wrong = [*differences(outcome, ready.expect), *self._saved(ready, outcome)]
        self.record.done.append(Done(place, step.title, outcome, tuple(wrong)))
        for each in wrong:
            self.fail(f"{place} {step.title}", each)
        return not wrong

    def _saved(self, step: Step, outcome: Outcome) -> list[str]:
        missing: list[str] = []
        for name, path in step.save.items():
            value: Any = jmespath.search(path, outcome.document)
            if value is None:
                missing.append(f"there is no {path} to save as {name}")
            self._variables[name] = value
        return missing


def _filled(expectation: Expectation, variables: Mapping[str, Any]) -> Expectation:
    return replace(expectation, checks=filled(expectation.checks, variables)) if expectation.checks else expectation
