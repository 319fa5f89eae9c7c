"""Removes the records of servers that are gone, a month after their last."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

from records.sample import REDUCED

KINDS = ("samples", "logs", "calls", "events")
PAUSE_SECONDS = 3600.0


async def keep_swept(directory: Path) -> None:
    """Looks once an hour, until it is cancelled."""
    while True:
        for kind in KINDS:
            sweep(directory / kind, time.time() - REDUCED.seconds)
            await asyncio.sleep(0)
        await asyncio.sleep(PAUSE_SECONDS)


def sweep(directory: Path, before: float) -> None:
    """Removes the directories of servers in which nothing was written since ``before``, in seconds since 1970."""
    with suppress(OSError), os.scandir(directory) as servers:
        for server in servers:
            if server.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    _remove_old(Path(server.path), before)


def _remove_old(server: Path, before: float) -> None:
    files = list(server.iterdir())
    if all(file.lstat().st_mtime < before for file in files) and server.stat().st_mtime < before:
        for file in files:
            file.unlink()
        server.rmdir()
