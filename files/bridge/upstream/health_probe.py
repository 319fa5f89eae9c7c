"""Looks at whether the server answers: starts it, asks it for a sign of life and for its tools, and lets it sleep."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bridge.process.child import CannotStart, Child

from .handshake import Handshake, Refused, check_alive, perform_handshake
from .health import FAILURES_TO_FAIL
from .rpc_client import Lost, NoAnswer, Released, RpcClient
from .start_patience import StartPatience
from .tool_names import ask_tool_names

if TYPE_CHECKING:
    from bridge.process.launcher import Launcher
    from bridge.services import Services

    from .health import Health
    from .rest import Rest

_LISTING_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Checked:
    """A child that has answered, and is nobody's yet."""

    rpc: RpcClient
    handshake: Handshake

    @property
    def child(self) -> Child:
        """The process itself."""
        return self.rpc.child


class Watch(Protocol):
    """Watches the children that wait for clients."""

    async def until_unused(self, checked: Checked | None) -> bool:
        """Watches `checked`, which it takes over, or what a client has woken, and what follows it. Returns True once
        the server may sleep and no child waits, False where another child must be checked first. Raises NoAnswer and
        CannotStart."""

    def close(self) -> None:
        """Ends what waits."""


class HealthProbe:
    """Looks at the server for as long as the bridge runs.

    `sessions`: a server that knows both eras is to be known as one with sessions.
    """

    def __init__(
        self, services: Services, launcher: Launcher, health: Health, rest: Rest, watch: Watch, *, sessions: bool
    ) -> None:
        self._launcher = launcher
        self._health = health
        self._rest = rest
        self._watch = watch
        self._log = services.log
        self._limits = services.limits
        self._metrics = services.metrics
        self._timeout = services.limits.probe_timeout_seconds
        self._patience = StartPatience(self._timeout, services.limits.hung_seconds)
        self._sessions = sessions
        self._discover = not sessions  # until a child has died of it
        self._listing = True  # until a child has died of it
        self._child: Child | None = None

    async def run(self) -> None:
        """Looks after one child after the other, until it is cancelled."""
        while True:
            state = self._health.state
            try:
                await self._life()
            except CannotStart as error:
                self._health.failed("cannot_start", str(error))
            except Released:  # one that nobody watched
                continue
            except Lost as error:
                self._health.failed("exits", str(error))
            except Refused as error:
                self._health.failed("refuses", str(error))
            except NoAnswer as error:
                # On a busy host a start may need all the time that the next one gets: a restart would begin anew.
                is_late = self._health.handshake is None and self._patience.grows
                self._health.failed("late" if is_late else "silent", str(error))
            except Exception as error:  # health must not stay as it was for ever
                self._log.failure("health: the server could not be asked", error)
                self._health.failed("refuses", "internal error of the bridge")
            if self._health.state != state or self._health.failures == 1:
                self._log.warning(f"health: {self._health.state}: {self._health.reason}")
            self.close()
            await asyncio.sleep(min(0.5 * 2 ** min(self._health.failures, 10), self._limits.probe_interval_seconds))

    def close(self) -> None:
        """Ends the children that wait."""
        self._watch.close()
        if self._child is not None:
            self._child.end()
            self._child = None

    async def _life(self) -> None:
        """Watches the server, and lets it sleep. Ends by an exception that says what is wrong."""
        checked: Checked | None = await self._check()
        while True:
            self._child = None
            if not await self._watch.until_unused(checked):
                checked = await self._check()
                continue
            self._health.fell_asleep()
            self._log.debug("health: asleep")
            checked = None if await self._rest.sleep() else await self._check()

    async def _check(self) -> Checked:
        """Returns a new child that has answered, and learns what the server is. Raises NoAnswer and CannotStart."""
        began = time.monotonic()
        child = self._child = self._launcher.start("health")
        rpc = RpcClient(child)
        try:
            handshake = await perform_handshake(
                rpc, self._patience.seconds, discover=self._discover, last_resort=self._sessions
            )
        except Lost:
            self._discover = not self._discover
            raise
        except NoAnswer:
            self._patience.ran_out()
            raise
        self._patience.sufficed()
        took = time.monotonic() - began
        if self._health.handshake is None:
            server = handshake.server
            self._log.info(
                f"{server.get('name', 'the server')} {server.get('version', '')} answers after "
                f"{took:.2f} s, protocol {handshake.revision}"
            )
        self._health.initialized(handshake, child.started_at)
        await vigil(rpc, self._health, self._timeout, modern=handshake.modern)
        await self._learn(rpc, handshake, took)
        return Checked(rpc, handshake)

    async def _learn(self, rpc: RpcClient, handshake: Handshake, took: float) -> None:
        """Learns whether the server may sleep: nobody may be kept waiting too long, and who asks a sleeping server for
        its tools is told those that it has. Raises Lost."""
        names, why = None, "the process ended at tools/list"
        if self._listing:
            try:
                names = await ask_tool_names(rpc, handshake, _LISTING_SECONDS)
            except Lost:
                self._listing = False
                raise
            except NoAnswer as error:
                why = str(error)
        self._health.tools = names
        self._metrics.tools = names or []
        if took > self._limits.patience_seconds:
            slow = f"the server takes {took:.0f} s to start, longer than a load balancer may wait: it is kept awake"
            if self._rest.keep_awake("slow"):
                self._log.warning(slow)
        elif names is None:
            if self._rest.keep_awake("tools"):
                self._log.info(f"its tools are not known ({why}): it is kept awake")
        else:
            self._rest.keep_awake(None)


async def vigil(rpc: RpcClient, health: Health, timeout: float, *, modern: bool) -> None:
    """Asks an idle child for a sign of life, again where one is missing, and tells `health`. `timeout`: seconds for
    each. Raises NoAnswer."""
    misses = 0
    while True:
        began = time.monotonic()
        try:
            await check_alive(rpc, timeout, modern=modern)
        except (Lost, Released):
            raise
        except NoAnswer as error:
            misses += 1
            if misses >= FAILURES_TO_FAIL:
                raise
            health.failed("silent", str(error))
        else:
            health.answered(time.monotonic() - began)
            return
