"""Watches the child that waits for the next session, where each session has a child of its own."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bridge.process.child import Child

from .handshake import sign_of_life
from .health_probe import Checked, vigil
from .rpc_client import NoAnswer, Released, RpcClient
from .start_patience import StartPatience

if TYPE_CHECKING:
    from bridge.process.launcher import Launcher
    from bridge.process.warm_children import WarmChildren
    from bridge.services import Services

    from .health import Health
    from .rest import Rest

_LOOK_SECONDS = 0.02


class SpareWatch:
    """Keeps one idle child. The next session gets it, and another takes its place.

    A child of a revision with sessions waits before `initialize`, which the session itself says; `ping` is allowed
    before (2025-11-25, lifecycle). The first child has been initialized to learn what the server is, and a server that
    does not take an early ping is always watched by such a child: that one no session gets.
    """

    def __init__(
        self, services: Services, launcher: Launcher, warm_children: WarmChildren, health: Health, rest: Rest
    ) -> None:
        self._launcher = launcher
        self._warm_children = warm_children
        self._health = health
        self._rest = rest
        self._limits = services.limits
        self._patience = StartPatience(services.limits.probe_timeout_seconds, services.limits.hung_seconds)
        self._spares = services.limits.warm_processes > 0 and not launcher.personal
        self._early: bool | None = None  # whether its children take a ping before `initialize`; None: not known
        self._modern = False
        self._watched: RpcClient | None = None
        self._initialized = False  # whether that one is
        self._taken: Child | None = None
        warm_children.on_taken = self._note

    async def until_unused(self, checked: Checked | None) -> bool:
        """See Watch."""
        rpc = None if checked is None else self._adopt(checked)
        while True:
            try:
                if rpc is None:
                    await self._settled()
                    if not self._health.failures and self._rest.left(time.monotonic()) <= 0:
                        self.close()
                        return True
                    rpc = await self._next()
                    if rpc is None:
                        return False
                if await self._keep(rpc):
                    self.close()
                    return True
            except Released:
                rpc = None

    def close(self) -> None:
        """See Watch."""
        if self._watched is not None:
            self._watched.child.end()
            self._watched = None
        self._warm_children.end()

    def _note(self, child: Child) -> None:
        """A session has got `child`."""
        self._taken = child
        watched = self._watched
        if watched is None:
            return
        if watched.child is child:
            self._watched = None
            watched.release()
        elif self._initialized and self._may_have_spare:  # a spare takes its place
            self._watched = None
            watched.release()
            watched.child.end()

    @property
    def _may_have_spare(self) -> bool:
        return self._spares and (self._modern or self._early is not False)

    def _adopt(self, checked: Checked) -> RpcClient | None:
        """Watches a child that has been checked; none where a session wants a spare instead."""
        self._modern = checked.handshake.modern
        if self._modern and self._spares:  # it keeps nothing of what it was asked
            self._warm_children.offer(checked.child)
        elif self._taken is not None and self._may_have_spare:
            checked.child.end()
            return None
        self._watched, self._initialized = checked.rpc, not self._modern
        return checked.rpc

    async def _next(self) -> RpcClient | None:
        """Returns a spare that has answered; None where an initialized child must be watched. Raises NoAnswer,
        CannotStart and Released."""
        if not self._may_have_spare:
            return None
        child = self._warm_children.first or self._launcher.start("warm")
        proven = self._modern or self._early is True
        rpc, self._initialized = RpcClient(child), False
        self._watched = rpc
        if proven:  # it may be taken while it starts: it has nothing in its input that it does not take
            self._warm_children.offer(child)
        try:
            answer = await rpc.ask(*sign_of_life(modern=self._modern), self._patience.seconds)
        except Released:
            raise
        except NoAnswer:
            self._watched = None
            self._warm_children.withdraw(child)
            child.end()
            self._patience.ran_out()
            if proven:
                raise
            self._early = False
            return None
        self._patience.sufficed()
        if not proven:
            self._early = answer.error is None
            if not self._early:
                self._watched = None
                child.end()
                return None
            self._warm_children.offer(child)
        return rpc

    async def _settled(self) -> None:
        """Waits until the child that a session has got last has said something: the session comes first."""
        deadline = time.monotonic() + self._limits.probe_timeout_seconds
        while (child := self._taken) is not None and child.spoke is None and child.lost is None:
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        if child is not None and child.spoke is not None:
            self._health.woke()
        self._taken = None

    async def _keep(self, rpc: RpcClient) -> bool:
        """Watches a child until the server may sleep; then returns True. Raises NoAnswer."""
        try:
            while True:
                await vigil(rpc, self._health, self._limits.probe_timeout_seconds, modern=self._modern)
                until = time.monotonic() + self._limits.probe_interval_seconds
                while (now := time.monotonic()) < until:
                    left = self._rest.left(now)
                    if left <= 0:
                        return True
                    await rpc.pause(min(left, until - now))
        except NoAnswer:
            self._warm_children.withdraw(rpc.child)
            raise
