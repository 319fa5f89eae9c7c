"""Watches the children that serve many clients, where they do."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .rpc_client import Silent

if TYPE_CHECKING:
    from bridge.services import Services

    from .health import Health
    from .health_probe import Checked
    from .rest import Rest
    from .upstreams import Upstreams


_UNWELL_SECONDS = 1.0


class BackendWatch:
    """Asks the idle children of a pool, or the child that serves all, for a sign of life."""

    def __init__(self, services: Services, upstreams: Upstreams, health: Health, rest: Rest) -> None:
        self._upstreams = upstreams
        self._health = health
        self._rest = rest
        self._limits = services.limits
        self._modern = False

    async def until_unused(self, checked: Checked | None) -> bool:
        """See Watch."""
        if checked is not None:
            self._modern = checked.handshake.modern
            self._upstreams.backend(modern=self._modern).adopt(checked.child, checked.handshake)
        while True:
            well = await self._ask()
            until = time.monotonic() + self._limits.probe_interval_seconds
            while (now := time.monotonic()) < until:
                left = self._rest.left(now)
                if left <= 0 and well:
                    self._upstreams.rest()
                    return True
                await asyncio.sleep(min(left if left > 0 else _UNWELL_SECONDS, until - now))
                if not self._upstreams.manned:
                    break

    def close(self) -> None:
        """Leaves the children to the backends."""

    async def _ask(self) -> bool:
        """Returns whether a child gave a sign of life, or need not be asked. Raises NoAnswer."""
        backend = self._upstreams.watched(modern=self._modern)
        try:
            await backend.ready()
            seconds = await backend.check_alive(self._limits.probe_timeout_seconds)
        except Silent as error:
            self._health.failed("silent", str(error))
            return False
        if seconds is None:  # they serve clients
            self._health.woke()
        else:
            self._health.answered(seconds)
        return self._upstreams.obstacle(time.monotonic()) is None
