"""What the monitor reads: files, and nothing else. A name that a request brings opens none of them by itself."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from records.calls import Calls
from records.containers import ServerContainer, containers
from records.growth import Growth
from records.history import Run, run, runs
from records.logs import Logs
from records.samples import LATEST, Samples

from monitor.access.refusals import Refusals
from monitor.figures.past import Past
from monitor.file_cache import FileCache
from monitor.listeners import Listeners, read_listeners
from monitor.notices import Notice, notices
from monitor.state import State, StateUnreadable, parse_state, read_bytes
from monitor.tools import Tool, Tools, read_tools
from monitor.verified import Verified, read_verified
from monitor.waiting import Waiting


@dataclass(frozen=True)
class Sources:
    """Where everything is: ``state_file``, the directory of the history, the watcher's records, requests and answers,
    and the folder of the templates of servers. Any of it may be missing.

    ``balancer_metrics`` is address and port at which a load balancer on this host tells what it counts, None where
    there is none. A scrape alone asks there, and the bridges of this host.
    """

    state_file: Path
    directory: Path
    templates: Path = Path("/etc/mcp-orchestrator/templates")
    balancer_metrics: tuple[str, int] | None = None

    def state(self) -> State:
        """The state of the last run; raises StateMissing or StateUnreadable."""
        return self._state.content()

    def names(self) -> list[str]:
        """The names of the servers that the last run knew; none without a state."""
        try:
            return self.state().names
        except StateUnreadable:
            return []

    @property
    def state_identity(self) -> Hashable:
        """Another one as soon as the state file is another."""
        return self._state.identity

    @cached_property
    def _state(self) -> FileCache[State]:
        return FileCache(self.state_file, lambda path: parse_state(read_bytes(path)))

    def tools(self, server: str) -> tuple[Tool, ...]:
        """The tools of a server as it listed them last, with their schemas."""
        return self._tools.content().get(server, ())

    @cached_property
    def _tools(self) -> FileCache[Tools]:
        return FileCache(self.directory / "tools.json", read_tools)

    def verified(self) -> tuple[Verified, ...]:
        """The last verification of each server."""
        return self._verified.content()

    @cached_property
    def _verified(self) -> FileCache[tuple[Verified, ...]]:
        return FileCache(self.directory / "verify.json", read_verified)

    @cached_property
    def past(self) -> Past:
        """What is known of the past: uptime, usage, calls."""
        return Past(self.directory)

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

    def containers(self, server: str) -> Sequence[ServerContainer]:
        """The containers of a server, as the watcher saw them last."""
        return self.all_containers().get(server, ())

    def all_containers(self) -> Mapping[str, Sequence[ServerContainer]]:
        """The containers by server, as the watcher saw them last."""
        return containers(self.directory / "samples")

    @cached_property
    def logs(self) -> Logs:
        """What each server wrote."""
        return Logs(self.directory / "logs")

    @cached_property
    def growth(self) -> Growth:
        """Where each server's log ends now, for all that follow."""
        return Growth(self.directory / "logs")

    @cached_property
    def calls(self) -> Calls:
        """What was called on each server."""
        return Calls(self.directory / "calls")

    def listeners(self) -> Listeners | None:
        """What the last run found of the load balancers, None before one has; raises ListenersUnreadable."""
        return read_listeners(self.directory / "routes.json")

    @property
    def results(self) -> Path:
        """The folder of the answers to requests."""
        return self.directory / "results"

    @cached_property
    def waiting(self) -> Waiting:
        """What was asked for through this monitor."""
        return Waiting()

    def is_taken(self, identity: str) -> bool:
        """Whether a run has taken a request, whose id is one, out of the spool."""
        return not (self.directory / "requests" / f"{identity}.json").exists()

    @cached_property
    def refusals(self) -> Refusals:
        """What the monitor itself has refused, which it alone writes down."""
        return Refusals(self.directory / "monitor" / "refused.jsonl")

    def notices(self, now: datetime) -> list[Notice]:
        """What every page says."""
        try:
            state: State | str = self.state()
        except StateUnreadable as error:
            state = str(error)
        return list(notices(state, self._sampled(), now))

    def _sampled(self) -> float | None:
        try:
            return (self.directory / "samples" / LATEST).stat().st_mtime
        except OSError:
            return None

    @property
    def audit(self) -> Path:
        """The file of what was asked by whom; older ones beside it end with .1, .2 and so on."""
        return self.directory / "audit.jsonl"
