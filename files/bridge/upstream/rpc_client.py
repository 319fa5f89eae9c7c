"""The bridge as a client of a child: it asks, and waits for the answer."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from bridge.protocol import message as messages
from bridge.protocol.message import Id, Message

if TYPE_CHECKING:
    from bridge.process.child import Child

_numbers = itertools.count(1)


class NoAnswer(Exception):
    """The child did not answer; the text says at which step and why."""


class Silent(NoAnswer):
    """It had its time."""


class Lost(NoAnswer):
    """It can say no more."""


class Released(NoAnswer):
    """It has been given to somebody else."""


class RpcClient:
    """Takes over a child's messages. What the server asks in turn is refused, except for a ping."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self._waiting: dict[Id, asyncio.Future[Message]] = {}
        self._ended = asyncio.Event()
        self._end: NoAnswer | None = None
        child.on_message = self._receive
        child.on_lost = self._lose

    def start(self, method: str, params: dict[str, Any] | None = None) -> asyncio.Future[Message]:
        """Asks. Returns a future that will hold the answer, or the exception Lost."""
        ident = f"bridge-{next(_numbers)}"
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        if self._end is not None:
            future.set_exception(type(self._end)(str(self._end)))
        elif self.child.lost is not None:
            future.set_exception(Lost(self.child.lost))
        elif self.child.send(messages.request(ident, method, params)):
            self._waiting[ident] = future
        else:
            future.set_exception(Lost("the server does not read its input"))
        return future

    async def ask(self, method: str, params: dict[str, Any] | None, seconds: float) -> Message:
        """Returns the answer to `method`, an error or a result, that comes within `seconds`. Raises NoAnswer."""
        try:
            async with asyncio.timeout(seconds):
                return await self.start(method, params)
        except TimeoutError:
            raise Silent(f"{method} was not answered within {seconds:g} s") from None
        except Lost as lost:
            raise Lost(f"{lost} at {method}") from None

    def notify(self, method: str) -> None:
        """Sends a notification without parameters."""
        self.child.send(messages.notification(method))

    def release(self) -> None:
        """Gives the child away. Whoever gets it is spared the answers that are still to come, and whoever waits for
        one here gets the exception Released."""
        self.child.owed.update(self._waiting)
        self._finish(Released("a session has taken the process"))

    async def pause(self, seconds: float) -> None:
        """Waits for `seconds`. Raises Lost or Released at once when there is nothing to wait for."""
        if self.child.lost is not None and self._end is None:
            raise Lost(self.child.lost)
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return
        raise self._end or Lost("the server is gone")

    def _receive(self, message: Message) -> None:
        if message.is_answer:
            future = self._waiting.pop(message.id, None) if message.id is not None else None
            if future is not None and not future.done():
                future.set_result(message)
        elif message.is_request:
            self.child.send(refusal(message))

    def _lose(self, why: str) -> None:
        self._finish(Lost(why))

    def _finish(self, end: NoAnswer) -> None:
        if self._end is not None:
            return
        self._end = end
        self._ended.set()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(type(end)(str(end)))
        self._waiting.clear()


def refusal(asked: Message, why: str = "there is no client to ask") -> bytes:
    """Returns the bridge's own answer to a request of the server, as bytes of JSON. `why` it is refused."""
    if asked.id is None:
        raise ValueError("a notification cannot be answered")
    if asked.method == "ping":
        return messages.result(asked.id, {})
    return messages.error(asked.id, messages.METHOD_NOT_FOUND, f"{asked.method} is not available here: {why}")
