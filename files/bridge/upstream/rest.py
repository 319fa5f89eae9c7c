"""When a server that nobody uses may sleep: whether it is used, and when a sleeping one is to be looked at."""

from __future__ import annotations

import asyncio
import math
import time
from binascii import crc32
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bridge.limits import Limits

_IN_USE_SECONDS = 1.0
_PROBE = b"mcp-orchestrator-probe"


class Rest:
    """Knows when a client has last used the server, and whether it sleeps: no process of it waits for anybody.

    `name`: what the deep checks of the servers of a fleet are spread by.
    """

    def __init__(self, limits: Limits, name: str) -> None:
        self.in_use: Callable[[], bool] = lambda: False
        """Returns whether anything waits for an answer of the server."""
        self.asleep = False
        self.wakes = 0
        """How often a client has woken it."""
        self._sleep_after = limits.sleep_after
        self._deep_check = limits.deep_check_seconds
        self._offset = crc32(name.encode()) / 2**32
        self._used = time.monotonic()
        self._awake: str | None = None
        self._woken = asyncio.Event()

    def use(self) -> None:
        """Takes note that a client uses the server now, and wakes it."""
        self._used = time.monotonic()
        if self.asleep:
            self.asleep = False
            self.wakes += 1
            self._woken.set()

    def user(self, headers: Mapping[bytes, bytes]) -> Callable[[], None]:
        """Returns what is to be called when whoever sends `headers` uses the server. The probe of a run does not: it
        would keep every server awake."""
        return _ignore if headers.get(b"user-agent", b"").startswith(_PROBE) else self.use

    def keep_awake(self, why: str | None) -> bool:
        """Takes note of why the server must not sleep; None where it may. Returns whether that is news."""
        news, self._awake = why != self._awake, why
        return news

    def left(self, now: float) -> float:
        """Returns the seconds until the server may sleep, none where it may now. `now`: monotonic seconds."""
        if self._sleep_after <= 0 or self._awake is not None:
            return math.inf
        left = self._used + self._sleep_after - now
        return _IN_USE_SECONDS if left <= 0 and self.in_use() else max(0.0, left)

    async def sleep(self) -> bool:
        """Sleeps until a client uses the server, or until a deep check is due. Returns whether it was a client."""
        self._woken.clear()
        self.asleep = True
        due = seconds_to_check(self._offset, self._deep_check, time.time()) if self._deep_check > 0 else None
        try:
            async with asyncio.timeout(due):
                await self._woken.wait()
        except TimeoutError:
            return False
        finally:
            self.asleep = False
        return True


def seconds_to_check(offset: float, interval: float, now: float) -> float:
    """Returns the seconds until the next deep check: one in each `interval` of the clock, at `offset` of it (0 to 1).
    `now`: seconds since the epoch."""
    left = interval - (now - offset * interval) % interval
    return left if left > 0 else interval  # where rounding has it that it is due this very moment


def _ignore() -> None:
    pass
