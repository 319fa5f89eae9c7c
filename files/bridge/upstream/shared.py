"""One child for all clients: ids are the bridge's own, and what cannot be told apart reaches nobody."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from bridge.process.child import CannotStart, Child
from bridge.protocol import message as messages

from .forwarded_call import SUBSCRIPTION, Passage
from .handshake import META, Greeting, greet
from .rpc_client import Conversation, NoAnswer, reason, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.limits import Limits
    from bridge.log import Log
    from bridge.process.child import Launcher
    from bridge.protocol.message import Message

    from .upstream import Owner

_NO_CLIENT = "one child serves all clients, and none of them can be asked; set isolation to per_session"
_CHANGES = "/list_changed"


class Shared:
    """Multiplexes the calls of many owners over one child, which is started when it is needed."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, launcher: Launcher, log: Log, limits: Limits, *, modern: bool
    ) -> None:
        self._loop = loop
        self._launcher = launcher
        self._log = log
        self._limits = limits
        self._modern = modern
        self._child: Child | None = None
        self._starting: asyncio.Task[None] | None = None
        self._early: list[Passage] = []
        self._passages: dict[str, Passage] = {}
        self._greeted: list[Callable[[Greeting | str], None]] = []
        self._subscribed: dict[str, set[Owner]] = {}
        self.greeting: Greeting | None = None
        self._owners: dict[Owner, None] = {}
        self._heard = 0.0
        self._owes: float | None = None  # since when it has been asked for a sign of life and given none
        self.changed: Callable[[Message], None] = lambda _: None
        self.waiting = 0

    @property
    def size(self) -> int:
        return 0 if self._child is None else 1

    def call(self, passage: Passage) -> None:
        if self._child is None:
            if len(self._early) >= self._limits.queue or _size([*self._early, passage]) > self._limits.bodies // 4:
                passage.fail("too many calls are waiting for the server; try again later")
                return
            self._early.append(passage)
            self.warm()
        elif self._child.send(passage.line):
            self._note(passage)
        else:
            passage.fail("the server does not read its input")

    def cancel(self, passage: Passage, note: Message | None = None) -> None:
        if passage in self._early:
            self._early.remove(passage)
        elif self._passages.pop(passage.ident, None) is not None and self._child is not None:
            self._child.send(passage.cancellation(note))

    def when_greeted(self, told: Callable[[Greeting | str], None]) -> None:
        if self.greeting is not None and self._child is not None:
            told(self.greeting)
        else:
            self._greeted.append(told)
            self.warm()

    def join(self, owner: Owner) -> None:
        self._owners[owner] = None

    def leave(self, owner: Owner) -> None:
        """`owner` is gone; its calls are cancelled."""
        self._owners.pop(owner, None)
        for subscribers in self._subscribed.values():
            subscribers.discard(owner)
        for passage in [*self._early, *self._passages.values()]:
            if passage.owner is owner:
                self.cancel(passage)

    def warm(self) -> None:
        if self._child is None and self._starting is None:
            self._starting = self._loop.create_task(self._start())

    def tick(self, now: float) -> None:
        """Asks a child that has been silent for a sign of life, and gives it up when it gives none for long. Only what
        serves the clients can tell whether they are served."""
        if self._child is None:
            return
        if self._owes is None:
            if now - self._heard > self._limits.ask_seconds:
                self._owes = now
                self._child.send(messages.request("bridge-alive", *self._sign_of_life))
        elif now - self._owes > self._limits.hung_seconds:
            self._log.warning(f"shared: nothing was heard of the server for {now - self._heard:.0f} s; it is killed")
            self._child.kill()

    def obstacle(self, now: float) -> str | None:
        if self._owes is None or now - self._owes < self._limits.silence_seconds:
            return None
        return f"the process that serves all clients has not answered for {now - self._owes:.0f} s"

    def close(self) -> None:
        if self._child is not None:
            self._child.end()

    # inside

    async def _start(self) -> None:
        child: Child | None = None
        try:
            child = self._launcher.start("shared")
            if not self._modern:
                self.greeting = await greet(Conversation(child), self._limits.greet_seconds, discover=False)
        except Exception as error:
            if not isinstance(error, CannotStart | NoAnswer):
                self._log.failure("shared: a child could not be greeted", error)
            if child is not None:
                child.end()
            self._starting = None
            self._lose(reason(error))
            return
        self._starting = None
        child.on_message = self._receive
        child.on_lost = self._lose
        if child.lost is not None:
            self._lose(child.lost)
            return
        self._child = child
        self._heard, self._owes = time.monotonic(), None
        told, self._greeted = self._greeted, []
        for tell in told:
            if self.greeting is not None:
                tell(self.greeting)
        early, self._early = self._early, []
        for passage in early:
            self.call(passage)

    def _note(self, passage: Passage) -> None:
        self._passages[passage.ident] = passage
        uri = passage.message.params.get("uri")
        if passage.message.method == "resources/subscribe" and isinstance(uri, str):
            self._subscribed.setdefault(uri, set()).add(passage.owner)
        elif passage.message.method == "resources/unsubscribe" and isinstance(uri, str):
            self._subscribed.get(uri, set()).discard(passage.owner)
        passage.sent()

    def _lose(self, why: str) -> None:
        self._log.warning(f"shared: {why}")
        self._child = None
        self._owes = None
        told, self._greeted = self._greeted, []
        for tell in told:
            tell(why)
        lost = [*self._early, *self._passages.values()]
        self._early.clear()
        self._passages.clear()
        self._subscribed.clear()
        for passage in lost:
            passage.fail(why)
        for owner in list(self._owners):
            owner.lose(why)
        self._owners.clear()

    @property
    def _sign_of_life(self) -> tuple[str, dict[str, Any] | None]:
        return ("server/discover", {"_meta": META}) if self._modern else ("ping", None)

    def _receive(self, message: Message) -> None:
        self._heard, self._owes = time.monotonic(), None
        if message.is_request:
            if self._child is not None:
                self._child.send(refusal(message, _NO_CLIENT))
        elif message.is_answer:
            passage = self._passages.pop(message.id, None) if isinstance(message.id, str) else None
            if passage is not None:
                passage.answer(message)
        else:
            self._notified(message)

    def _notified(self, message: Message) -> None:
        subscription = self._passages.get(str(message.meta.get(SUBSCRIPTION)))
        if subscription is not None:
            subscription.owner.receive(subscription.restore_subscribed(message))
        elif message.method == "notifications/progress":
            passage = self._passages.get(str(message.params.get("progressToken")))
            if passage is not None:
                passage.owner.receive(passage.restore_progress(message))
        elif message.method == "notifications/resources/updated":
            for owner in self._subscribed.get(str(message.params.get("uri")), ()):
                owner.receive(message)
        elif message.method is not None and message.method.endswith(_CHANGES):
            self.changed(message)
        else:
            # Only while a single client has calls in flight is there no doubt whose it is.
            owners = {passage.owner for passage in self._passages.values()}
            if len(owners) == 1:
                owners.pop().receive(message)
            else:
                self._log.debug(f"shared: {message.method} could belong to any of {len(owners)} clients")


def _size(passages: list[Passage]) -> int:
    return sum(len(passage.line) for passage in passages)
