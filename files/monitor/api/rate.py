"""How much one token may ask for: a bucket of calls, which fills again all the time."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

BURST = 600
PER_SECOND = 60.0
MOST_KNOWN = 4096


class RateLimit:
    """The buckets, by name. One that nobody has used for longest is forgotten, and full when it comes again."""

    def __init__(
        self, burst: int = BURST, per_second: float = PER_SECOND, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_of(self, name: str) -> int:
        """Takes a call out of the bucket; returns 0, or the seconds after which there is one where it is empty."""
        now = self._clock()
        left, then = self._buckets.pop(name, (float(self._burst), now))
        left = min(left + (now - then) * self._per_second, self._burst)
        admitted = left >= 1.0
        self._buckets[name] = (left - 1.0 if admitted else left, now)
        if len(self._buckets) > MOST_KNOWN:
            self._buckets.popitem(last=False)
        return 0 if admitted else math.ceil((1.0 - left) / self._per_second)
