"""Runs as they are seen from outside: whether one is under way, what it reported, and how one is started."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from .conductor import Told

log = logging.getLogger("watcher")

LARGEST_REPORT = 32 * 1024 * 1024
LARGEST_LOG = 4 * 1024 * 1024
# What timeout(1) exits with when it has ended its command.
TIMED_OUT = 124
TAIL_BYTES = 64 * 1024
# How what a server requires is while there is nothing to do about it.
_WELL = ("running", "healthy", "completed")


class Locks:
    """The locks that runs of a fleet hold.

    ``run_lock`` is that of whole runs. The modules of any run, also of one by hand, hold the fleet's beside it while
    they change something (module_utils/container/lock.py).
    """

    def __init__(self, run_lock: Path, fleet: str) -> None:
        self._run_lock = run_lock
        self._fleet_lock = run_lock.parent / f"fleet-{fleet}.lock"

    def held(self) -> bool:
        """Returns whether a run is under way."""
        return _is_locked(self._run_lock) or _is_locked(self._fleet_lock)

    def whole_run(self) -> bool:
        """Returns whether it is a whole run, which ends with a report."""
        return _is_locked(self._run_lock)


def _is_locked(path: Path) -> bool:
    """Whether somebody holds a lock; the answer takes it for an instant, for which a run that begins just then waits.

    /proc/locks does not tell: in a container it leaves out locks that a process took which has ended since, as that of
    ``flock 9`` in setup.sh (seen: Linux 6.18, locks_show in fs/locks.c).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


class Report:
    """The state file: a run has come to its end when it is written anew."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def version(self) -> tuple[int, int] | None:
        """Returns what changes with each report; None where there is none."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def age(self) -> float | None:
        """Returns the seconds since a run has reported; None where none has."""
        found = self.version()
        return None if found is None else max(0.0, time.time() - found[1] / 1e9)

    def read(self) -> Told:
        """Returns what the last run reports; nothing where the file cannot be read."""
        try:
            with self._path.open("rb") as file:
                servers = json.loads(file.read(LARGEST_REPORT))["servers"]
            required = [
                {**each, "name": f"{server['name']}.{each['name']}"}
                for server in servers
                for each in server.get("requires", ())
            ]
            serving = [each for each in (*servers, *required) if each.get("container")]
            unwell = [each["name"] for each in servers if each["error"] or each["observed"] != "running"]
            unwell += [each["name"] for each in required if each["state"] not in _WELL]
            return Told(
                serving={each["container"]["id"]: each["name"] for each in serving},
                names={each["container"]["id"]: name for each in serving if (name := each["container"].get("name"))},
                unwell=frozenset(unwell),
                failed=frozenset(each["name"] for each in servers if _may_be_an_accident(each)),
                silent=frozenset(each["name"] for each in servers if each["observed"] == "failed"),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Told()


def _may_be_an_accident(server: Mapping[str, Any]) -> bool:
    """Whether a run met an error that another may not meet: the entry is right, and no next try is set."""
    return bool(server["error"]) and server.get("desired") == "running" and not server.get("retry")


class Starter(Protocol):
    """Starts a run and does not wait for it."""

    async def start(self, reason: str) -> None:
        """Starts a run; ``reason`` is for its report. Raises OSError where it cannot be started."""


class Unit:
    """Runs that systemd starts. ``trigger`` is the file from which the unit takes the reason, as its environment."""

    def __init__(self, unit: str, trigger: Path) -> None:
        self._unit = unit
        self._trigger = trigger

    async def start(self, reason: str) -> None:
        """See Starter."""
        self._trigger.write_text(f'MCP_TRIGGER="{_quoted(reason)}"\n', "utf-8")
        program = await asyncio.create_subprocess_exec(
            "systemctl", "start", "--no-block", self._unit, stderr=asyncio.subprocess.PIPE
        )
        _, said = await program.communicate()
        if program.returncode:
            raise OSError(f"systemctl does not start {self._unit}: {said.decode('utf-8', 'replace').strip()}")


class Command:
    """Runs that are a program of their own, which outlives the watcher.

    ``output`` gets what it says; ``locks`` is the directory of its lock, which nobody else makes after a boot.
    """

    def __init__(self, command: Sequence[str], output: Path, locks: Path) -> None:
        self._command = command
        self._output = output
        self._locks = locks
        self._waiting: set[asyncio.Task[None]] = set()

    async def start(self, reason: str) -> None:
        """See Starter."""
        self._locks.mkdir(0o700, exist_ok=True)
        if self._output.exists() and self._output.stat().st_size > LARGEST_LOG:
            self._output.replace(f"{self._output}.1")
        descriptor = os.open(self._output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            program = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env={**os.environ, "MCP_TRIGGER": reason},
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        waiting = asyncio.create_task(self._ended(program))
        self._waiting.add(waiting)
        waiting.add_done_callback(self._waiting.discard)

    async def _ended(self, program: asyncio.subprocess.Process) -> None:
        code = await program.wait()
        if code == TIMED_OUT:
            log.error("a run was stopped at its deadline, in: %s; its log: %s", self._last_step(), self._output)
        elif code:
            log.warning("a run has failed (exit code %d), in: %s; its log: %s", code, self._last_step(), self._output)

    def _last_step(self) -> str:
        with self._output.open("rb") as file:
            file.seek(max(0, self._output.stat().st_size - TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
        steps = (line[len("TASK [") :].rpartition("]")[0] for line in reversed(lines) if line.startswith("TASK ["))
        return next(steps, "no step")


def _quoted(text: str) -> str:
    """A text as systemd reads it between double quotes (EnvironmentFile in systemd.exec(5)), on one line."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return "".join(f"\\{character}" if character in '\\"`$' else character for character in plain)
