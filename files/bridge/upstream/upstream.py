"""The way between one client and the server: what isolation means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import orjson

from bridge.process.child import CannotStart, Child
from bridge.protocol import message as messages
from bridge.protocol.json_splice import find, replace
from bridge.protocol.message import Id, Message, NotAMessage
from bridge.protocol.revision import HANDSHAKE

from .forwarded_call import Passage
from .handshake import Greeting

if TYPE_CHECKING:
    from collections.abc import Callable


class Owner(Protocol):
    """The client's side of a lane."""

    client: str
    """Its address."""

    def receive(self, message: Message) -> None:
        """The server says something to this client."""

    def lose(self, why: str, *, status: int = 200, passing: bool = False) -> None:
        """The server will say no more to this client. `status`: HTTP status for what is still waiting; `passing`
        where trying again later may help."""


class Lane(Protocol):
    """The server's side, as one client sees it."""

    def send(self, message: Message) -> bool:
        """Passes a message on. False where the server does not take any now."""

    def close(self) -> None:
        """The client is gone."""

    def pause(self) -> bool:
        """Holds the server's output back because the client does not take it. False where that would harm others."""

    def resume(self) -> None: ...


class Switchboard(Protocol):
    """Children that serve the calls of many clients."""

    changed: Callable[[Message], None]
    """Told of list changes, which concern every client."""

    @property
    def waiting(self) -> int:
        """Calls that no child has got yet."""

    @property
    def size(self) -> int:
        """Children at work or ready."""

    def call(self, passage: Passage) -> None:
        """Sees to a call; its owner receives one answer, an error at worst."""

    def cancel(self, passage: Passage, note: Message | None = None) -> None:
        """The caller does not want the answer any more; `note` is its own notification of that."""

    def join(self, owner: Owner) -> None:
        """The owner has been told that the server is ready for it, and must learn when it no longer is."""

    def leave(self, owner: Owner) -> None:
        """The owner is gone, and all its calls with it."""

    def when_greeted(self, told: Callable[[Greeting | str], None]) -> None:
        """Calls `told` with what a child said of itself, or with the reason why none did."""

    def warm(self) -> None:
        """Has a child ready before anybody asks."""

    def tick(self, now: float) -> None: ...

    def obstacle(self, now: float) -> str | None:
        """Why calls are not being served, None where they are."""

    def close(self) -> None: ...


class OwnLane:
    """A child of the client's own, started for its first message: everything passes as it is."""

    def __init__(self, owner: Owner, start: Callable[[], Child]) -> None:
        self._owner = owner
        self._start = start
        self._child: Child | None = None
        self._closed = False

    def send(self, message: Message) -> bool:
        if self._closed:
            return False
        if self._child is None:
            try:
                child = self._child = self._start()
            except CannotStart as error:
                self._owner.lose(str(error), status=503 if error.passing else 502, passing=error.passing)
                return False
            child.on_message = self._owner.receive
            child.on_lost = self._owner.lose
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


class SwitchedLane:
    """A share in a switchboard's children, which have long been initialised when a client says `initialize`."""

    def __init__(self, owner: Owner, board: Switchboard) -> None:
        self.client = owner.client
        self._owner = owner
        self._board = board
        self._calls: dict[Id, Passage] = {}
        self._closed = False

    def send(self, message: Message) -> bool:
        if message.is_request:
            self._call(message)
        elif message.method == "notifications/cancelled":
            passage = self._calls.pop(message.params.get("requestId", ""), None)
            if passage is not None:
                self._board.cancel(passage, message)
        # Any other notification is about this client, of which the children know nothing.
        return True

    def close(self) -> None:
        self._closed = True
        self._board.leave(self)

    def pause(self) -> bool:
        return False

    def resume(self) -> None:
        pass

    # as the owner of its calls

    def receive(self, message: Message) -> None:
        if message.is_answer and message.id is not None:
            self._calls.pop(message.id, None)
        self._owner.receive(message)

    def lose(self, why: str, *, status: int = 200, passing: bool = False) -> None:
        self._owner.lose(why, status=status, passing=passing)

    # inside

    def _call(self, message: Message) -> None:
        if message.id is None:
            return
        if message.method == "initialize":
            self._board.when_greeted(lambda greeting: self._greet(message, greeting))
            return
        try:
            passage = self._calls[message.id] = Passage(self, message)
        except NotAMessage as error:
            self._owner.receive(messages.parse(messages.error(message.id, error.code, str(error))))
            return
        self._board.call(passage)

    def _greet(self, message: Message, greeting: Greeting | str) -> None:
        if self._closed or message.id is None:
            return
        if isinstance(greeting, str):
            self._owner.receive(messages.Failure(message.id, greeting))
            return
        try:
            answer = hello(message, greeting)
        except (KeyError, ValueError) as error:
            answer = messages.Failure(message.id, f"the server's answer to initialize cannot be passed on: {error}")
        self._board.join(self)
        self._owner.receive(answer)


def hello(asked: Message, greeting: Greeting) -> Message:
    """The answer to a client's `initialize`, in the words of a child that has been greeted already. The client's
    revision stands where it is one that the child's includes."""
    wanted = asked.params.get("protocolVersion")
    agreed = wanted if wanted in HANDSHAKE and wanted <= greeting.revision else greeting.revision
    raw = greeting.answer.raw
    raw = replace(raw, find(raw, "result", "protocolVersion"), orjson.dumps(agreed))
    start, end = find(asked.raw, "id")
    raw = replace(raw, find(raw, "id"), asked.raw[start:end])
    return messages.parse(raw)
