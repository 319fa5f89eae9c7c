"""How long a child may take to start.

Where many servers start at once each takes longer than it would alone. If all of them were ended after the same time
and began anew, none would ever be done.
"""

from __future__ import annotations


class StartPatience:
    """Doubles after each start that was not done in time, and is as at first after one that was. In seconds."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = max(first, longest)
        self.seconds = first

    def ran_out(self) -> None:
        """Takes note of a start that was ended."""
        self.seconds = min(2 * self.seconds, self._longest)

    @property
    def grows(self) -> bool:
        """Whether the next start may take longer than any before."""
        return self.seconds < self._longest

    def sufficed(self) -> None:
        """Takes note of a start that was done in time."""
        self.seconds = self._first
