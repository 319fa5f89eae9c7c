"""What became of a case on a server, over all its tries."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from verify.case import Done, Record


class Verdict(StrEnum):
    """Flaky is what failed in some tries and passed in others of the same run."""

    PASSED = "passed"
    FLAKY = "flaky"
    FAILED = "failed"


@dataclass
class CaseResult:
    """The tries of one case of a file on one server in one protocol."""

    file: str
    case: str
    server: str
    protocol: str
    tries: list[Record] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """What became of it."""
        passed = [each.passed for each in self.tries]
        return Verdict.PASSED if all(passed) else Verdict.FLAKY if any(passed) else Verdict.FAILED

    @property
    def failures(self) -> list[str]:
        """What was wrong, each once, with how often where it was not so each time."""
        said: dict[str, int] = {}
        for each in self.tries:
            for failure in each.failures:
                said[failure] = said.get(failure, 0) + 1
        if self.verdict is Verdict.FLAKY:
            failed = sum(not each.passed for each in self.tries)
            return [f"flaky: it failed in {failed} of {len(self.tries)} tries", *said]
        return list(said)

    @property
    def seconds(self) -> float:
        """What a try took in the middle."""
        times = sorted(each.seconds for each in self.tries)
        return times[len(times) // 2] if times else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As files/verification.schema.json has it."""
        last = next((each for each in reversed(self.tries) if not each.passed), self.tries[-1])
        return {
            "file": self.file,
            "name": self.case,
            "protocol": self.protocol,
            "verdict": str(self.verdict),
            "tries": len(self.tries),
            "seconds": round(self.seconds, 4),
            "failures": self.failures,
            "steps": [_step(each) for each in last.done],
        }


def _step(done: Done) -> dict[str, Any]:
    error = done.outcome.error
    return {
        "place": done.place,
        "title": done.title,
        "seconds": round(done.outcome.seconds, 4),
        "error": error.kind if error else None,
    }
