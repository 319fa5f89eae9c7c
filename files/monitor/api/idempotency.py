"""Idempotency keys (draft-ietf-httpapi-idempotency-key-header): the same request again is the one of before.

They are remembered for a day while the monitor runs. A creation that is asked for once more after that is refused by
the run, which finds the server there.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from monitor.api.problem import KEY_REUSED, Problem

SECONDS = 24 * 3600
MOST = 10_000


class IdempotencyKeys:
    """The request that each key stands for, by who sent it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], tuple[float, str, str]] = OrderedDict()

    def request_of(self, user: str, key: str, what: str) -> str | None:
        """The id of the request that was made with this key; raises Problem where it was for something else.

        ``what`` says what is asked for, with all of its values, or is a digest of that.
        """
        known = self._known.get((user, key))
        if known is None or known[0] <= self._clock() - SECONDS:
            return None
        if known[1] != what:
            raise Problem(KEY_REUSED, f"It was sent with another request ({known[2]}); give each its own key")
        return known[2]

    def remember(self, user: str, key: str, what: str, request: str) -> None:
        """Keeps for what a key was used."""
        self._known.pop((user, key), None)
        self._known[(user, key)] = (self._clock(), what, request)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
