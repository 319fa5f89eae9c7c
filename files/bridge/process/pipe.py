"""Our ends of a child's pipes.

Not the loop's own pipe transports: uvloop closes their descriptors twice, which under load closes somebody else's and
ends in a crash (seen with 0.23), and it reads from pipes that are only written to.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable

_READ_BYTES = 1 << 16  # as much as a pipe holds


class Reader:
    """Passes on what arrives at the reading end `fd`, which it closes at its end or on `close`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int,
        received: Callable[[bytes], None],
        ended: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._fd = fd
        self._received = received
        self._ended = ended
        self._pauses: set[str] = set()  # why nothing is read
        os.set_blocking(fd, False)
        loop.add_reader(fd, self._ready)

    @property
    def closed(self) -> bool:
        """Whether nothing more is read."""
        return self._fd < 0

    def pause(self, why: str) -> None:
        """Reads nothing for as long as any reason stands."""
        if not self.closed:
            if not self._pauses:
                self._loop.remove_reader(self._fd)
            self._pauses.add(why)

    def resume(self, why: str) -> None:
        """Reads again where this was the only reason not to."""
        if not self.closed and why in self._pauses:
            self._pauses.remove(why)
            if not self._pauses:
                self._loop.add_reader(self._fd, self._ready)

    def close(self) -> None:
        """Reads no more; `ended` is called once."""
        if self.closed:
            return
        if not self._pauses:
            self._loop.remove_reader(self._fd)
        os.close(self._fd)
        self._fd = -1
        self._ended()

    def _ready(self) -> None:
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._received(data)
        else:
            self.close()


class Writer:
    """Writes to the writing end `fd`, as much as it takes at once and the rest when it can."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int, counted: Callable[[int], None]) -> None:
        self._loop = loop
        self._fd = fd
        self._counted = counted  # told how the backlog changes
        self._closing = False
        self._rest: deque[memoryview] = deque()
        self.backlog = 0  # bytes that wait
        os.set_blocking(fd, False)

    @property
    def closed(self) -> bool:
        """Whether nothing more can be written."""
        return self._fd < 0 or self._closing

    def write(self, data: bytes) -> None:
        """Writes `data`, in part later where the pipe does not take it now."""
        if self.closed:
            return
        view = memoryview(data)
        if not self._rest:
            view = view[self._put(view) :]
            if view and self._fd >= 0:
                self._loop.add_writer(self._fd, self._ready)
        if view and self._fd >= 0:
            self._rest.append(view)
            self._count(len(view))

    def close(self) -> None:
        """Closes the pipe when everything is written."""
        self._closing = True
        if not self._rest:
            self.abort()

    def abort(self) -> None:
        """Closes the pipe now."""
        if self._fd >= 0:
            if self._rest:
                self._loop.remove_writer(self._fd)
                self._rest.clear()
                self._count(-self.backlog)
            os.close(self._fd)
            self._fd = -1

    def _count(self, size: int) -> None:
        self.backlog += size
        self._counted(size)

    def _put(self, view: memoryview) -> int:
        try:
            return os.write(self._fd, view)
        except BlockingIOError:
            return 0
        except OSError:  # nobody reads any more
            self.abort()
            return 0

    def _ready(self) -> None:
        while self._rest:
            view = self._rest[0]
            written = self._put(view)
            if self._fd < 0:
                return
            self._count(-written)
            if written < len(view):
                self._rest[0] = view[written:]
                return
            self._rest.popleft()
        self._loop.remove_writer(self._fd)
        if self._closing:
            self.abort()
