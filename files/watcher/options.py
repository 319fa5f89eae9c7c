"""The watcher's command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says. ``directory`` holds what the watcher writes; ``socket`` is the engine's."""

    fleet: str
    socket: str
    directory: Path
    log_level: str


def parse(arguments: Sequence[str] | None) -> Options:
    """Returns the options in ``arguments``. Exits with a usage message where they are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m watcher", description="Has runs started when containers of the fleet need one."
    )
    add = parser.add_argument
    add("--fleet", required=True)
    add("--socket", default="/run/docker.sock", help="the engine's")
    add("--directory", type=Path, required=True, help="where samples and logs are kept")
    add("--log-level", choices=LEVELS, default="INFO")
    found = parser.parse_args(arguments)
    return Options(found.fleet, found.socket, found.directory, found.log_level)
