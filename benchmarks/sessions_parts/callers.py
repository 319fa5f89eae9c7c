"""Programs of several clients that hold sessions with servers and call all the time, and what became of the calls."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.node import CACHE, package
from tests.e2e.support.waiting import until

HERE = Path(__file__).resolve().parent
PYTHON = str(HERE / "client_python.py")
KINDS = ("python-1", "python-2", "fastmcp", "typescript-1", "typescript-2")
Call = tuple[str, str, dict[str, Any]]
Fault = tuple[str, int, str]  # kind of client, server, what it said


def environment(name: str, requirement: str) -> str:
    """The interpreter of a virtual environment in the cache with ``requirement``. Raises CalledProcessError."""
    python = CACHE / name / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(CACHE / name)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", requirement], check=True)
    return str(python)


def program(kind: str) -> tuple[list[str], dict[str, str] | None]:
    """The command line of a client's program and its environment. Raises CalledProcessError, OSError."""
    if kind.startswith("typescript"):
        folder = CACHE / "typescript-clients"
        env = package(folder, "@modelcontextprotocol/sdk@1", "@modelcontextprotocol/client@2")
        script = folder / "client.mjs"  # modules are looked for beside the script
        shutil.copy(HERE / "client_typescript.mjs", script)
        return ["node", str(script), kind], env
    if kind == "python-1":
        return [environment("mcp-1", "mcp>=1.20,<2"), PYTHON, kind], None
    if kind == "fastmcp":
        return [environment("fastmcp", "fastmcp>=4,<5"), PYTHON, kind], None
    return [sys.executable, PYTHON, kind], None


@dataclass
class Tally:
    """What became of the calls in one phase, and the longest good call in seconds.

    ``cut`` are the faults of calls that were under way when a container was killed: nobody may make them again.
    """

    calls: int = 0
    longest: float = 0.0
    faults: Counter[Fault] = field(default_factory=Counter)
    cut: Counter[Fault] = field(default_factory=Counter)


class Callers:
    """One program of each kind, each with one session at each server: ``calls`` has theirs, by kind."""

    def __init__(self, calls: Mapping[str, Sequence[Call]]) -> None:
        self.tallies: dict[str, Tally] = {}
        self._killed = 0.0
        self.tally = Tally()
        self._calls: Counter[tuple[str, int]] = Counter()
        self._sessions = [(kind, server) for kind, theirs in calls.items() for server in range(len(theirs))]
        self._processes: dict[str, subprocess.Popen[str]] = {}
        for kind, theirs in calls.items():
            command, env = program(kind)
            self._processes[kind] = subprocess.Popen(
                [*command, json.dumps(theirs)],
                env=env,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        self._readers = [threading.Thread(target=self._read, args=each) for each in self._processes.items()]
        for reader in self._readers:
            reader.start()

    def _read(self, kind: str, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            server, seconds, fault = json.loads(line)
            if fault is None:
                self._calls[kind, server] += 1
                self.tally.calls += 1
                self.tally.longest = max(self.tally.longest, seconds)
            else:
                under_way = time.monotonic() - seconds < self._killed
                (self.tally.cut if under_way else self.tally.faults)[kind, server, fault] += 1
                print(f"sessions: {kind} at {server}: {fault[:300]}", file=sys.stderr, flush=True)

    def phase(self, name: str) -> None:
        """Counts what follows under ``name``, and says so."""
        print(f"sessions: {name}", file=sys.stderr, flush=True)
        self.tally = self.tallies.setdefault(name, Tally())

    @contextmanager
    def killing(self) -> Iterator[None]:
        """Counts the faults of calls that began before the end of the block, which kills something, as cut."""
        self._killed = math.inf
        yield
        self._killed = time.monotonic()

    def go_on(self, calls: int = 3, seconds: float = 120) -> None:
        """Waits until each session has made so many more good calls. Raises AssertionError when one does not."""
        before = Counter(self._calls)
        until(lambda: all(self._calls[each] >= before[each] + calls for each in self._sessions), "all call on", seconds)

    def end(self) -> None:
        """Lets all end their sessions."""
        for process in self._processes.values():
            if process.stdin is not None:
                process.stdin.close()
        for process in self._processes.values():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
        for reader in self._readers:
            reader.join(10)


@contextmanager
def calling(calls: Mapping[str, Sequence[Call]]) -> Iterator[Callers]:
    """Callers that make these calls, by kind, while the block lasts; every session is open when it begins."""
    callers = Callers(calls)
    try:
        callers.phase("start")
        callers.go_on(seconds=300)
        yield callers
    finally:
        callers.end()
