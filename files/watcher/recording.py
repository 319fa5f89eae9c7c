"""What the watcher records: which samples, logs and calls, and how much of them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .disk import Disk
from .engine.client import Engine
from .logs.follow import Follower
from .registries import Registries
from .roster import Roster
from .samples.collect import SAMPLES, Collector
from .sweep import keep_swept
from .tasks import Task


@dataclass(frozen=True, slots=True)
class Recording:
    """``log_size`` is bytes a server, for its log and again for its calls; ``log_rate`` bytes a second and container, 0
    for all; ``to_journal`` whether logs go to journald; ``asks_registries`` whether they are asked for newer
    images."""

    log_size: int
    log_rate: int
    to_journal: bool
    asks_registries: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of recording."""
    add = parser.add_argument
    add("--log-size", type=int, default=10 * 1024 * 1024, help="bytes of log that are kept of each server")
    add("--log-rate", type=int, default=64 * 1024, help="bytes a second that are kept of each container, 0 for all")
    add("--server-logs", choices=("files", "journal"), default="files", help="where the logs of servers are kept")
    add("--ask-registries", choices=("yes", "no"), default="no", help="whether there is another image under a tag")


def recording_of(found: argparse.Namespace) -> Recording:
    """Returns what the options say."""
    return Recording(found.log_size, found.log_rate, found.server_logs == "journal", found.ask_registries == "yes")


@dataclass(frozen=True, slots=True)
class FleetRecording:
    """The tasks that record by name, what they have in common, and the directory of the records."""

    tasks: Mapping[str, Task]
    roster: Roster
    disk: Disk
    directory: Path


def recording_of_fleet(engine: Engine, fleet: str, directory: Path, recording: Recording) -> FleetRecording:
    """Returns what records a fleet."""
    os.umask(0o027)  # records are for the group of their directories
    disk = Disk(directory)
    roster = Roster(engine, fleet)
    follower = Follower(
        engine,
        roster,
        directory,
        disk,
        size=recording.log_size,
        rate=recording.log_rate,
        journal_fleet=fleet if recording.to_journal else None,
    )
    collector = Collector(roster, directory, disk)
    asking: Mapping[str, Task] = {}
    if recording.asks_registries:
        asking = {"registries": Registries(engine, roster, directory / SAMPLES, disk).keep}
    tasks: Mapping[str, Task] = {
        **asking,
        "containers": roster.keep,
        "logs": follower.keep,
        "samples": collector.keep,
        "old records": partial(keep_swept, directory),
    }
    return FleetRecording(tasks, roster, disk, directory)
