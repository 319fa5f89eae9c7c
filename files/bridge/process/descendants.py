"""Whose descendant a process is, even if it has left its parent, its process group and its session behind.

What every process inherits through fork, exec and setsid alike, and what others can read, is its OOM score adjustment
(proc_pid_oom_score_adj(5)). Each child gets a value of its own, so that what it leaves behind can be distinguished from
what other children have started. All are well above the bridge's own: where the container runs out of memory, a child
goes first. And they are close together: which child goes is to be decided by its memory.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Collection

from .libc import Libc
from .size import Size, sizes_by_mark

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, prctl(2)
_LEAST, _MOST = 500, 1000
_REST_SECONDS = 10.0  # what bears a used mark is killed at once, but one by one, from parents to children


class Descendants:
    """Marks children, and finds what those that have ended left behind."""

    def __init__(self) -> None:
        _adopt_orphans()
        self._least = self._next = max(_LEAST, _read(os.getpid()) + 1)  # without privileges it can only be raised
        self._resting: deque[tuple[float, int]] = deque()  # since when, and which
        self._marks: dict[int, int] = {}  # by process, of living children

    def mark(self, pid: int) -> None:
        """Marks the child `pid`. What leaves the process group of one that cannot be marked is not found."""
        if self._resting and (self._next > _MOST or time.monotonic() - self._resting[0][0] > _REST_SECONDS):
            _, mark = self._resting.popleft()
        elif self._next <= _MOST:
            mark = self._next
            self._next += 1
        else:
            return
        self._marks[pid] = mark
        with contextlib.suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "w") as file:
            file.write(str(mark))

    def ended(self, pid: int) -> None:
        """Takes note that the child `pid` has exited."""
        mark = self._marks.pop(pid, None)
        if mark is not None:
            self._resting.append((time.monotonic(), mark))

    def sizes(self) -> dict[int, Size]:
        """Returns what each living child takes, with its descendants, by its process id."""
        by_mark = sizes_by_mark()
        return {pid: by_mark[mark] for pid, mark in self._marks.items() if mark in by_mark}

    def strays(self, children: Collection[int]) -> list[int]:
        """Returns the processes that bear the mark of a child which has ended. `children`: those that live. A process
        whose parent lives is not among them; it will be when it has lost it."""
        adopted = [pid for pid in _offspring() if pid not in children]
        if not adopted:
            return []
        living = set(self._marks.values())
        return [pid for pid in adopted if self._least <= (mark := _read(pid)) and mark not in living]


def _adopt_orphans() -> None:
    """Makes this process, be it process 1 or not, the parent of all descendants whose own parents die."""
    with contextlib.suppress(OSError):
        Libc().call("prctl", _SUBREAPER, 1, 0, 0, 0)


def _offspring() -> list[int]:
    """The processes whose parent this one is."""
    with contextlib.suppress(OSError), open(f"/proc/self/task/{os.getpid()}/children") as file:
        return [int(pid) for pid in file.read().split()]
    return []


def _read(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/oom_score_adj") as file:
        return int(file.read())
    return 0
