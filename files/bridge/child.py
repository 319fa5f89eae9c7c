"""One process of the server: started, spoken to line by line, ended with all its descendants in its group."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from .message import Message, NotAMessage, decode, from_value
from .span import elements

if TYPE_CHECKING:
    from .limits import Limits
    from .log import Log
    from .reaper import Reaper

_DEFAULT_SIGNALS = [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD]
_EXIT_TO_EOF_SECONDS = 0.5  # what an exited process may have left in its pipe
_STDERR_LINE = 16 * 1024
_PASSING = frozenset({errno.EAGAIN, errno.ENOMEM, errno.ENFILE, errno.EMFILE})


class CannotStart(Exception):
    """The command could not be started; the text says why. `passing` where trying again later may help."""

    def __init__(self, why: str, *, passing: bool) -> None:
        super().__init__(why)
        self.passing = passing


class Child:
    """A running process. `on_message` gets what it says, `on_lost` a reason when it can say no more; each may be set
    at any time before the event loop runs again."""

    def __init__(self, launcher: Launcher, tag: str) -> None:
        self.pid = 0
        self.tag = tag
        self.started = time.monotonic()
        self.started_at = time.time()
        self.on_message: Callable[[Message], None] = _ignore
        self.on_lost: Callable[[str], None] = _ignore
        self.on_gone: Callable[[], None] = _nothing
        self.lost: str | None = None  # why it can say no more
        self.status: int | None = None  # exit code, or minus a signal's number
        self._launcher = launcher
        self.input: asyncio.WriteTransport | None = None
        self.output: asyncio.ReadTransport | None = None
        self.errors: asyncio.ReadTransport | None = None
        self._ending = False
        self._timers: list[asyncio.TimerHandle] = []

    # what others do with it

    def send(self, line: bytes) -> bool:
        """Writes one message. False where the child does not take its input."""
        if self.input is None or self.lost is not None or self._ending or self.input.is_closing():
            return False
        if self.input.get_write_buffer_size() > self._launcher.limits.backlog:
            return False
        self.input.write(line + b"\n")
        return True

    def pause(self) -> None:
        """Lets the child's output wait in its pipe."""
        if self.output is not None and not self.output.is_closing():
            self.output.pause_reading()

    def resume(self) -> None:
        if self.output is not None and not self.output.is_closing():
            self.output.resume_reading()

    def end(self) -> None:
        """Closes the child's input; what does not leave by itself is told to, and then killed."""
        if self._ending:
            return
        self._ending = True
        if self.input is not None:
            self.input.close()
        if self.status is None:
            seconds = self._launcher.limits.stop_seconds
            self._later(seconds, lambda: self._signal(self._launcher.stop_signal))
            self._later(2 * seconds, self.kill)

    def kill(self) -> None:
        self._ending = True
        self._signal(signal.SIGKILL)

    # what the pipes and the reaper say

    def received(self, line: bytes) -> None:
        """A line of output without its end."""
        line = line.strip()
        if not line or self.lost is not None:
            return
        try:
            for message in _messages(line):
                self.on_message(message)
        except NotAMessage as error:
            self._launcher.log.child(self.tag, b"(on stdout, %b) %b" % (str(error).encode(), line[:_STDERR_LINE]))

    def too_long(self) -> None:
        self._lose(f"the server sent a message larger than {self._launcher.limits.message} bytes")
        self.kill()

    def output_ended(self) -> None:
        self.output = None
        if self.status is not None:
            self._lose(self._how_it_ended())
        else:
            # It may be about to exit; if not, it is of no use without an output.
            self._later(_EXIT_TO_EOF_SECONDS, lambda: self._lose("the server closed its output"))
            self.end()

    def complain(self, line: bytes) -> None:
        self._launcher.log.child(self.tag, line)

    def exited(self, status: int) -> None:
        self.status = status
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self.input is not None:
            self.input.close()
        self._launcher.children.pop(self.pid, None)
        if self.output is None:
            self._lose(self._how_it_ended())
        else:  # a descendant outside of the group may hold the pipe for ever
            self._later(_EXIT_TO_EOF_SECONDS, self.close_pipes)
        self.on_gone()

    def close_pipes(self) -> None:
        self._lose(self._how_it_ended())
        for pipe in (self.input, self.output, self.errors):
            if pipe is not None:
                pipe.close()

    def _how_it_ended(self) -> str:
        if self.status is None:
            return "the server was ended"
        if self.status >= 0:
            return f"the server exited with status {self.status}"
        with contextlib.suppress(ValueError):
            return f"the server was killed by {signal.Signals(-self.status).name}"
        return f"the server was killed by signal {-self.status}"

    def _lose(self, why: str) -> None:
        if self.lost is None:
            self.lost = why
            self.on_lost(why)

    def _signal(self, number: int) -> None:
        if self.status is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        self._timers.append(self._launcher.loop.call_later(seconds, what))


def _messages(line: bytes) -> list[Message]:
    """The messages in one line: one, or those of a batch (revision 2025-03-26). Raises NotAMessage."""
    value = decode(line)
    if isinstance(value, list):
        return [from_value(raw, element) for raw, element in zip(elements(line), value, strict=True)]
    return [from_value(line.replace(b"\r", b" "), value)]


def _ignore(_: object) -> None:
    pass


def _nothing() -> None:
    pass


class _Output(asyncio.Protocol):
    """Cuts a child's output into lines."""

    def __init__(self, child: Child, limit: int) -> None:
        self._child = child
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def data_received(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        if lines and self._parts:
            self._parts.append(lines[0])
            lines[0] = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
        for line in lines:
            self._child.received(line)
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
            if self._size > self._limit:
                self._parts.clear()
                self._size = 0
                self._child.too_long()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._parts:  # a last line without its end
            self._child.received(b"".join(self._parts))
            self._parts.clear()
        self._child.output_ended()


class _Errors(asyncio.Protocol):
    """Passes what a child says on stderr to the container's log, by lines."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._child.complain(line)
        if len(self._rest) > _STDERR_LINE:
            self._child.complain(self._rest)
            self._rest = b""

    def connection_lost(self, exc: Exception | None) -> None:
        if self._rest:
            self._child.complain(self._rest)
        self._child.errors = None


class Launcher:
    """Starts children of one command."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        command: Sequence[str],
        environment: Mapping[str, str],
        reaper: Reaper,
        log: Log,
        limits: Limits,
    ) -> None:
        self.loop = loop
        self.reaper = reaper
        self.log = log
        self.limits = limits
        self.stop_signal: int = signal.SIGTERM  # the one the container itself was stopped with, later on
        self.children: dict[int, Child] = {}
        self.starts = 0
        self._command = list(command)
        self._environment = dict(environment)

    async def start(self, tag: str, environment: Mapping[str, str] | None = None) -> Child:
        """A new child whose log lines bear `tag`. Raises CannotStart."""
        child = Child(self, tag)
        theirs: list[int] = []
        try:
            await self._connect(child, theirs)
            child.pid = os.posix_spawnp(
                self._command[0],
                self._command,
                self._environment if environment is None else environment,
                file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(theirs)],
                setsid=True,
                setsigmask=[],
                setsigdef=_DEFAULT_SIGNALS,  # Python ignores SIGPIPE, and what is ignored stays so through exec
            )
        except OSError as error:
            child.close_pipes()
            passing = error.errno in _PASSING
            raise CannotStart(f"{self._command[0]} cannot be started: {error.strerror}", passing=passing) from error
        finally:
            for fd in theirs:
                os.close(fd)
        self.starts += 1
        self.children[child.pid] = child
        self.reaper.watch(child.pid, child.exited)
        _prefer_as_victim(child.pid)
        return child

    async def _connect(self, child: Child, theirs: list[int]) -> None:
        """Puts our ends of three pipes into `child` and the other ends into `theirs`, in the order of the streams."""
        reading, writing = os.pipe()
        theirs.append(reading)
        written, _ = await self.loop.connect_write_pipe(_Input, open(writing, "wb", buffering=0))  # noqa: SIM115
        child.input = written
        reading, writing = os.pipe()
        theirs.append(writing)
        lines = _Output(child, self.limits.message)
        read, _ = await self.loop.connect_read_pipe(lambda: lines, open(reading, "rb", buffering=0))  # noqa: SIM115
        child.output = read
        reading, writing = os.pipe()
        theirs.append(writing)
        read, _ = await self.loop.connect_read_pipe(lambda: _Errors(child), open(reading, "rb", buffering=0))  # noqa: SIM115
        child.errors = read


class _Input(asyncio.BaseProtocol):
    """A child's stdin; that it broke is learnt from the child's end."""


def _prefer_as_victim(pid: int) -> None:
    """Where the container runs out of memory, a child goes before the bridge does, and the bridge says so."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "w") as file:
        file.write("500")
