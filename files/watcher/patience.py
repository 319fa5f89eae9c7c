"""How long a repeated reason for a run has to wait. Pure; times are seconds of any one clock.

Whatever somebody does to a container is healed at once, however often. What a container does to itself after each run
would have runs follow one another for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .trouble import Trouble

# Runs for the same trouble that follow at once; from then on each waits twice as long as the one before.
AT_ONCE = 3
FIRST_PAUSE = 10.0
LONGEST_PAUSE = 300.0
# A trouble that has stayed away for so long begins anew.
FORGOTTEN_AFTER = 900.0
# No more runs than this follow one another, whatever the reasons are; then one more each REFILL_SECONDS.
RUNS_IN_A_ROW = 40
REFILL_SECONDS = 15.0


@dataclass
class Patience:
    """Remembers for which troubles runs were started, and when."""

    _counts: dict[Trouble, tuple[int, float]] = field(default_factory=dict)
    _spent: float = 0.0
    _since: float = 0.0

    def started(self, troubles: frozenset[Trouble], at: float) -> None:
        """Notes a run for these troubles."""
        self._spent = self._used(at) + 1
        self._since = at
        self._counts = {each: seen for each, seen in self._counts.items() if at - seen[1] <= FORGOTTEN_AFTER}
        for trouble in troubles:
            self._counts[trouble] = (self._counts.get(trouble, (0, at))[0] + 1, at)

    def due(self, trouble: Trouble, at: float) -> float:
        """Returns from when on a run may be started for a trouble; ``at`` or earlier means now."""
        free = at if self._used(at) < RUNS_IN_A_ROW else at + (self._used(at) - RUNS_IN_A_ROW + 1) * REFILL_SECONDS
        count, last = self._counts.get(trouble, (0, at))
        if not trouble.by_itself or count < AT_ONCE or at - last > FORGOTTEN_AFTER:
            return free
        return max(free, last + min(FIRST_PAUSE * 2.0 ** (count - AT_ONCE), LONGEST_PAUSE))

    def _used(self, at: float) -> float:
        return max(0.0, self._spent - (at - self._since) / REFILL_SECONDS)
