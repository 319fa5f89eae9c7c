"""What a child takes of the container, with all its descendants."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes that are nobody else's, and processes and threads."""

    memory: int
    tasks: int


NOTHING = Size(0, 0)


def sizes_by_mark(proc: str = "/proc") -> dict[int, Size]:
    """Returns what the processes with each mark (see descendants.py) take together. `proc`: where procfs is.

    The resident memory without pages of files, which processes share (RssAnon and Threads, proc_pid_status(5))."""
    found: dict[int, Size] = {}
    for name in os.listdir(proc):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError):  # it has ended meanwhile
                with open(f"{proc}/{name}/oom_score_adj") as file:
                    mark = int(file.read())
                if mark > 0:
                    old, new = found.get(mark, NOTHING), _size(f"{proc}/{name}/status")
                    found[mark] = Size(old.memory + new.memory, old.tasks + new.tasks)
    return found


def _size(status: str) -> Size:
    with open(status) as file:
        values: Mapping[str, str] = dict(line.split(":", 1) for line in file if ":" in line)
    return Size(int(values.get("RssAnon", "0").split()[0]) * 1024, int(values.get("Threads", "1")))
