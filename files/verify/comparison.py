"""A server beside its baseline: what has changed, or a new baseline of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from verify.baseline import answers_of, read_baseline, surface_of, write_baseline
from verify.changes import Change, answer_changes, is_slower, surface_changes
from verify.session import opened
from verify.suite import AUTO
from verify.target import Target
from verify.verdict import Verdict
from verify.work import MORE_TRIES, CaseWork


class NotRecorded(Exception):
    """No baseline is made, of a server that is not right above all."""


@dataclass
class Comparison:
    """What is done with a server's baseline once its cases are done. ``path`` is the baseline's."""

    target: Target
    works: Sequence[CaseWork]
    headers: dict[str, str]
    path: Path

    async def record(self) -> list[Change]:
        """Makes the server's baseline of what its cases have shown. Raises NotRecorded, and what the SDK raises."""
        wrong = [each.case.name for each in self.works if each.result.verdict is not Verdict.PASSED]
        if wrong:
            raise NotRecorded(f"no baseline is recorded while cases fail: {', '.join(wrong)}; correct them first")
        async with opened(self.target, AUTO, self.headers) as session:
            surface = await surface_of(session)
        try:
            write_baseline(self.path, surface, answers_of(each.result for each in self.works))
        except OSError as error:
            raise NotRecorded(f"{self.path} cannot be written: {error.strerror}") from error
        return []

    async def compare(self) -> list[Change]:
        """What has changed. A case that seems slower is done again, because a busy host may have been the cause.

        Raises BaselineUnusable, and what the SDK raises.
        """
        baseline = read_baseline(self.path)
        if baseline is None:
            return []
        before = baseline["answers"]
        for work in self.works:
            answers = answers_of([work.result])
            if any(key in before and is_slower(before[key]["seconds"], answers[key]["seconds"]) for key in answers):
                await work.tried(MORE_TRIES)
        async with opened(self.target, AUTO, self.headers) as session:
            surface = await surface_of(session)
        answers = answers_of(each.result for each in self.works)
        return [*surface_changes(baseline["surface"], surface), *answer_changes(before, answers)]
