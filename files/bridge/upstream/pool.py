"""Warm children of which each serves one call at a time: what it says meanwhile can only belong to that call."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from bridge.process.child import CannotStart, Child

from .forwarded_call import Passage
from .handshake import Greeting, greet
from .rpc_client import Conversation, NoAnswer, reason, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.limits import Limits
    from bridge.log import Log
    from bridge.process.child import Launcher
    from bridge.protocol.message import Message

    from .upstream import Owner

_NO_CLIENT = "children are pooled, and a pooled child has no client of its own; set isolation to per_session"
_RECENT_SECONDS = 60.0
_CHANGES = "/list_changed"


class Worker:
    """A child of the pool."""

    def __init__(self, child: Child, greeting: Greeting | None) -> None:
        self.child = child
        self.greeting = greeting
        self.passage: Passage | None = None
        self.used = time.monotonic()
        self.leaving: asyncio.TimerHandle | None = None  # set while a cancelled call may still be answered


class Pool:
    """Takes calls and gives each to a child of its own, for as long as it lasts.

    `modern`: the children are spoken to in the era of requests that stand alone, and are not greeted.
    `changed`: told of list changes, which concern every client.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, launcher: Launcher, log: Log, limits: Limits, *, modern: bool
    ) -> None:
        self._loop = loop
        self._launcher = launcher
        self._log = log
        self._limits = limits
        self._modern = modern
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()
        self._seen: dict[str, float] = {}  # when each client has last called
        self._freed = 0.0  # when a child was last done with a call
        self._starting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._queue: deque[Passage] = deque()
        self._queued = 0  # bytes
        self._greeted: list[Callable[[Greeting | str], None]] = []
        self.greeting: Greeting | None = None
        self.changed: Callable[[Message], None] = lambda _: None

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def size(self) -> int:
        return len(self._workers)

    def call(self, passage: Passage) -> None:
        """Starts the call now, or when a child is free."""
        self._seen[passage.owner.client] = passage.since
        if self._idle and self._may_begin(passage, self._served()):
            self._begin(self._idle.pop(), passage)
            self._spare()
        elif not self._may_wait(passage):
            passage.fail("too many calls are waiting for the server; try again later")
        else:
            self._queue.append(passage)
            self._queued += len(passage.line)
            self._grow()

    def cancel(self, passage: Passage, note: Message | None = None) -> None:
        """The caller does not want the answer any more."""
        if passage in self._queue:
            self._queue.remove(passage)
            self._queued -= len(passage.line)
            return
        for worker in self._workers:
            if worker.passage is passage and worker.leaving is None:
                worker.child.send(passage.cancellation(note))
                # A server that goes on in silence would mix its words into the next call.
                worker.leaving = self._loop.call_later(self._limits.stop_seconds, self._retire, worker)
                return

    def join(self, owner: Owner) -> None:
        """Nothing is owed to an owner but the answers to its calls."""

    def leave(self, owner: Owner) -> None:
        passages = [worker.passage for worker in self._workers if worker.passage is not None]
        for passage in [*self._queue, *passages]:
            if passage.owner is owner:
                self.cancel(passage)

    def when_greeted(self, told: Callable[[Greeting | str], None]) -> None:
        """Calls `told` with what a child said of itself, or with the reason why none did."""
        if self.greeting is not None:
            told(self.greeting)
        else:
            self._greeted.append(told)
            self._grow()

    def warm(self) -> None:
        """Has one child ready before anybody asks."""
        if not self._workers and not self._starting:
            self._start()

    def tick(self, now: float) -> None:
        """Lets children go that nobody has needed for long, except for the last."""
        self._seen = {client: seen for client, seen in self._seen.items() if now - seen < _RECENT_SECONDS}
        for worker in list(self._idle):
            if len(self._workers) > 1 and now - worker.used > self._limits.spare_seconds:
                self._retire(worker)

    def obstacle(self, now: float) -> str | None:
        if not self._queue:
            return None
        # Long calls are no obstacle while others come to their end.
        waited = now - max(self._queue[0].since, self._freed)
        if waited < self._limits.silence_seconds:
            return None
        return f"calls wait, and none of the pool's processes ({self.size}) has become free for {waited:.0f} s"

    def close(self) -> None:
        for worker in list(self._workers):
            self._retire(worker)

    # inside

    def _grow(self) -> None:
        wanted = len(self._queue) + (1 if self._greeted and not self._queue else 0)
        if self._starting < wanted and len(self._workers) + self._starting < self._limits.pool:
            self._start()

    def _spare(self) -> None:
        """Has a child ready for the next client where there are several: who takes the last may keep it for long."""
        if len(self._seen) > 1 and not self._idle and not self._starting and len(self._workers) < self._limits.pool:
            self._start()

    def _start(self) -> None:
        self._starting += 1
        task = self._loop.create_task(self._started())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _started(self) -> None:
        child: Child | None = None
        try:
            child = self._launcher.start("pool")
            greeting = None
            if not self._modern:
                greeting = await greet(Conversation(child), self._limits.greet_seconds, discover=False)
        except Exception as error:
            if not isinstance(error, CannotStart | NoAnswer):
                self._log.failure("pool: a child could not be greeted", error)
            self._starting -= 1
            self._failed(reason(error))
            if child is not None:
                child.end()
            return
        self._starting -= 1
        worker = Worker(child, greeting)
        child.on_message = lambda message: self._receive(worker, message)
        child.on_lost = lambda why: self._lost(worker, why)
        if child.lost is not None:
            self._failed(child.lost)
            return
        self._workers.add(worker)
        if greeting is not None:
            self.greeting = greeting
            told, self._greeted = self._greeted, []
            for tell in told:
                tell(greeting)
        self._release(worker)

    def _failed(self, why: str) -> None:
        """A start was in vain, and with it the call for which it was made."""
        self._log.warning(f"pool: {why}")
        told, self._greeted = self._greeted, []
        for tell in told:
            tell(why)
        if self._queue:
            self._next().fail(why)
        if self._queue:
            self._grow()

    def _begin(self, worker: Worker, passage: Passage) -> None:
        if worker.child.send(passage.line):
            worker.passage = passage
            passage.sent()
        else:  # it has died since its last call, and this one has not been made yet
            self._queue.appendleft(passage)
            self._queued += len(passage.line)
            self._retire(worker)

    def _next(self) -> Passage:
        passage = self._queue.popleft()
        self._queued -= len(passage.line)
        return passage

    def _served(self) -> Counter[str]:
        """How many children do calls of each client."""
        return Counter(worker.passage.owner.client for worker in self._workers if worker.passage is not None)

    def _may_begin(self, passage: Passage, served: Counter[str]) -> bool:
        """Whether a child is left for the calls of others."""
        return served[passage.owner.client] < self._limits.pool - self._limits.pool // 8

    def _may_wait(self, passage: Passage) -> bool:
        """Whether there is room in the queue, for others' calls, too."""
        if self._queued + len(passage.line) > self._limits.bodies // 4:
            return False
        most = self._limits.queue - self._limits.queue // 8
        if len(self._queue) < most:
            return True
        client = passage.owner.client
        return len(self._queue) < self._limits.queue and sum(one.owner.client == client for one in self._queue) < most

    def _turn(self) -> Passage | None:
        """The waiting call whose turn it is: the first of the client for whom the fewest children work."""
        served = self._served()
        able = [passage for passage in self._queue if self._may_begin(passage, served)]
        if not able:
            return None
        passage = min(able, key=lambda one: served[one.owner.client])
        self._queue.remove(passage)
        self._queued -= len(passage.line)
        return passage

    def _release(self, worker: Worker) -> None:
        worker.passage = None
        worker.used = self._freed = time.monotonic()
        if worker.leaving is not None:
            worker.leaving.cancel()
            worker.leaving = None
        passage = self._turn() if self._queue else None
        if passage is None:
            self._idle.append(worker)
        else:
            self._begin(worker, passage)

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
        passage, worker.passage = worker.passage, None
        if passage is not None:
            passage.fail(why)
        if self._queue:
            self._grow()

    def _receive(self, worker: Worker, message: Message) -> None:
        passage = worker.passage
        if message.is_request:
            worker.child.send(refusal(message, _NO_CLIENT))
        elif message.is_answer:
            if passage is not None and message.id == passage.ident:
                self._release(worker)
                passage.answer(message)
        elif message.method is not None and message.method.endswith(_CHANGES):
            self.changed(message)
        elif passage is None or worker.leaving is not None:
            self._log.debug(f"pool: {message.method} belongs to no call")
        elif message.method == "notifications/progress":
            if message.params.get("progressToken") == passage.ident:
                passage.owner.receive(passage.restore_progress(message))
        else:
            passage.owner.receive(message)
