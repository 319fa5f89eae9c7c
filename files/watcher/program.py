"""What the watcher does: its tasks by name."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping

from .engine.client import Engine
from .options import Options
from .tasks import Task, run_tasks

log = logging.getLogger("watcher")


def tasks_of(options: Options, engine: Engine) -> Mapping[str, Task]:
    """Returns the tasks that the options ask for."""
    return {}


async def watch(options: Options) -> None:
    """Runs the tasks until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log.info("watching fleet %s at %s", options.fleet, options.socket)
    await run_tasks(tasks_of(options, Engine(options.socket)), stop)
