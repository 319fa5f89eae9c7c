"""What the watcher does: its tasks by name."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping

from .conductor import Conductor
from .engine.client import Engine
from .inputs import Inputs
from .keeper import Keeper
from .options import Options
from .recording import recording_of_fleet
from .runs import Command, Locks, Report, Starter, Unit
from .tasks import Task, run_tasks

log = logging.getLogger("watcher")

TRIGGER_FILE = "trigger"
RUN_LOG = "supervisor/mcp-reconcile.log"


def tasks_of(options: Options, engine: Engine) -> Mapping[str, Task]:
    """Returns the watcher's tasks by name. Each goes on whatever becomes of the others."""
    keeper = Keeper(
        engine,
        options.fleet,
        Conductor(options.interval),
        locks=Locks(options.run_lock, options.fleet),
        report=Report(options.state),
        starter=_starter(options),
        inputs=Inputs(options.inputs, options.spool),
    )
    recording = recording_of_fleet(engine, options.fleet, options.directory, options.recording)
    tasks = {"events": keeper.follow, "runs": keeper.keep, **recording.tasks}
    if options.kubeconfig is None:
        return tasks
    from .cluster.program import cluster_tasks  # it brings ssl along

    return {**tasks, **cluster_tasks(options.kubeconfig, options.fleet, keeper, recording)}


def _starter(options: Options) -> Starter:
    if options.unit:
        return Unit(options.unit, options.run_lock.parent / TRIGGER_FILE)
    return Command(options.command, options.directory / RUN_LOG, options.run_lock.parent)


async def watch(options: Options) -> None:
    """Runs the tasks until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log.info("watching fleet %s at %s", options.fleet, options.socket)
    await run_tasks(tasks_of(options, Engine(options.socket)), stop)
