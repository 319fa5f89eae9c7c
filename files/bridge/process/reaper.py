"""Who has exited: every process below the bridge is waited for, whoever started it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from .descendants import Descendants
from .size import Size

Exited = Callable[[int], None]


class Reaper:
    """Collects exit statuses on SIGCHLD and tells those who watch a process.

    It also collects strangers whose parents have died, and ends those among them whose child has ended.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._watched: dict[int, Exited] = {}
        self._descendants = Descendants()
        # uvloop keeps SIGCHLD from `add_signal_handler`; its own use of it is for processes that it started itself.
        signal.signal(signal.SIGCHLD, lambda *_: _call_soon(loop, self.collect))

    def watch(self, pid: int, exited: Exited) -> None:
        """Calls `exited(status)` once when `pid` ends; the status is an exit code, or minus a signal's number."""
        self._watched[pid] = exited
        self._descendants.mark(pid)

    def sizes(self) -> dict[int, Size]:
        """Returns what each watched process takes, with its descendants, by its id."""
        return self._descendants.sizes()

    def collect(self) -> None:
        """Takes note of all who have exited. Killing what they left behind brings the next signal, until nothing is."""
        self._collect()
        for pid in self._descendants.strays(self._watched):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def _collect(self) -> None:
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            pid = found.si_pid
            exited = self._watched.pop(pid, None)
            if exited is not None:
                # While the leader is still a zombie its group's number cannot belong to anyone else.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
            if exited is not None:
                self._descendants.ended(pid)
                exited(found.si_status if found.si_code == os.CLD_EXITED else -found.si_status)


def _call_soon(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed, and so is the bridge
        loop.call_soon_threadsafe(what)
