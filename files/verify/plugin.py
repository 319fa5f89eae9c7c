"""How pytest sees verification files: a file of cases, and an item for each case, server and protocol.

Selection, JUnit XML and the report of failures are pytest's own. The items do not run in turn: all of them are begun
before the first, and each waits for its result.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from verify.baseline import BaselineUnusable, baseline_path
from verify.bench import Figures, run_bench
from verify.changes import Change
from verify.comparison import Comparison, NotRecorded
from verify.outcome import error_of
from verify.suite import Case, Suite
from verify.target import Target
from verify.variables import NotSet, filled
from verify.verdict import CaseResult, Verdict
from verify.work import CaseWork, Job, start

DONE_SECONDS = 86400.0


@dataclass
class Plan:
    """What is to be verified: the files by their paths, the servers by their names."""

    suites: Mapping[Path, Suite]
    targets: Mapping[str, Target]
    tries: int = 1
    at_once: int = 16
    record: bool = False
    bench: bool = False
    results: list[CaseResult] = field(default_factory=list)
    changes: dict[str, list[Change]] = field(default_factory=dict)
    figures: list[Figures] = field(default_factory=list)


class Wrong(Exception):
    """A case that is not as expected; its text is for people."""


class Verification:
    """The plugin."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Every file of the plan, and no other."""
        suite = self.plan.suites.get(file_path)
        if suite is None:
            return None
        return VerificationFile.from_parent(parent, path=file_path, suite=suite, plan=self.plan)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Once the cases are chosen, adds the comparison of each of their servers with its baseline."""
        servers: dict[str, list[CaseItem]] = {}
        for item in items:
            if isinstance(item, CaseItem):
                servers.setdefault(item.work.target.name, []).append(item)
        for name, of_server in servers.items():
            path = baseline_path(of_server[0].path.parent, name)
            if self.plan.record or path.exists():
                items.append(BaselineItem.of(of_server, path, self.plan))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Begins with everything that was selected."""
        jobs = [item.job for item in session.items if isinstance(item, VerificationItem)]
        start(jobs, 1 if self.plan.bench else self.plan.at_once)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
        """Says how long the case took, and not how long pytest waited for it."""
        report = yield
        if call.when == "call" and isinstance(item, VerificationItem) and item.job.result.done():
            report.duration = item.seconds
        return report


class VerificationFile(pytest.File):
    """One file."""

    def __init__(self, *, suite: Suite, plan: Plan, **of_pytest: Any) -> None:
        super().__init__(**of_pytest)
        self._suite, self._plan = suite, plan

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each server that the file names, protocol and case."""
        for name, target in self._plan.targets.items():
            if self._suite.applies_to(name):
                for protocol in self._suite.protocols:
                    for case in self._suite.cases:
                        if not self._plan.bench:
                            yield CaseItem.of(self, case, target, protocol, self._plan, self._suite)
                        elif case.bench is not None:
                            yield BenchItem.of(self, case, target, protocol, self._plan, self._suite)


class VerificationItem(pytest.Item):
    """Anything that is done with a server; ``job`` does it."""

    job: Job

    @property
    def seconds(self) -> float:
        """What it took."""
        return 0.0

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it is, for pytest's report."""
        return self.path, None, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is wrong, in sentences."""
        if isinstance(excinfo.value, Wrong):
            return str(excinfo.value)
        said = f"{type(excinfo.value).__name__}: {excinfo.value}"
        return f"{self.name}: {said}; this is a mistake of the verification itself, please report it"


class CaseItem(VerificationItem):
    """A case on a server."""

    work: CaseWork
    file: VerificationFile
    _plan: Plan

    @classmethod
    def of(
        cls, parent: VerificationFile, case: Case, target: Target, protocol: str, plan: Plan, suite: Suite
    ) -> CaseItem:
        """The item of one case."""
        item: CaseItem = cls.from_parent(parent, name=f"{case.name} [{target.name}, {protocol}]")
        item.user_properties += [("server", target.name), ("protocol", protocol)]
        item.file, item._plan = parent, plan
        item.work = CaseWork(suite, case, target, protocol)
        item.job = Job(target.name, partial(item.work.tried, plan.tries))
        return item

    @property
    def seconds(self) -> float:
        return self.work.result.seconds

    def runtest(self) -> None:
        """Waits for what comes of it."""
        result: CaseResult = self.job.result.result(DONE_SECONDS)
        self._plan.results.append(result)
        if result.verdict is not Verdict.PASSED:
            where = f"{result.file}: {result.server} ({result.protocol}): {result.case}"
            raise Wrong("\n".join([where, *(f"  {failure}" for failure in result.failures)]))


class BenchItem(VerificationItem):
    """The benchmark of a case on a server; it fails for requests that were not as expected."""

    _plan: Plan

    @classmethod
    def of(
        cls, parent: VerificationFile, case: Case, target: Target, protocol: str, plan: Plan, suite: Suite
    ) -> BenchItem:
        """The item of one case."""
        item: BenchItem = cls.from_parent(parent, name=f"{case.name} [{target.name}, {protocol}]")
        item.user_properties += [("server", target.name), ("protocol", protocol)]
        item._plan = plan
        item.job = Job(target.name, partial(run_bench, suite.path.name, case, target, protocol, suite.headers))
        return item

    def runtest(self) -> None:
        """Waits for its figures."""
        try:
            figures: Figures = self.job.result.result(DONE_SECONDS)
        except NotSet as problem:
            raise Wrong(f"{self.name}: {problem}") from problem
        self._plan.figures.append(figures)
        if figures.errors:
            said = [f"{self.name}: {figures.errors} requests were not as expected"]
            raise Wrong("\n".join([*said, *(f"  {times} times: {each}" for each, times in figures.wrong.items())]))


class BaselineItem(VerificationItem):
    """A server beside its baseline; it fails for changes that break clients."""

    _server: str
    _plan: Plan

    @classmethod
    def of(cls, items: Sequence[CaseItem], path: Path, plan: Plan) -> BaselineItem:
        """The comparison of the one server of all these items."""
        target = items[0].work.target
        what = "has a baseline" if plan.record else "is as its baseline"
        item: BaselineItem = cls.from_parent(items[-1].file, name=f"{what} [{target.name}]")
        item.user_properties += [("server", target.name)]
        item._server, item._plan = target.name, plan
        work = items[0].work
        headers = partial(filled, dict(work.suite.headers), work.case.variables)

        async def done() -> list[Change]:
            comparison = Comparison(target, [each.work for each in items], headers(), path)
            return await (comparison.record() if plan.record else comparison.compare())

        item.job = Job(target.name, done)
        return item

    def runtest(self) -> None:
        """Waits for what comes of it."""
        try:
            changes: list[Change] = self.job.result.result(DONE_SECONDS)
        except (NotRecorded, BaselineUnusable, NotSet) as problem:
            raise Wrong(f"{self._server}: {problem}") from problem
        except Exception as problem:
            error = error_of(problem)
            if error is None:
                raise
            raise Wrong(f"{self._server}: error {error.kind}: {error.message}") from problem
        self._plan.changes[self._server] = changes
        if any(each.breaking for each in changes):
            raise Wrong(
                "\n".join([f"{self._server} has changed since its baseline", *(f"  {each}" for each in changes)])
            )
