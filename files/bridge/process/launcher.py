"""Starts the server's processes, each kept apart from the others, and knows which of them live."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .child import CannotStart, Child, InputBacklog
from .landlock import Landlock
from .lines import PartialMessages
from .room import Room

if TYPE_CHECKING:
    from bridge.services import Services

    from .environment import Environment
    from .reaper import Reaper

_DEFAULT_SIGNALS = [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD]
_RETRYABLE = frozenset({errno.EAGAIN, errno.ENOMEM, errno.ENFILE, errno.EMFILE})


class Launcher:
    """Starts children of one command, whose further `arguments` nobody may read."""

    def __init__(
        self,
        services: Services,
        command: Sequence[str],
        environment: Environment,
        reaper: Reaper,
        arguments: Sequence[str] = (),
    ) -> None:
        self.starts = 0
        """Children started so far."""
        self.stop_signal: int = signal.SIGTERM
        """What ends a child that does not leave by itself: the signal that the container is stopped with, once it is
        known."""
        self.room = Room(services)
        """For how many more children there is room."""
        self._services = services
        self._command = [*command, *arguments]
        self._name = command[0] if command else "the server's program"
        self._environment = environment
        self._reaper = reaper
        self._landlock = Landlock()
        self._children: dict[int, Child] = {}
        self._backlog = InputBacklog()
        self._partial = PartialMessages(services.limits.answers)

    @property
    def running(self) -> int:
        """Children that have not exited."""
        return len(self._children)

    @property
    def keeps_apart(self) -> bool:
        """Whether no child can look into another."""
        return self._landlock.works

    @property
    def personal(self) -> bool:
        """Whether children differ by the client they are started for."""
        return self._environment.personal

    def refuses(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Returns why no child can be started for a client whose request had `headers`; None where one can."""
        return self._environment.refuses(headers)

    def start(self, tag: str, headers: Mapping[bytes, bytes] | None = None) -> Child:
        """Returns a new child whose log lines bear `tag`, for a client whose request had `headers`. Raises
        CannotStart."""
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
            retryable = error.errno in _RETRYABLE
            raise CannotStart(f"{self._name} cannot be started: {error.strerror}", retryable=retryable) from error
        finally:
            for fd in theirs:
                os.close(fd)
        child = Child(self._services, tag, self._backlog, lambda: self.stop_signal, self.room.blame)
        child.run(pid, ours, self._partial)
        self.starts += 1
        self._children[pid] = child
        self._reaper.watch(pid, lambda status: self._exited(child, status))
        return child

    def fits(self) -> tuple[int | None, str]:
        """Returns how many more children there is room for, None where nothing limits them, and which limit it is."""
        now, children, room = time.monotonic(), self._children.values(), self.room
        if room.is_stale(now):
            room.measure(children, self._reaper.sizes(), now)
        more = room.more(children, now)
        if more[0] == 0 and room.is_stale(now, hurry=True):
            room.measure(children, self._reaper.sizes(), now)
            more = room.more(children, now)
        return more

    async def end_all(self) -> None:
        """Ends all children, and waits until the last has exited."""
        for child in list(self._children.values()):
            child.end()
        while self._children:
            await asyncio.sleep(0.01)

    def _exited(self, child: Child, status: int) -> None:
        self._children.pop(child.pid, None)
        child.exited(status)

    def _spawn(self, environment: Mapping[str, str], streams: Sequence[int]) -> int:
        """Returns the id of a new process with `streams` as its standard ones. Raises OSError."""
        return os.posix_spawnp(
            self._command[0],
            self._command,
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(streams)],
            setsid=True,
            setsigmask=[],
            setsigdef=_DEFAULT_SIGNALS,  # Python ignores SIGPIPE, and what is ignored stays so through exec
        )
