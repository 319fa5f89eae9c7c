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

from bridge.printable import LINE
from bridge.protocol.json_splice import elements
from bridge.protocol.message import Message, NotAMessage, decode, from_value

from .landlock import Landlock
from .pipe import Reader, Writer

if TYPE_CHECKING:
    from bridge.limits import Limits
    from bridge.log import Log

    from .environment import Environment
    from .reaper import Reaper

_DEFAULT_SIGNALS = [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD]
_EXIT_TO_EOF_SECONDS = 0.5  # what an exited process may have left in its pipe
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
        self.lost: str | None = None  # why it can say no more
        self.status: int | None = None  # exit code, or minus a signal's number
        self._launcher = launcher
        self._input: Writer | None = None
        self._output: Reader | None = None
        self._errors: Reader | None = None
        self._ending = False
        self._timers: list[asyncio.TimerHandle] = []

    # what others do with it

    def send(self, line: bytes) -> bool:
        """Writes one message. False where the child does not take its input."""
        if self._input is None or self._output is None or self._ending or self._input.closed:
            return False
        if self._input.backlog > self._launcher.limits.backlog:
            return False
        limits, launcher = self._launcher.limits, self._launcher
        if launcher.unread + len(line) > limits.bodies // 2 and (self._input.backlog or len(line) > limits.pipe):
            return False
        self._input.write(line + b"\n")
        return True

    def pause(self, why: str = "client") -> None:
        """Lets the child's output wait in its pipe."""
        if self._output is not None:
            self._output.pause(why)

    def resume(self, why: str = "client") -> None:
        if self._output is not None:
            self._output.resume(why)

    def end(self) -> None:
        """Closes the child's input; what does not leave by itself is told to, and then killed."""
        if self._ending:
            return
        self._ending = True
        if self._input is not None:
            self._input.close()
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
                self._tell(message)
        except NotAMessage as error:
            self._launcher.log.child(self.tag, b"(on stdout, %b) %b" % (str(error).encode(), line))

    def _tell(self, message: Message) -> None:
        try:
            self.on_message(message)
        except Exception as error:  # of whoever listens: what else the child says still counts
            self._launcher.log.failure(f"a message of [{self.tag}] could not be passed on", error)

    def too_long(self) -> None:
        self._lose(f"the server sent a message larger than {self._launcher.limits.message} bytes")
        self.kill()

    def output_ended(self) -> None:
        self._output = None
        if self.status is not None:
            self._lose(self._how_it_ended())
        else:
            # It may be about to exit; if not, it is of no use without an output.
            self._later(_EXIT_TO_EOF_SECONDS, self._muted)

    def _muted(self) -> None:
        self._lose("the server closed its output")
        self.end()

    def complain(self, line: bytes) -> None:
        self._launcher.log.child(self.tag, line)

    def exited(self, status: int) -> None:
        self.status = status
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._input is not None:
            self._input.abort()
        self._launcher.children.pop(self.pid, None)
        if self._output is None:
            self._lose(self._how_it_ended())
        # What it has said before is still in its pipes; a descendant outside of the group may hold them for ever.
        self._later(_EXIT_TO_EOF_SECONDS, self._close_pipes)

    def run(self, pid: int, pipes: list[int]) -> None:
        """It runs, as `pid`, and these are our ends of its standard streams."""
        loop, limit = self._launcher.loop, self._launcher.limits.message
        lines, errors = _Lines(self, limit, self._launcher.pieces), _Errors(self)
        self.pid = pid
        self._input = Writer(loop, pipes[0], self._launcher.wrote)
        self._output = Reader(loop, pipes[1], lines.received, lines.ended)
        self._errors = Reader(loop, pipes[2], errors.received, errors.ended)

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
        self._timers.append(self._launcher.loop.call_later(seconds, what))


def _messages(line: bytes) -> list[Message]:
    """The messages in one line: one, or those of a batch (revision 2025-03-26). Raises NotAMessage."""
    value = decode(line)
    if isinstance(value, list):
        return [from_value(raw, element) for raw, element in zip(elements(line), value, strict=True)]
    return [from_value(line.replace(b"\r", b" "), value)]


def _ignore(_: object) -> None:
    pass


class Pieces:
    """Messages that children have said in part. Where they are too much together, only the child that began first goes
    on, so that one message after the other is completed; the others' output waits in their pipes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._total = 0
        self._sizes: dict[Child, int] = {}  # the first to begin first

    def grow(self, child: Child, size: int) -> None:
        self._sizes[child] = self._sizes.get(child, 0) + size
        self._total += size
        if self._total > self._limit and child is not next(iter(self._sizes)):
            child.pause("pieces")

    def done(self, child: Child) -> None:
        self._total -= self._sizes.pop(child, 0)
        for one in list(self._sizes) if self._total <= self._limit else list(self._sizes)[:1]:
            one.resume("pieces")


class _Lines:
    """Cuts a child's output into lines."""

    def __init__(self, child: Child, limit: int, pieces: Pieces) -> None:
        self._child = child
        self._limit = limit
        self._pieces = pieces
        self._parts: list[bytes] = []
        self._size = 0

    def received(self, data: bytes) -> None:
        if data.endswith(b"\n") and not self._parts and data.count(b"\n") == 1:  # nearly always
            self._child.received(data)
            return
        *lines, rest = data.split(b"\n")
        if lines and self._parts:
            self._parts.append(lines[0])
            lines[0] = b"".join(self._parts)
            self._forget()
        for line in lines:
            self._child.received(line)
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
            self._pieces.grow(self._child, len(rest))
            if self._size > self._limit:
                self._forget()
                self._child.too_long()

    def ended(self) -> None:
        if self._parts:  # a last line without its end
            self._child.received(b"".join(self._parts))
            self._forget()
        self._child.output_ended()

    def _forget(self) -> None:
        self._parts.clear()
        self._size = 0
        self._pieces.done(self._child)


class _Errors:
    """Passes what a child says on stderr to the container's log, by lines."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._rest = b""
        self._told = False  # the beginning of the line, which is too long; what follows is left out

    def received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not self._told:
                self._child.complain(line)
            self._told = False
        if len(self._rest) > 4 * LINE:  # bytes that are enough for a line of any characters
            if not self._told:
                self._child.complain(self._rest)
            self._told = True
            self._rest = b""

    def ended(self) -> None:
        if self._rest and not self._told:
            self._child.complain(self._rest)


class Launcher:
    """Starts children of one command."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        command: Sequence[str],
        environment: Environment,
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
        self.unread = 0  # bytes that children have not taken yet
        self.pieces = Pieces(limits.answers)
        self._command = list(command)
        self._environment = environment
        self._landlock = Landlock()

    @property
    def keeps_apart(self) -> bool:
        """Whether no child can look into another."""
        return self._landlock.works

    def wrote(self, size: int) -> None:
        """The bytes that children have not taken have become more, or fewer."""
        self.unread += size

    @property
    def personal(self) -> bool:
        """Whether children differ by the client they are started for."""
        return self._environment.personal

    def refuses(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Why no child can be started for a client whose request had `headers`; None where one can."""
        return self._environment.refuses(headers)

    def start(self, tag: str, headers: Mapping[bytes, bytes] | None = None) -> Child:
        """A new child whose log lines bear `tag`, for a client whose request had `headers`. Raises CannotStart."""
        ours: list[int] = []
        theirs: list[int] = []
        try:
            for number in range(3):
                reading, writing = os.pipe()
                ours.append(writing if number == 0 else reading)
                theirs.append(reading if number == 0 else writing)
            pid = self._landlock.apart(lambda: self._spawn(self._environment.of(headers or {}), theirs))
        except OSError as error:
            for fd in ours:
                os.close(fd)
            passing = error.errno in _PASSING
            raise CannotStart(f"{self._command[0]} cannot be started: {error.strerror}", passing=passing) from error
        finally:
            for fd in theirs:
                os.close(fd)
        child = Child(self, tag)
        child.run(pid, ours)
        self.starts += 1
        self.children[pid] = child
        self.reaper.watch(pid, child.exited)
        return child

    def _spawn(self, environment: Mapping[str, str], streams: Sequence[int]) -> int:
        """The id of a new process with `streams` as its standard ones. Raises OSError."""
        return os.posix_spawnp(
            self._command[0],
            self._command,
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(streams)],
            setsid=True,
            setsigmask=[],
            setsigdef=_DEFAULT_SIGNALS,  # Python ignores SIGPIPE, and what is ignored stays so through exec
        )
