"""What children say, cut into lines: messages on their standard output, text for the log on their standard error."""

from __future__ import annotations

from typing import Protocol

from bridge.printable import LINE


class Speaker(Protocol):
    """The child whose lines these are."""

    def received(self, line: bytes) -> None:
        """Takes a line of its standard output, without its end."""

    def output_ended(self) -> None:
        """Takes note that its standard output has ended."""

    def too_long(self) -> None:
        """Takes note that a line is longer than a message may be; the rest of it is not waited for."""

    def complain(self, line: bytes) -> None:
        """Takes a line of its standard error, without its end."""

    def pause(self, why: str) -> None:
        """Leaves its output in its pipe, for as long as any reason stands."""

    def resume(self, why: str) -> None:
        """Takes the reason back."""


class PartialMessages:
    """Messages that children have said in part. Where they are more than `limit` bytes together, only the child that
    began first goes on, so that one message after the other is completed; the others' output waits in their pipes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._total = 0
        self._sizes: dict[Speaker, int] = {}  # the first to begin first

    def grow(self, child: Speaker, size: int) -> None:
        """Adds `size` bytes to the message of `child`."""
        self._sizes[child] = self._sizes.get(child, 0) + size
        self._total += size
        if self._total > self._limit and child is not next(iter(self._sizes)):
            child.pause("partial messages")

    def done(self, child: Speaker) -> None:
        """Removes the message of `child`, which is complete or given up, and lets others go on."""
        self._total -= self._sizes.pop(child, 0)
        for one in list(self._sizes) if self._total <= self._limit else list(self._sizes)[:1]:
            one.resume("partial messages")


class OutputLines:
    """Cuts a child's standard output into lines of at most `limit` bytes."""

    def __init__(self, child: Speaker, limit: int, partial: PartialMessages) -> None:
        self._child = child
        self._limit = limit
        self._partial = partial
        self._parts: list[bytes] = []
        self._size = 0

    def received(self, data: bytes) -> None:
        """Takes what has arrived."""
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
            self._partial.grow(self._child, len(rest))
            if self._size > self._limit:
                self._forget()
                self._child.too_long()

    def ended(self) -> None:
        """Takes the end of the output, which is the end of the last line, too."""
        if self._parts:
            self._child.received(b"".join(self._parts))
            self._forget()
        self._child.output_ended()

    def _forget(self) -> None:
        self._parts.clear()
        self._size = 0
        self._partial.done(self._child)


class ErrorLines:
    """Cuts what a child says on standard error into lines for the container's log."""

    def __init__(self, child: Speaker) -> None:
        self._child = child
        self._rest = b""
        self._told = False  # the beginning of the line, which is too long; what follows is left out

    def received(self, data: bytes) -> None:
        """Takes what has arrived."""
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
        """Takes the end, which is the end of the last line, too."""
        if self._rest and not self._told:
            self._child.complain(self._rest)
