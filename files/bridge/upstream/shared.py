"""One child for all clients: ids are the bridge's own, and what could belong to several clients reaches none."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bridge.protocol import message as messages
from bridge.protocol.revision import LIST_CHANGED, SUBSCRIPTION

from .child_starter import ChildStarter, StartFailed
from .handshake import sign_of_life
from .rpc_client import Lost, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.process.child import Child
    from bridge.process.launcher import Launcher
    from bridge.protocol.message import Message
    from bridge.services import Services

    from .forwarded_call import ForwardedCall
    from .handshake import Handshake
    from .upstream import Client

_NO_CLIENT = "one child serves all clients, and none of them can be asked; set isolation to per_session"


class Shared:
    """Multiplexes the calls of many clients over one child, which is started when it is needed. See Backend for what it
    offers.

    `modern`: the child is spoken to in the era of requests that stand alone, which has no handshake.
    """

    def __init__(self, services: Services, launcher: Launcher, *, modern: bool) -> None:
        self.changed: Callable[[Message], None] = lambda _: None
        self.used = time.monotonic()
        self._loop = services.loop
        self._log = services.log
        self._limits = services.limits
        self._modern = modern
        self._starter = ChildStarter(services, launcher, "shared", modern=modern)
        self._child: Child | None = None
        self._starting: asyncio.Task[None] | None = None
        self._early: list[ForwardedCall] = []
        self._calls: dict[str, ForwardedCall] = {}
        self._subscribed: dict[str, set[Client]] = {}
        self._clients: dict[Client, None] = {}
        self._heard = 0.0
        self._owes: float | None = None  # since when it has been asked for a sign of life and given none
        self._alive: asyncio.Future[None] | None = None  # somebody waits for it

    @property
    def calls_queued(self) -> int:
        """None that count: the child gets every call at once, or as soon as it runs."""
        return 0

    def call(self, call: ForwardedCall) -> None:
        """Gives the call to the child, which is started first where there is none."""
        self.used = call.since
        if self._child is None:
            if len(self._early) >= self._limits.queue or _size([*self._early, call]) > self._limits.bodies // 4:
                call.fail("too many calls are waiting for the server; try again later")
                return
            self._early.append(call)
            self.warm()
        elif self._child.send(call.line):
            self._note(call)
        else:
            call.fail("the server does not read its input")

    def cancel(self, call: ForwardedCall, note: Message | None = None) -> None:
        """Ends a call whose answer nobody wants any more; `note` is the client's own notification of that."""
        if call in self._early:
            self._early.remove(call)
        elif self._calls.pop(call.ident, None) is not None and self._child is not None:
            self._child.send(call.cancellation(note))

    def when_initialized(self, callback: Callable[[Handshake | str], None]) -> None:
        """Calls `callback` with what the child said in its handshake, or with the reason why there was none."""
        if self._starter.handshake is not None and self._child is not None:
            callback(self._starter.handshake)
        else:
            self._starter.wait(callback)
            self.warm()

    def join(self, client: Client) -> None:
        """Adds a client that must learn when the child is lost."""
        self._clients[client] = None

    def leave(self, client: Client) -> None:
        """Removes a client that is gone, and cancels its calls."""
        self._clients.pop(client, None)
        for subscribers in self._subscribed.values():
            subscribers.discard(client)
        for call in [*self._early, *self._calls.values()]:
            if call.client is client:
                self.cancel(call)

    def warm(self) -> None:
        """Starts the child where there is none."""
        if self._child is None and self._starting is None:
            self._starting = self._loop.create_task(self._start())

    @property
    def manned(self) -> bool:
        """Whether it has a child, or starts one."""
        return self._child is not None or self._starting is not None

    @property
    def busy(self) -> bool:
        """Whether calls are served, somebody waits for the child, or for news of what it has subscribed to."""
        waiting = self._early or self._calls or self._starting is not None or self._starter.awaited
        return bool(waiting) or any(self._subscribed.values())

    async def ready(self) -> None:
        """Waits until there is a child, and starts one where there is none. Raises NoAnswer and CannotStart."""
        self.warm()
        if self._starting is not None:
            await asyncio.wait([self._starting])
        if self._child is None:
            raise self._starter.failure or Lost("the server was ended")

    def adopt(self, child: Child, handshake: Handshake) -> None:
        """Takes over a child that has been spoken to in this backend's era."""
        if self.manned:
            child.end()
            return
        if not self._modern:
            self._starter.handshake = handshake
        self._take(child)

    async def check_alive(self, seconds: float) -> float | None:
        """Asks the child for a sign of life. Returns the seconds that it took; None where it gave none, which
        `obstacle` tells: it may be busy with a call. Raises Lost."""
        if self._child is None:
            return None
        asked = time.monotonic()
        if self._owes is None:
            self._ask_alive(asked)
        alive = self._alive = self._loop.create_future()
        try:
            async with asyncio.timeout(seconds):
                await alive
        except TimeoutError:
            return None
        finally:
            self._alive = None
        return time.monotonic() - asked

    def rest(self) -> None:
        """Ends the child; its clients are told nothing, and their next call starts another."""
        child, self._child = self._child, None
        self._owes = None
        if child is not None:
            child.on_message = lambda _: None
            child.on_lost = lambda _: None
            child.end()

    def tick(self, now: float) -> None:
        """Asks a child that has been silent for a sign of life, and gives it up when it gives none for long. Only what
        serves the clients can tell whether they are served."""
        if self._child is None:
            return
        if self._owes is None:
            if now - self._heard > self._limits.probe_interval_seconds:
                self._ask_alive(now)
        elif now - self._owes > self._limits.hung_seconds:
            self._log.warning(f"shared: the server has sent nothing for {now - self._heard:.0f} s; it is killed")
            self._child.kill()

    def obstacle(self, now: float) -> str | None:
        """Returns that the child gives no sign of life, None where it does."""
        if self._owes is None or now - self._owes < self._limits.probe_timeout_seconds:
            return None
        return f"the process that serves all clients has not answered for {now - self._owes:.0f} s"

    def close(self) -> None:
        """Ends the child."""
        if self._child is not None:
            self._child.end()

    # inside

    async def _start(self) -> None:
        try:
            child = await self._starter.start()
        except StartFailed as failed:
            self._starting = None
            self._lose(str(failed))
            return
        self._starting = None
        self._take(child)

    def _take(self, child: Child) -> None:
        child.on_message = self._receive
        child.on_lost = self._lose
        self._child = child
        self._heard, self._owes = time.monotonic(), None
        self._starter.announce(self._starter.handshake)
        early, self._early = self._early, []
        for call in early:
            self.call(call)

    def _ask_alive(self, now: float) -> None:
        self._owes = now
        if self._child is not None:
            self._child.send(messages.request("bridge-alive", *sign_of_life(modern=self._modern)))

    def _heard_now(self) -> None:
        self._heard, self._owes = time.monotonic(), None
        if self._alive is not None and not self._alive.done():
            self._alive.set_result(None)

    def _note(self, call: ForwardedCall) -> None:
        self._calls[call.ident] = call
        uri = call.message.params.get("uri")
        if call.message.method == "resources/subscribe" and isinstance(uri, str):
            self._subscribed.setdefault(uri, set()).add(call.client)
        elif call.message.method == "resources/unsubscribe" and isinstance(uri, str):
            self._subscribed.get(uri, set()).discard(call.client)
        call.sent()

    def _lose(self, why: str) -> None:
        self._log.warning(f"shared: {why}")
        self._child = None
        self._owes = None
        if self._alive is not None and not self._alive.done():
            self._alive.set_exception(Lost(why))
        self._starter.announce(why)
        lost = [*self._early, *self._calls.values()]
        self._early.clear()
        self._calls.clear()
        self._subscribed.clear()
        for call in lost:
            call.fail(why)
        for client in list(self._clients):
            client.fail(why)
        self._clients.clear()

    def _receive(self, message: Message) -> None:
        self._heard_now()
        if message.is_request:
            if self._child is not None:
                self._child.send(refusal(message, _NO_CLIENT))
        elif message.is_answer:
            call = self._calls.pop(message.id, None) if isinstance(message.id, str) else None
            if call is not None:
                call.answer(message)
        else:
            self._notified(message)

    def _notified(self, message: Message) -> None:
        subscription = self._calls.get(str(message.meta.get(SUBSCRIPTION)))
        if subscription is not None:
            subscription.client.receive(subscription.restore_subscribed(message))
        elif message.method == "notifications/progress":
            call = self._calls.get(str(message.params.get("progressToken")))
            if call is not None:
                call.client.receive(call.restore_progress(message))
        elif message.method == "notifications/resources/updated":
            for client in self._subscribed.get(str(message.params.get("uri")), ()):
                client.receive(message)
        elif message.method is not None and message.method.endswith(LIST_CHANGED):
            self.changed(message)
        else:
            # Only while a single client has calls in flight is there no doubt whose it is.
            clients = {call.client for call in self._calls.values()}
            if len(clients) == 1:
                clients.pop().receive(message)
            else:
                self._log.debug(f"shared: {message.method} could belong to any of {len(clients)} clients")


def _size(calls: list[ForwardedCall]) -> int:
    return sum(len(call.line) for call in calls)
