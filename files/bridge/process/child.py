"""One process of the server: started, spoken to line by line, ended with all its descendants in its group."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge.protocol.message import Id, Message, NotAMessage, read_batch

from .lines import ErrorLines, OutputLines
from .pipe import Reader, Writer

if TYPE_CHECKING:
    from bridge.services import Services

    from .lines import PartialMessages

_EXIT_TO_EOF_SECONDS = 0.5  # what an exited process may have left in its pipe


class CannotStart(Exception):
    """The command could not be started; the text says why. `retryable` where trying again later may help."""

    def __init__(self, why: str, *, retryable: bool) -> None:
        super().__init__(why)
        self.retryable = retryable


class InputBacklog:
    """What has been written to all children and not been read by them, together."""

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0
        """Bytes."""

    def changed(self, size: int) -> None:
        """Adds `size` bytes, which are fewer than none where a child has read."""
        self.size += size


class Child:
    """A running process. `on_message` gets what it says, `on_lost` a reason when it can say no more; each may be set
    at any time before the event loop runs again.

    `tag`: what its lines in the log bear. `backlog`: what all children have not read. `stop_signal`: returns the signal
    that ends it where the end of its input does not. `blame`: returns what of the container's ended a child that exited
    with a status, if anything did.
    """

    def __init__(
        self,
        services: Services,
        tag: str,
        backlog: InputBacklog,
        stop_signal: Callable[[], int],
        blame: Callable[[int | None], str | None],
    ) -> None:
        self.pid = 0
        self.tag = tag
        self.started_at = time.time()
        """Seconds since the epoch."""
        self.on_message: Callable[[Message], None] = _ignore
        self.on_lost: Callable[[str], None] = _ignore
        self.lost: str | None = None
        """Why it can say no more; None while it can."""
        self.spoke: float | None = None
        """When it first said anything, in monotonic seconds."""
        self.owed: set[Id] = set()
        """What it has been asked by somebody who has given it away since: nobody gets these answers."""
        self.status: int | None = None
        """Its exit code, or minus a signal's number; None while it runs."""
        self._loop = services.loop
        self._log = services.log
        self._limits = services.limits
        self._backlog = backlog
        self._stop_signal = stop_signal
        self._blame = blame
        self._cause: str | None = None
        self._input: Writer | None = None
        self._output: Reader | None = None
        self._errors: Reader | None = None
        self._ending = False
        self._timers: list[asyncio.TimerHandle] = []

    def run(self, pid: int, pipes: list[int], partial: PartialMessages) -> None:
        """Takes over the process `pid` and our ends of its standard streams, `pipes`."""
        lines, errors = OutputLines(self, self._limits.message, partial), ErrorLines(self)
        self.pid = pid
        self._input = Writer(self._loop, pipes[0], self._backlog.changed)
        self._output = Reader(self._loop, pipes[1], lines.received, lines.ended)
        self._errors = Reader(self._loop, pipes[2], errors.received, errors.ended)

    # what others do with it

    def send(self, line: bytes) -> bool:
        """Writes one message. Returns False where the child does not take its input."""
        if self._input is None or self._output is None or self._ending or self._input.closed:
            return False
        limits, unread = self._limits, self._input.backlog
        if unread > limits.backlog:
            return False
        if self._backlog.size + len(line) > limits.bodies // 2 and (unread or len(line) > limits.pipe):
            return False
        self._input.write(line + b"\n")
        return True

    def pause(self, why: str = "client") -> None:
        """Leaves the child's output in its pipe, for as long as any reason stands."""
        if self._output is not None:
            self._output.pause(why)

    def resume(self, why: str = "client") -> None:
        """Takes the reason for a pause back."""
        if self._output is not None:
            self._output.resume(why)

    def end(self) -> None:
        """Closes the child's input; what does not leave by itself is signalled, and then killed."""
        if self._ending:
            return
        self._ending = True
        if self._input is not None:
            self._input.close()
        if self.status is None:
            seconds = self._limits.stop_seconds
            self._later(seconds, lambda: self._signal(self._stop_signal()))
            self._later(2 * seconds, self.kill)

    def kill(self) -> None:
        """Kills the child with its process group."""
        self._ending = True
        self._signal(signal.SIGKILL)

    # what the pipes and the reaper say

    def received(self, line: bytes) -> None:
        """Takes a line of output without its end: one message, or those of a batch (revision 2025-03-26)."""
        line = line.strip()
        if not line or self.lost is not None:
            return
        if self.spoke is None:
            self.spoke = time.monotonic()
        try:
            messages, _ = read_batch(line)
        except NotAMessage as error:
            self._log.child(self.tag, b"(on stdout, %b) %b" % (str(error).encode(), line))
            return
        for message in messages:
            if self.owed and message.is_answer and message.id in self.owed:
                self.owed.discard(message.id)
                continue
            try:
                self.on_message(message)
            except Exception as error:  # of whoever listens: what else the child says still counts
                self._log.failure(f"a message of [{self.tag}] could not be passed on", error)

    def too_long(self) -> None:
        """Gives up a child that says more than a message may have."""
        self._lose(f"the server sent a message larger than {self._limits.message} bytes")
        self.kill()

    def output_ended(self) -> None:
        """Takes note that it says no more on its standard output."""
        self._output = None
        if self.status is not None:
            self._lose(self._how_it_ended())
        else:
            # It may be about to exit; if not, it is of no use without an output.
            self._later(_EXIT_TO_EOF_SECONDS, self._muted)

    def complain(self, line: bytes) -> None:
        """Logs a line of its standard error."""
        self._log.child(self.tag, line)

    def exited(self, status: int) -> None:
        """Takes note that it has exited. `status`: its exit code, or minus a signal's number."""
        self.status = status
        if not self._ending:
            self._cause = self._blame(status)
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._input is not None:
            self._input.abort()
        if self._output is None:
            self._lose(self._how_it_ended())
        # What it has said before is still in its pipes; a descendant outside of the group may hold them for ever.
        self._later(_EXIT_TO_EOF_SECONDS, self._close_pipes)

    # inside

    def _muted(self) -> None:
        self._lose("the server closed its output")
        self.end()

    def _close_pipes(self) -> None:
        self._lose(self._how_it_ended())
        for pipe in (self._output, self._errors):
            if pipe is not None:
                pipe.close()
        # They know this child, and would keep it in memory until a collector comes by.
        self._input = self._output = self._errors = None
        self._timers.clear()

    def _how_it_ended(self) -> str:
        if self.status is None:
            return "the server was ended"
        if self._cause is not None:
            return self._cause
        if self.status >= 0:
            return f"the server exited with status {self.status}"
        with contextlib.suppress(ValueError):
            return f"the server was killed by {signal.Signals(-self.status).name}"
        return f"the server was killed by signal {-self.status}"

    def _lose(self, why: str) -> None:
        if self.lost is None:
            self.lost = why
            on_lost, self.on_lost, self.on_message = self.on_lost, _ignore, _ignore
            on_lost(why)

    def _signal(self, number: int) -> None:
        if self.status is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        self._timers.append(self._loop.call_later(seconds, what))


def _ignore(_: object) -> None:
    pass
