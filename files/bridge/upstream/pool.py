"""Warm children of which each serves one call at a time: what it says meanwhile can only belong to that call."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from bridge.protocol import message as messages
from bridge.protocol.revision import LIST_CHANGED

from .child_starter import ChildStarter, StartFailed
from .handshake import sign_of_life
from .rpc_client import Lost, Silent, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.process.child import Child
    from bridge.process.launcher import Launcher
    from bridge.protocol.message import Message
    from bridge.services import Services

    from .forwarded_call import ForwardedCall
    from .handshake import Handshake
    from .upstream import Client

_NO_CLIENT = "children are pooled, and a pooled child has no client of its own; set isolation to per_session"
_RECENT_SECONDS = 60.0


class Worker:
    """A child of the pool. Times: monotonic seconds."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.call: ForwardedCall | None = None
        self.used = time.monotonic()
        self.alive: asyncio.Future[None] | None = None  # set while it owes a sign of life
        self.leaving: asyncio.TimerHandle | None = None  # set while a cancelled call may still be answered


class Pool:
    """Takes calls and gives each to a child of its own, for as long as it lasts. See Backend for what it offers.

    `modern`: the children are spoken to in the era of requests that stand alone, which has no handshake.
    """

    def __init__(self, services: Services, launcher: Launcher, *, modern: bool) -> None:
        self.changed: Callable[[Message], None] = lambda _: None
        self.used = time.monotonic()
        self._modern = modern
        self._loop = services.loop
        self._log = services.log
        self._limits = services.limits
        self._launcher = launcher
        self._starter = ChildStarter(services, launcher, "pool", modern=modern)
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()
        self._seen: dict[str, float] = {}  # when each client has last called
        self._freed = 0.0  # when a child was last done with a call
        self._starting = 0
        # More than there are processors for would all be ready later than the first of them could be.
        self._starts_at_once = max(2, len(os.sched_getaffinity(0)))
        self._in_vain = 0  # starts, while others were under way
        self._tasks: set[asyncio.Task[None]] = set()
        self._queue: deque[ForwardedCall] = deque()
        self._queued = 0  # bytes

    @property
    def calls_queued(self) -> int:
        """How many calls wait for a child."""
        return len(self._queue)

    def call(self, call: ForwardedCall) -> None:
        """Gives the call to a child now, or when one is free."""
        self.used = self._seen[call.client.address] = call.since
        if self._idle and self._may_begin(call, self._served()):
            self._begin(self._idle.pop(), call)
            self._spare()
        elif not self._may_wait(call):
            call.fail("too many calls are waiting for the server; try again later")
        else:
            self._queue.append(call)
            self._queued += len(call.line)
            self._grow()

    def cancel(self, call: ForwardedCall, note: Message | None = None) -> None:
        """Ends a call whose answer nobody wants any more; `note` is the client's own notification of that."""
        if call in self._queue:
            self._queue.remove(call)
            self._queued -= len(call.line)
            return
        for worker in self._workers:
            if worker.call is call and worker.leaving is None:
                worker.child.send(call.cancellation(note))
                # A server that goes on in silence would mix its words into the next call.
                worker.leaving = self._loop.call_later(self._limits.stop_seconds, self._retire, worker)
                return

    def join(self, client: Client) -> None:
        """Does nothing: nothing is owed to a client but the answers to its calls."""

    def leave(self, client: Client) -> None:
        """Cancels the calls of a client that is gone."""
        calls = [worker.call for worker in self._workers if worker.call is not None]
        for call in [*self._queue, *calls]:
            if call.client is client:
                self.cancel(call)

    def when_initialized(self, callback: Callable[[Handshake | str], None]) -> None:
        """Calls `callback` with what a child said in its handshake, or with the reason why there was none."""
        if self._starter.handshake is not None:
            callback(self._starter.handshake)
        else:
            self._starter.wait(callback)
            self._grow()

    def warm(self) -> None:
        """Starts a child where there is none."""
        if not self._workers and not self._starting:
            self._start()

    @property
    def manned(self) -> bool:
        """Whether it has a child, or starts one."""
        return bool(self._workers or self._starting)

    @property
    def busy(self) -> bool:
        """Whether calls wait or are served, or somebody waits for a child."""
        return bool(self._queue or self._starting or self._starter.awaited) or len(self._idle) < len(self._workers)

    async def ready(self) -> None:
        """Waits until there is a child, and starts one where there is none. Raises NoAnswer and CannotStart."""
        self.warm()
        if not self._workers and self._tasks:
            await asyncio.wait(self._tasks)
        if not self._workers:
            raise self._starter.failure or Lost("the server was ended")

    def adopt(self, child: Child, handshake: Handshake) -> None:
        """Takes over a child that has been spoken to in the pool's era."""
        if self.manned:
            child.end()
            return
        if not self._modern:
            self._starter.handshake = handshake
        self._add(child)

    async def check_alive(self, seconds: float) -> float | None:
        """Asks the child that has been idle for longest; it is given up where it is silent and still idle. Returns the
        seconds that the answer took, None where nobody was to be asked. Raises Silent and Lost."""
        worker = self._idle[0] if self._idle else None
        if worker is None:
            return None
        asked = time.monotonic()
        method, params = sign_of_life(modern=self._modern)
        alive = worker.alive = self._loop.create_future()
        try:
            if not worker.child.send(messages.request("bridge-alive", method, params)):
                self._retire(worker)
                raise Lost("the server does not read its input")
            async with asyncio.timeout(seconds):
                await alive
        except TimeoutError:
            if worker.call is not None:
                return None
            self._retire(worker)
            raise Silent(f"{method} was not answered within {seconds:g} s") from None
        finally:
            worker.alive = None
        return time.monotonic() - asked

    def rest(self) -> None:
        """Ends the idle children."""
        for worker in list(self._idle):
            self._retire(worker)

    def tick(self, now: float) -> None:
        """Ends children that nobody has needed for long, except for the last. Starts some where starts were in vain."""
        if self._queue:
            self._grow()
        self._seen = {client: seen for client, seen in self._seen.items() if now - seen < _RECENT_SECONDS}
        for worker in list(self._idle):
            if len(self._workers) > 1 and now - worker.used > self._limits.unneeded_seconds:
                self._retire(worker)

    def obstacle(self, now: float) -> str | None:
        """Returns why the calls in the queue wait too long, None where they do not."""
        if not self._queue:
            return None
        # Long calls are no obstacle while others come to their end.
        waited = now - max(self._queue[0].since, self._freed)
        if waited < self._limits.probe_timeout_seconds:
            return None
        return f"calls wait, and none of the pool's processes ({len(self._workers)}) has become free for {waited:.0f} s"

    def close(self) -> None:
        """Ends all children."""
        for worker in list(self._workers):
            self._retire(worker)

    # inside

    def _grow(self) -> None:
        wanted = len(self._queue) + (1 if self._starter.awaited and not self._queue else 0)
        if self._starting < min(wanted, self._starts_at_once) and self._may_start():
            self._start()

    def _spare(self) -> None:
        """Has a child ready for the next client where there are several: who takes the last may keep it for long."""
        if len(self._seen) > 1 and not self._idle and not self._starting and self._may_start():
            self._start()

    def _may_start(self) -> bool:
        """Whether the pool may have one more child, and the container has room for it. The first needs none."""
        held = len(self._workers) + self._starting
        return held < self._limits.pool_size and (not held or self._launcher.fits()[0] != 0)

    def _start(self) -> None:
        self._starting += 1
        task = self._loop.create_task(self._started())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _started(self) -> None:
        try:
            child = await self._starter.start()
        except StartFailed as failed:
            self._starting -= 1
            self._start_failed(str(failed))
            return
        self._starting -= 1
        self._in_vain = 0
        self._add(child)

    def _add(self, child: Child) -> None:
        worker = Worker(child)
        child.on_message = lambda message: self._receive(worker, message)
        child.on_lost = lambda why: self._lost(worker, why)
        self._workers.add(worker)
        self._starter.announce(self._starter.handshake)
        self._release(worker)
        if self._queue:
            self._grow()

    def _start_failed(self, why: str) -> None:
        """A start was in vain. So is the call for which it was made, where no other child is there to do it."""
        self._log.warning(f"pool: {why}")
        self._in_vain += 1
        if self._workers or self._starting:
            return
        self._starter.announce(why)
        in_vain, self._in_vain = self._in_vain, 0
        for _ in range(min(in_vain, len(self._queue))):
            self._next().fail(why)
        if self._queue:
            self._grow()

    def _begin(self, worker: Worker, call: ForwardedCall) -> None:
        if worker.child.send(call.line):
            worker.call = call
            call.sent()
        else:  # it has died since its last call, and this one has not been made yet
            self._queue.appendleft(call)
            self._queued += len(call.line)
            self._retire(worker)

    def _next(self) -> ForwardedCall:
        call = self._queue.popleft()
        self._queued -= len(call.line)
        return call

    def _served(self) -> Counter[str]:
        """How many children do calls of each client."""
        return Counter(worker.call.client.address for worker in self._workers if worker.call is not None)

    def _may_begin(self, call: ForwardedCall, served: Counter[str]) -> bool:
        """Whether a child is left for the calls of others."""
        return served[call.client.address] < self._limits.pool_size - self._limits.pool_size // 8

    def _may_wait(self, call: ForwardedCall) -> bool:
        """Whether there is room in the queue, for others' calls, too."""
        if self._queued + len(call.line) > self._limits.bodies // 4:
            return False
        most = self._limits.queue - self._limits.queue // 8
        if len(self._queue) < most:
            return True
        client = call.client.address
        return len(self._queue) < self._limits.queue and sum(one.client.address == client for one in self._queue) < most

    def _next_in_turn(self) -> ForwardedCall | None:
        """The waiting call whose turn it is: the first of the client for whom the fewest children work."""
        served = self._served()
        able = [call for call in self._queue if self._may_begin(call, served)]
        if not able:
            return None
        call = min(able, key=lambda one: served[one.client.address])
        self._queue.remove(call)
        self._queued -= len(call.line)
        return call

    def _release(self, worker: Worker) -> None:
        worker.call = None
        worker.used = self._freed = time.monotonic()
        if worker.leaving is not None:
            worker.leaving.cancel()
            worker.leaving = None
        call = self._next_in_turn() if self._queue else None
        if call is None:
            self._idle.append(worker)
        else:
            self._begin(worker, call)

    def _retire(self, worker: Worker) -> None:
        worker.child.end()
        self._lost(worker, "the server was ended")

    def _lost(self, worker: Worker, why: str) -> None:
        if worker not in self._workers:
            return
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        if worker.leaving is not None:
            worker.leaving.cancel()
        if worker.alive is not None and not worker.alive.done():
            if worker.call is None:
                worker.alive.set_exception(Lost(why))
            else:  # of a call, perhaps
                worker.alive.set_result(None)
        call, worker.call = worker.call, None
        if call is not None:
            call.fail(why)
        if self._queue:
            self._grow()

    def _receive(self, worker: Worker, message: Message) -> None:
        call = worker.call
        if worker.alive is not None and not worker.alive.done():
            worker.alive.set_result(None)
        if message.is_request:
            worker.child.send(refusal(message, _NO_CLIENT))
        elif message.is_answer:
            if call is not None and message.id == call.ident:
                self._release(worker)
                call.answer(message)
        elif message.method is not None and message.method.endswith(LIST_CHANGED):
            self.changed(message)
        elif call is None or worker.leaving is not None:
            self._log.debug(f"pool: {message.method} belongs to no call")
        elif message.method == "notifications/progress":
            if message.params.get("progressToken") == call.ident:
                call.client.receive(call.restore_progress(message))
        else:
            call.client.receive(message)
