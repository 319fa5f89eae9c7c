"""Whether the server behind the bridge answers MCP: asked of a child that is kept for nothing else."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from bridge.process.child import CannotStart, Child

from .handshake import Greeting, Refused, check, greet
from .rpc_client import Conversation, Lost, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.log import Log
    from bridge.process.child import Launcher

_SLOW_SECONDS = 2.0
_FAILURES_TO_FAIL = 2  # one missed sign of life of a server that was well is not the end of it


class Health:
    """The verdict: `starting`, `ok`, `degraded` or `failing`, with a reason in words and its kind in one word."""

    def __init__(self) -> None:
        self.obstacle: str | None = None  # why clients are not served, although the child that is watched is well
        self._state = "starting"
        self._kind = "starting"
        self._reason = "the server has not answered yet"
        self.checked = time.monotonic()
        self.child_started: float | None = None
        self.failures = 0
        self.latency: float | None = None
        self.greeting: Greeting | None = None
        self._curious: list[Callable[[Greeting | None], None]] = []

    @property
    def state(self) -> str:
        return "failing" if self._obstructed else self._state

    @property
    def kind(self) -> str:
        return "stuck" if self._obstructed else self._kind

    @property
    def reason(self) -> str:
        return self.obstacle if self._obstructed and self.obstacle is not None else self._reason

    @property
    def _obstructed(self) -> bool:
        return self.obstacle is not None and self._state in ("ok", "degraded")

    @property
    def serves(self) -> bool:
        return self.state in ("ok", "degraded")

    def when_known(self, told: Callable[[Greeting | None], None]) -> None:
        """Calls `told` with what the server said of itself: now, or at the end of its first start, well or not."""
        if self.greeting is not None or self.state == "failing":
            told(self.greeting)
        else:
            self._curious.append(told)

    def greeted(self, greeting: Greeting, child_started: float) -> None:
        """A new child has said what it is. `child_started`: seconds since the epoch."""
        self.greeting = greeting
        self.child_started = child_started
        self._tell()

    def answered(self, seconds: float) -> None:
        """The child gave a sign of life after `seconds`."""
        self.failures = 0
        self.latency = seconds
        if seconds > _SLOW_SECONDS:
            self._judge("degraded", "slow", f"the server took {seconds:.1f} s to answer")
        else:
            self._judge("ok", "ok", "the server answers")

    def failed(self, kind: str, why: str) -> None:
        """The child gave none. `kind`: exits, silent, refuses or cannot_start."""
        self.failures += 1
        times = f" ({self.failures} times in a row)" if self.failures > 1 else ""
        was_well = self.serves and self.failures < _FAILURES_TO_FAIL
        self._judge("degraded" if was_well else "failing", kind, why + times)
        self._tell()

    def report(self) -> dict[str, Any]:
        """For people and balancers, as JSON."""
        greeting = self.greeting
        return {
            "state": self.state,
            "reason": self.reason,
            "kind": self.kind,
            "age_seconds": round(time.monotonic() - self.checked, 1),
            "latency_ms": None if self.latency is None else round(self.latency * 1000, 1),
            "child_started": None if self.child_started is None else _rfc3339(self.child_started),
            "server": None if greeting is None else greeting.server,
            "protocol": None if greeting is None else greeting.revision,
        }

    def _tell(self) -> None:
        curious, self._curious = self._curious, []
        for told in curious:
            told(self.greeting)

    def _judge(self, state: str, kind: str, reason: str) -> None:
        self._state, self._kind, self._reason = state, kind, reason
        self.checked = time.monotonic()


class Canary:
    """A resident child that is asked for a sign of life at an interval, and replaced when it gives none."""

    def __init__(self, launcher: Launcher, health: Health, log: Log, *, interval: float, patience: float) -> None:
        self._launcher = launcher
        self._health = health
        self._log = log
        self._interval = interval
        self._patience = patience
        self._discover = True  # until a child has died of it
        self._child: Child | None = None

    async def run(self) -> None:
        while True:
            state = self._health.state
            try:
                await self._life()
            except CannotStart as error:
                self._health.failed("cannot_start", str(error))
            except Lost as error:
                self._health.failed("exits", str(error))
            except Refused as error:
                self._health.failed("refuses", str(error))
            except NoAnswer as error:
                self._health.failed("silent", str(error))
            except Exception as error:  # health must not stay as it was for ever
                self._log.failure("health: the server could not be asked", error)
                self._health.failed("refuses", "internal error of the bridge")
            if self._health.state != state or self._health.failures == 1:
                self._log.warning(f"health: {self._health.state}: {self._health.reason}")
            if self._child is not None:
                self._child.end()
                self._child = None
            await asyncio.sleep(min(0.5 * 2 ** min(self._health.failures, 10), self._interval))

    def close(self) -> None:
        if self._child is not None:
            self._child.end()

    async def _life(self) -> None:
        """One child's life. Ends by an exception that says how."""
        began = time.monotonic()
        child = self._child = self._launcher.start("health")
        conversation = Conversation(child)
        try:
            greeting = await greet(conversation, self._patience, discover=self._discover)
        except Lost:
            self._discover = not self._discover
            raise
        if self._health.greeting is None:
            server = greeting.server
            self._log.info(
                f"{server.get('name', 'the server')} {server.get('version', '')} answers after "
                f"{time.monotonic() - began:.2f} s, protocol {greeting.revision}"
            )
        self._health.greeted(greeting, child.started_at)
        misses = 0
        while True:
            began = time.monotonic()
            try:
                await check(conversation, greeting, self._patience)
            except Lost:
                raise
            except NoAnswer as error:
                misses += 1
                if misses >= _FAILURES_TO_FAIL:
                    raise
                self._health.failed("silent", str(error))
            else:
                misses = 0
                self._health.answered(time.monotonic() - began)
            await self._pause(child)

    async def _pause(self, child: Child) -> None:
        """Waits for the next question; an exit of the child is news that does not wait. Raises Lost."""
        gone = asyncio.Event()
        conversation_lost = child.on_lost
        child.on_lost = lambda why: gone.set()
        try:
            if child.lost is None:
                async with asyncio.timeout(self._interval):
                    await gone.wait()
        except TimeoutError:
            child.on_lost = conversation_lost
            return
        raise Lost(child.lost or "the server is gone")


def _rfc3339(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
