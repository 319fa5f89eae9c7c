"""Server-sent events towards one client that cannot be taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .keepalive import keep_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bridge.http.request import Header, Request
    from bridge.limits import Limits


class PlainStreams:
    """All that are open."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: set[PlainStream] = set()

    def open(self, left: Callable[[], None]) -> PlainStream:
        """Returns a new stream. Calls `left` when its client is gone."""

        def lost(stream: PlainStream) -> None:
            self._open.discard(stream)
            left()

        stream = PlainStream(slow=self._too_slow, lost=lost)
        self._open.add(stream)
        return stream

    def tick(self, now: float) -> None:
        """Keeps quiet streams alive. `now`: monotonic seconds."""
        for stream in list(self._open):
            keep_alive(stream.readers, now, self._limits.comment_seconds)
        self._open = {stream for stream in self._open if stream.readers}

    def _too_slow(self, request: Request) -> None:
        if request.backlog > self._limits.backlog:
            request.abort()


class PlainStream:
    """Events without numbers, for one connection: when it is lost, the stream is."""

    __slots__ = ("_lost", "_slow", "readers")

    def __init__(self, *, slow: Callable[[Request], None], lost: Callable[[PlainStream], None]) -> None:
        self.readers: list[Request] = []
        self._slow = slow
        self._lost = lost

    def attach(self, request: Request, headers: Iterable[Header] = ()) -> None:
        """Answers `request` with this stream."""
        request.open_stream(headers=headers)
        request.on_lost = self._detach
        self.readers.append(request)

    def send(self, raw: bytes, event: bytes = b"message") -> None:
        """Sends `raw`, which has no line break, as an event of the type `event`."""
        for request in self.readers:
            request.write(b"event: %b\ndata: %b\n\n" % (event, raw))
            self._slow(request)

    def finish(self) -> None:
        """Ends the stream and, properly, its connection."""
        readers, self.readers = self.readers, []
        for request in readers:
            request.on_lost = None
            request.close()

    def _detach(self) -> None:
        if self.readers:
            self.readers.clear()
            self._lost(self)
