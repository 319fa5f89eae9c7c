"""The way between one client and the server: what isolation means."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from .child import CannotStart, Child
from .message import Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Owner(Protocol):
    """The client's side of a lane."""

    def receive(self, message: Message) -> None:
        """The server says something to this client."""

    def lose(self, why: str, *, status: int = 200, passing: bool = False) -> None:
        """The server will say no more to this client. `status`: HTTP status for what is still waiting."""


class Lane(Protocol):
    """The server's side, as one client sees it."""

    def send(self, message: Message) -> bool:
        """Passes a message on. False where the server does not take any now."""

    def close(self) -> None:
        """The client is gone."""

    def pause(self) -> bool:
        """Holds the server's output back because the client does not take it. False where that would harm others."""

    def resume(self) -> None: ...


class OwnLane:
    """A child of the client's own."""

    def __init__(self, owner: Owner, start: Callable[[], Awaitable[Child]], loop: asyncio.AbstractEventLoop) -> None:
        self._owner = owner
        self._child: Child | None = None
        self._closed = False
        self._early: list[Message] = []
        self._starting: asyncio.Task[None] | None = loop.create_task(self._start(start))

    def send(self, message: Message) -> bool:
        if self._child is None:
            self._early.append(message)
            return not self._closed
        return self._child.send(message.raw)

    def close(self) -> None:
        self._closed = True
        if self._child is not None:
            self._child.end()

    def pause(self) -> bool:
        if self._child is not None:
            self._child.pause()
        return True

    def resume(self) -> None:
        if self._child is not None:
            self._child.resume()

    async def _start(self, start: Callable[[], Awaitable[Child]]) -> None:
        try:
            child = await start()
        except CannotStart as error:
            self._owner.lose(str(error), status=503 if error.passing else 502, passing=error.passing)
            return
        finally:
            self._starting = None
        self._child = child
        if self._closed:
            child.end()
            return
        child.on_message = self._owner.receive
        child.on_lost = self._owner.lose
        if child.lost is not None:
            self._owner.lose(child.lost)
            return
        for message in self._early:
            child.send(message.raw)
        self._early.clear()
