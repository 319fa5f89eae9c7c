"""Asks the server for a sign of life: a child that is kept for nothing else."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bridge.process.child import CannotStart, Child

from .handshake import Refused, check_alive, perform_handshake
from .health import FAILURES_TO_FAIL
from .rpc_client import Lost, NoAnswer, RpcClient
from .start_patience import StartPatience

if TYPE_CHECKING:
    from bridge.process.launcher import Launcher
    from bridge.services import Services

    from .health import Health


class HealthProbe:
    """Keeps a child that is asked for a sign of life at an interval, and replaced when it gives none.

    `sessions`: a server that knows both eras is to be known as one with sessions.
    """

    def __init__(self, services: Services, launcher: Launcher, health: Health, *, sessions: bool) -> None:
        self._launcher = launcher
        self._health = health
        self._log = services.log
        self._interval = services.limits.probe_interval_seconds
        self._timeout = services.limits.probe_timeout_seconds
        self._patience = StartPatience(self._timeout, services.limits.hung_seconds)
        self._sessions = sessions
        self._discover = not sessions  # until a child has died of it
        self._child: Child | None = None

    async def run(self) -> None:
        """Watches one child after the other, until it is cancelled."""
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
        """Ends the child."""
        if self._child is not None:
            self._child.end()

    async def _life(self) -> None:
        """One child's life. Ends by an exception that says how."""
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
        if self._health.handshake is None:
            server = handshake.server
            self._log.info(
                f"{server.get('name', 'the server')} {server.get('version', '')} answers after "
                f"{time.monotonic() - began:.2f} s, protocol {handshake.revision}"
            )
        self._health.initialized(handshake, child.started_at)
        misses = 0
        while True:
            began = time.monotonic()
            try:
                await check_alive(rpc, handshake, self._timeout)
            except Lost:
                raise
            except NoAnswer as error:
                misses += 1
                if misses >= FAILURES_TO_FAIL:
                    raise
                self._health.failed("silent", str(error))
            else:
                misses = 0
                self._health.answered(time.monotonic() - began)
            await self._pause(child)

    async def _pause(self, child: Child) -> None:
        """Waits for the next question; an exit of the child is news that does not wait. Raises Lost."""
        gone = asyncio.Event()
        rpc_lost = child.on_lost
        child.on_lost = lambda why: gone.set()
        try:
            if child.lost is None:
                async with asyncio.timeout(self._interval):
                    await gone.wait()
        except TimeoutError:
            child.on_lost = rpc_lost
            return
        raise Lost(child.lost or "the server is gone")
