"""A child of the client's own (isolation per_session): everything passes as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.process.child import CannotStart, Child

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.protocol.message import Message

    from .upstream import Client


class DedicatedUpstream:
    """Starts a child for the client's first message. `used`: is called with each message of the client."""

    def __init__(self, client: Client, start: Callable[[], Child], used: Callable[[], None]) -> None:
        self._client = client
        self._start = start
        self._used = used
        self._child: Child | None = None
        self._closed = False

    def send(self, message: Message) -> bool:
        """Passes the message on to the child, which is started where there is none yet."""
        if self._closed:
            return False
        self._used()
        if self._child is None:
            try:
                child = self._child = self._start()
            except CannotStart as error:
                status = 503 if error.retryable else 502
                self._client.fail(str(error), status=status, retryable=error.retryable)
                return False
            child.on_message = self._client.receive
            child.on_lost = self._client.fail
        return self._child.send(message.raw)

    def close(self) -> None:
        """Ends the child."""
        self._closed = True
        if self._child is not None:
            self._child.end()

    def pause(self) -> bool:
        """Leaves the child's output in its pipe."""
        if self._child is not None:
            self._child.pause()
        return True

    def resume(self) -> None:
        """Reads the child's output again."""
        if self._child is not None:
            self._child.resume()
