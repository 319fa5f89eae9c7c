"""Which servers somebody wants to see and in which order, as the page's address says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from monitor.pages.server_row import ELSEWHERE, HERE, OTHER_HOSTS, Row
from monitor.web import Request

WORST = "worst"
ATTENTION = "attention"
"""The condition of all that somebody should look at."""
HOSTS = {HERE: "this host", OTHER_HOSTS: "other hosts of the fleet", ELSEWHERE: "remote"}
NAMED = "host:"
"""Before the name of a host, where one is meant."""
NO_GROUP = "-"
MOST_ROWS = 250
"""Of one page."""
LONGEST_TEXT = 100
LONGEST_HOST = 300

_KEYS: Mapping[str, Callable[[Row], Any]] = {
    WORST: lambda row: row.rank,
    "name": lambda row: row.name.lower(),
    "uptime": lambda row: row.month.share if row.month.share is not None else 2.0,
    "cpu": lambda row: -row.cpu.value,
    "memory": lambda row: -row.memory.value,
    "restarts": lambda row: (-row.oom_kills, -row.restarts),
    "calls": lambda row: -row.calls.per_minute,
    "errors": lambda row: (-row.calls.errors, -row.calls.calls),
    "latency": lambda row: -(row.calls.p95 or row.latency or 0.0),
    "tools": lambda row: -row.tools,
    "image": lambda row: row.image.lower(),
}
ORDERS = {
    WORST: "the worst first",
    "name": "name",
    "uptime": "uptime, the least first",
    "cpu": "processor time",
    "memory": "memory",
    "restarts": "restarts and kills",
    "calls": "calls",
    "errors": "errors",
    "latency": "slowest calls",
    "tools": "tools",
    "image": "image",
}


@dataclass(frozen=True)
class ServerFilter:
    """``text`` is looked for in a server's words, in small or capital letters; empty fields let everything pass.

    ``order`` is one of ORDERS; ``backwards`` turns it around. ``by_group`` puts the servers of a group together.
    """

    text: str = ""
    condition: str = ""
    group: str = ""
    host: str = ""
    order: str = WORST
    backwards: bool = False
    by_group: bool = False
    page: int = 1

    @classmethod
    def of(cls, request: Request) -> ServerFilter:
        """Returns what a request asks for; what makes no sense in it is left out."""
        order = request.asked("sort")
        known = order.removeprefix("-")
        page = request.asked("page")
        host = request.asked("host")[:LONGEST_HOST]
        return cls(
            text=request.asked("q").strip()[:LONGEST_TEXT],
            condition=request.asked("condition")[:LONGEST_TEXT],
            group=request.asked("group")[:LONGEST_TEXT],
            host=host if host in HOSTS or host.startswith(NAMED) else "",
            order=known if known in ORDERS else WORST,
            backwards=order.startswith("-") and known in ORDERS,
            by_group=request.asked("by") == "group",
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 6 and int(page) > 0 else 1,
        )

    @property
    def narrows(self) -> bool:
        """Whether it may leave servers out."""
        return bool(self.text or self.condition or self.group or self.host)

    def admits(self, row: Row) -> bool:
        """Returns whether somebody wants to see this server."""
        if self.condition == ATTENTION and row.severity not in ("critical", "warning"):
            return False
        if self.condition not in ("", ATTENTION, row.condition):
            return False
        if self.group and (row.group or NO_GROUP) != self.group:
            return False
        return self._is_there(row) and self.text.lower() in row.words

    def _is_there(self, row: Row) -> bool:
        if self.host.startswith(NAMED):
            return self.host.removeprefix(NAMED) in row.hosts
        return self.host in ("", row.host)

    def ordered(self, rows: list[Row]) -> list[Row]:
        """Returns the rows in their order; those that are equal by name."""
        found = sorted(rows, key=_KEYS["name"])
        return sorted(found, key=_KEYS[self.order], reverse=self.backwards)

    def query(self, **changes: Any) -> str:
        """Returns the query of the address for this with changes, empty or with its question mark."""
        other = replace(self, **{"page": 1, **changes})
        said = {
            "q": other.text,
            "condition": other.condition,
            "group": other.group,
            "host": other.host,
            "sort": f"{'-' if other.backwards else ''}{other.order}"
            if (other.order, other.backwards) != (WORST, False)
            else "",
            "by": "group" if other.by_group else "",
            "page": str(other.page) if other.page > 1 else "",
        }
        found = urlencode({key: value for key, value in said.items() if value})
        return f"?{found}" if found else ""

    def sorting(self, order: str) -> str:
        """Returns the query for this order, and turned around where it is this order already."""
        return self.query(order=order, backwards=order == self.order and not self.backwards)
