"""The watcher's command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .recording import Recording, add_arguments, recording_of

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says.

    ``socket`` is the engine's, ``directory`` holds what the watcher writes, ``run_lock`` is the lock of runs, ``state``
    the state file. A run is ``unit`` of systemd, or where that is empty ``command``; then ``inputs`` and ``spool`` are
    watched too, and a run is due ``interval`` seconds after the last. ``kubeconfig`` leads to the cluster where the
    fleet is, None where it is in none.
    """

    fleet: str
    socket: str
    directory: Path
    run_lock: Path
    state: Path
    unit: str
    command: list[str]
    interval: float | None
    inputs: list[Path]
    spool: Path | None
    kubeconfig: Path | None
    log_level: str
    recording: Recording


def parse(arguments: Sequence[str] | None) -> Options:
    """Returns the options in ``arguments``. Exits with a usage message where they are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m watcher", description="Has runs started when containers of the fleet need one."
    )
    add = parser.add_argument
    add("--fleet", required=True)
    add("--socket", default="/run/docker.sock", help="the engine's")
    add("--directory", type=Path, required=True, help="where the watcher writes")
    add("--run-lock", type=Path, default="/run/mcp-orchestrator/run.lock", help="what each run locks")
    add("--state", type=Path, required=True, help="the state file")
    add("--unit", default="", help="the unit of systemd that is a run")
    add("--interval", type=float, help="seconds from the end of a run to the next, where no timer starts it")
    add("--input", type=Path, action="append", default=[], help="a file or folder of which an edit starts a run")
    add("--spool", type=Path, help="the folder of requests")
    add("--kubeconfig", type=Path, help="of the cluster where the fleet is")
    add_arguments(parser)
    add("--log-level", choices=LEVELS, default="INFO")
    add("command", nargs="*", metavar="COMMAND", help="a run, where there is no unit; after --")
    found = parser.parse_args(arguments)
    if bool(found.unit) == bool(found.command):
        parser.error("give either --unit, or the command of a run after --")
    return Options(
        fleet=found.fleet,
        socket=found.socket,
        directory=found.directory,
        run_lock=found.run_lock,
        state=found.state,
        unit=found.unit,
        command=found.command,
        interval=found.interval,
        inputs=found.input,
        spool=found.spool,
        kubeconfig=found.kubeconfig,
        log_level=found.log_level,
        recording=recording_of(found),
    )
