"""Whether a server stays near a limit. A moment near it is no news, and one away from it ends nothing."""

from __future__ import annotations

from dataclasses import dataclass

NEAR, AWAY = 900, 850
"""Thousandths of the limit: near from NEAR on, away below AWAY."""
SECONDS = 300
"""For so long it has to be near, or away."""


@dataclass(slots=True)
class Nearness:
    """One limit of one server. Times are seconds since 1970."""

    since: int = 0
    """Since when it has been near; 0 while it is not."""
    share: int = 0
    _turned: int = 0

    def feed(self, time: int, share: int | None) -> bool:
        """Takes the newest share in thousandths, None without a limit; returns whether the judgement has changed."""
        self.share = share or 0
        turns = self.share < AWAY if self.since else self.share >= NEAR
        if not turns:
            self._turned = 0
            return False
        self._turned = self._turned or time
        if time - self._turned < SECONDS:
            return False
        self.since = 0 if self.since else self._turned
        self._turned = 0
        return True
