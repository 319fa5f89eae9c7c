"""Which POSTs have waited so long for their answer that they become streams."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .exchange import Exchange


class StreamUpgrade:
    """Makes a stream of each exchange that has waited for `seconds`. One timer for all that wait, and none while nobody
    does: most answers come before it is worth setting."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._waiting: dict[Exchange, None] = {}  # oldest first
        self._timer: asyncio.TimerHandle | None = None

    def add(self, exchange: Exchange) -> None:
        """Begins to count the time of `exchange`."""
        self._waiting[exchange] = None
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)

    def discard(self, exchange: Exchange) -> None:
        """Takes `exchange` out, which has its answers or is over."""
        self._waiting.pop(exchange, None)

    def _look(self) -> None:
        self._timer = None
        now = time.monotonic()
        while self._waiting:
            oldest = next(iter(self._waiting))
            left = oldest.since + self._seconds - now
            if left > 0:
                self._timer = self._loop.call_later(max(left, min(self._seconds / 4, 1.0)), self._look)
                return
            del self._waiting[oldest]
            oldest.commit()
