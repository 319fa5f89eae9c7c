"""Clients of the official SDK at every server of a fleet that moves: what each of their requests met is counted.

At each server one holds its session for as long as it lasts and then begins another, and one opens a session for each
visit. A request is the opening of a session, a list of the tools, or a call whose answer is known.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

# Only what never comes takes so long, on a machine with a lot else to do.
REQUEST_SECONDS = 120.0
SESSION = "mcp-session-id"
# Seconds between two requests of all held sessions together, and between two visits: a bounded load, however many
# servers there are.
HELD_PAUSE, VISIT_PAUSE = 0.2, 0.4
GONE = ("the session is not known", "Session terminated", "Session not found")


@dataclass(frozen=True)
class Asked:
    """A server, where it is, and a call with what its answer contains. ``moves`` says that its sessions outlast the
    container in which they began."""

    name: str
    url: str
    tool: str
    arguments: dict[str, Any]
    answer: str
    moves: bool


@dataclass
class Tally:
    """``ended`` are sessions that went with their container, ``lost`` all other requests without their answer, and
    ``slowest`` is the longest that one took, in seconds, with the server."""

    requests: int = 0
    sessions: int = 0
    visits: int = 0
    ended: int = 0
    slowest: tuple[float, str] = (0.0, "")
    lost: Counter[str] = field(default_factory=Counter)


class Wrong(Exception):
    """An answer that is not the one that was asked for."""


class MovingClients:
    """They ask until ``end``. With ``marks`` the clients give back the ids that the local ALB has made of their
    sessions' ids; without, those of the server, as behind an ALB, which leads each request anywhere."""

    def __init__(self, servers: Iterable[Asked], *, marks: bool = True) -> None:
        self._servers, self._marks = list(servers), marks
        self._held_pause, self._visit_pause = (len(self._servers) * each for each in (HELD_PAUSE, VISIT_PAUSE))
        self._lock = threading.Lock()
        self._tally = Tally()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)

    def start(self) -> None:
        """Lets them begin."""
        self._thread.start()

    def end(self) -> None:
        """Lets all of them end their sessions."""
        self._stop.set()
        self._thread.join(REQUEST_SECONDS + 30)

    def take(self) -> Tally:
        """Returns what was counted since the last time."""
        with self._lock:
            taken, self._tally = self._tally, Tally()
        return taken

    @property
    def visits(self) -> int:
        """How many visits are counted and not taken yet."""
        return self._tally.visits

    async def _all(self) -> None:
        both = [who for server in self._servers for who in (self._hold(server), self._visit(server))]
        await asyncio.gather(*both)

    async def _hold(self, server: Asked) -> None:
        while not self._stop.is_set():
            await self._session(server, "held", requests=None)

    async def _visit(self, server: Asked) -> None:
        while not self._stop.is_set():
            if await self._session(server, "new", requests=2):
                with self._lock:
                    self._tally.visits += 1
            await asyncio.sleep(self._visit_pause)

    async def _session(self, server: Asked, who: str, requests: int | None) -> bool:
        """One session of so many requests; None is without an end. Returns whether all went well."""
        begun, is_open, statuses = time.monotonic(), False, [0]

        async def look(response: httpx2.Response) -> None:
            statuses.append(response.status_code)
            if not self._marks and SESSION in response.headers:
                response.headers[SESSION] = response.headers[SESSION].rpartition("~")[2]

        try:
            async with (
                httpx2.AsyncClient(timeout=REQUEST_SECONDS, event_hooks={"response": [look]}) as http,
                # A session is what the older revision has; the newer one has none.
                Client(streamable_http_client(server.url, http_client=http), mode="legacy") as client,
            ):
                is_open = True
                self._count(server, begun, session=True)
                turn = 0
                while not self._stop.is_set() and turn != requests:
                    begun = time.monotonic()
                    await asyncio.wait_for(_ask(client, server, turn), REQUEST_SECONDS)
                    self._count(server, begun)
                    turn += 1
                    await asyncio.sleep(0 if requests else self._held_pause)
            return True
        except Exception as error:  # whatever it is, it is what this is about
            self._lose(server, who, error, statuses[-1], is_open=is_open)
            await asyncio.sleep(self._held_pause)
            return False

    def _count(self, server: Asked, begun: float, *, session: bool = False) -> None:
        what = f"{'a session' if session else 'a request'} at {server.name}"
        with self._lock:
            self._tally.requests += 1
            self._tally.sessions += session
            self._tally.slowest = max(self._tally.slowest, (time.monotonic() - begun, what))

    def _lose(self, server: Asked, who: str, error: BaseException, status: int, *, is_open: bool) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        with self._lock:
            self._tally.requests += 1
            # Led by nothing, a session that is in one container alone ends where another one gets a request of it.
            may_end = not server.moves and is_open and (who == "held" or not self._marks)
            if may_end and any(each in str(error) for each in GONE):
                self._tally.ended += 1
            else:
                self._tally.lost[f"{who} {server.name}: {type(error).__name__}: {error} (HTTP {status})"[:300]] += 1


async def _ask(client: Client, server: Asked, turn: int) -> None:
    if turn % 2:
        result = await client.call_tool(server.tool, server.arguments)
        said = str([getattr(each, "text", "") for each in result.content])
        if result.is_error or server.answer not in said:
            raise Wrong(said)
        return
    # The SDK keeps a list for as long as the server has said; it is asked for anew here.
    tools = [each.name for each in (await client.list_tools(cache_mode="bypass")).tools]
    if server.tool not in tools:
        raise Wrong(f"tools {tools}")


@contextmanager
def moving_clients(servers: Iterable[Asked], *, marks: bool = True) -> Iterator[MovingClients]:
    """Clients until the block ends."""
    made = MovingClients(servers, marks=marks)
    made.start()
    try:
        yield made
    finally:
        made.end()
