"""How many bytes clients may have under way, all together, and who gives way when there is no room.

Ten bodies of the largest size are more memory than most containers have. What is in flight is bounded as a whole, and
where it does not suffice for all, whoever holds most gives way (max-min fairness), so that nobody can hold all of it
against the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable


class Held:
    """What one request holds of a budget. `give_way` ends the reading of the request, and with it what it holds."""

    __slots__ = ("_budget", "client", "give_way", "size")

    def __init__(self, budget: Budget, client: str, give_way: Callable[[], None]) -> None:
        self._budget = budget
        self.client = client
        self.give_way: Callable[[], None] | None = give_way
        self.size = 0

    def grow(self, size: int) -> bool:
        """Takes `size` more bytes. Returns False where there is no room, and nobody who holds more to give way."""
        return self._budget._grow(self, size)

    def settle(self) -> None:
        """Takes note that the request has been read: it does not give way any more."""
        self.give_way = None
        self._budget._growing.pop(self, None)

    def release(self) -> None:
        """Gives everything back."""
        self.settle()
        self._budget.used -= self.size
        self.size = 0


class Budget:
    """At most `total` bytes."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = 0
        self._growing: dict[Held, None] = {}  # those that can still give way

    def hold(self, client: str, give_way: Callable[[], None]) -> Held:
        """Returns what a request of the client at the address `client` holds, which is nothing yet."""
        return Held(self, client, give_way)

    def _grow(self, held: Held, size: int) -> bool:
        if self.used + size > self.total and not self._make_room(held, size):
            return False
        self._growing[held] = None
        self.used += size
        held.size += size
        return True

    def _make_room(self, held: Held, size: int) -> bool:
        while self.used + size > self.total:
            largest = self._largest(held.client, size)
            if largest is None or largest.give_way is None:
                return False
            largest.give_way()
            largest.release()
        return True

    def _largest(self, client: str, size: int) -> Held | None:
        """The largest request of the client that holds most; None where nobody holds more than `client` would."""
        holds: defaultdict[str, int] = defaultdict(int)
        for held in self._growing:
            holds[held.client] += held.size
        greediest = max(holds, key=holds.__getitem__, default=client)
        if greediest == client or holds[greediest] <= holds[client] + size:
            return None
        return max((held for held in self._growing if held.client == greediest), key=lambda held: held.size)
