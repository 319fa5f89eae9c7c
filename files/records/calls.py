"""Reading the record of calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .call import Call, call_of
from .line import Line
from .logs import Logs
from .pattern import SECONDS
from .query import Query


@dataclass(frozen=True, slots=True)
class CallPage:
    """Calls in the order of their ends, and where to go on; both as ``records.logs.Page``."""

    calls: Sequence[Call]
    position: dict[str, str]
    skipped: frozenset[str] = frozenset()


class Calls:
    """The calls below one directory. A query's ``text`` is looked for in method, tool, session and outcome."""

    def __init__(self, directory: Path) -> None:
        self._lines = Logs(directory)

    def servers(self) -> list[str]:
        """Returns the names of the servers of which calls are recorded."""
        return self._lines.servers()

    def tail(self, servers: Sequence[str], query: Query, limit: int, seconds: float = SECONDS) -> CallPage:
        """Returns the last calls that are meant, of all these servers together, and where new ones will come.

        Looks for no longer than ``seconds``.
        """
        page = self._lines.tail(servers, query, limit, seconds)
        return CallPage(list(_calls(page.lines)), page.position)

    def after(self, position: dict[str, str], query: Query, limit: int) -> CallPage:
        """Returns what has come since ``position``, which a former page gave."""
        page = self._lines.after(position, query, limit)
        return CallPage(list(_calls(page.lines)), page.position, page.skipped)

    def search(self, servers: Sequence[str], query: Query) -> Iterator[Call]:
        """Yields every call that is meant as it is found: server by server, the newest of each first."""
        return _calls(self._lines.search(servers, query))


def _calls(lines: Iterable[Line]) -> Iterator[Call]:
    for line in lines:
        call = call_of(line)
        if call is not None:
            yield call
