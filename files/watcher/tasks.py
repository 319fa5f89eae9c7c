"""Runs the watcher's tasks side by side: what fails is started again, and one task's trouble is no other's."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from .errors import Unreachable

log = logging.getLogger("watcher")

Task = Callable[[], Awaitable[None]]

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# A task that has gone so long begins with the first pause again.
SETTLED_SECONDS = 60.0


async def run_tasks(tasks: Mapping[str, Task], stop: asyncio.Event) -> None:
    """Runs every task until ``stop`` is set; then cancels them, and returns when all have ended.

    A task ends by an exception, and starts again after a pause that doubles up to LONGEST_PAUSE. One that returns is
    done.
    """
    running = [asyncio.create_task(_kept(name, task), name=name) for name, task in tasks.items()]
    await stop.wait()
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _kept(name: str, task: Task) -> None:
    pause, said = FIRST_PAUSE, ""
    while True:
        begun = time.monotonic()
        try:
            await task()
        except Exception as error:
            if time.monotonic() - begun > SETTLED_SECONDS:
                pause, said = FIRST_PAUSE, ""
            said = _tell(name, error, said)
        else:
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _tell(name: str, error: Exception, said: str) -> str:
    """Logs why a task ended, once as long as the reason stays the same; returns the reason."""
    reason = str(error) or type(error).__name__
    if reason != said:
        if isinstance(error, Unreachable | OSError):
            log.warning("%s: %s; it is tried again", name, reason)
        else:
            log.exception("%s failed and is started again", name)
    return reason
