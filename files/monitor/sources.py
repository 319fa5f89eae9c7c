"""What the monitor reads: files, and nothing else. A name that a request brings opens none of them by itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from records.history import Run, run, runs
from records.logs import Logs
from records.samples import Samples

from monitor.state import State, read_bytes, read_state


@dataclass(frozen=True)
class Sources:
    """Where everything is: ``state_file``, and the directory of the history, the watcher's records, requests and
    answers. Any of it may be missing."""

    state_file: Path
    directory: Path

    def state(self) -> State:
        """The state of the last run; raises StateMissing or StateUnreadable."""
        return read_state(self.state_file)

    def state_bytes(self) -> bytes:
        """The state file as it is; raises StateMissing or StateUnreadable."""
        return read_bytes(self.state_file)

    @property
    def history(self) -> Path:
        """The folder of the reports of runs, which records.history reads."""
        return self.directory / "history"

    def runs(self, limit: int = 50, before: str | None = None) -> list[Run]:
        """The newest reports of runs; with ``before`` those older than the report with that id."""
        return runs(self.history, limit, before)

    def run(self, identity: str) -> Run | None:
        """The report with this id; None where there is none that can be read."""
        return run(self.history, identity)

    @cached_property
    def samples(self) -> Samples:
        """What each server used."""
        return Samples(self.directory / "samples")

    @cached_property
    def logs(self) -> Logs:
        """What each server wrote."""
        return Logs(self.directory / "logs")

    @cached_property
    def calls(self) -> Logs:
        """What was called on each server."""
        return Logs(self.directory / "calls")

    @property
    def results(self) -> Path:
        """The folder of the answers to requests."""
        return self.directory / "results"

    @property
    def audit(self) -> Path:
        """The file of what was asked by whom; older ones beside it end with .1, .2 and so on."""
        return self.directory / "audit.jsonl"
