"""Clients of the official Python SDK: some that hold a session and call without a pause, others that come and go."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mcp import Client

from tests.e2e.support.waiting import until

PAUSE = 0.05
Call = tuple[str, dict[str, Any]]


class Clients:
    """``held`` clients in sessions that last, and one that opens a session for each call, until the block ends.

    ``faults`` is what any of them met; ``sessions`` counts the lasting ones, ``calls`` and ``opened`` what went well.
    """

    def __init__(self, url: str, call: Call, held: int) -> None:
        self._url, (self._tool, self._arguments), self._held = url, call, held
        self.sessions = 0
        self.calls = 0
        self.opened = 0
        self.faults: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()))

    async def _all(self) -> None:
        await asyncio.gather(*(self._hold() for _ in range(self._held)), self._come_and_go())

    async def _hold(self) -> None:
        try:
            # A session is what the older revision has; the newer one has none.
            async with Client(self._url, mode="legacy") as client:
                await self._ask(client)
                self.sessions += 1
                while not self._stop.is_set():
                    await self._ask(client)
                    self.calls += 1
                    await asyncio.sleep(PAUSE)
        except Exception as error:  # whatever it is, it is what the test is about
            self._note("held", error)

    async def _come_and_go(self) -> None:
        while not self._stop.is_set():
            try:
                async with Client(self._url, mode="legacy" if self.opened % 2 else "auto") as client:
                    await self._ask(client)
                self.opened += 1
            except Exception as error:
                self._note("new", error)
            await asyncio.sleep(PAUSE)

    async def _ask(self, client: Client) -> None:
        result = await client.call_tool(self._tool, self._arguments)
        assert not result.is_error, result

    def _note(self, who: str, error: BaseException) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        self.faults[f"{who}: {type(error).__name__}: {error}"] += 1

    def go_on(self, calls: int = 20) -> None:
        """Waits until the held sessions have made so many more calls, and some new client one of its own."""
        before, opened = self.calls, self.opened
        until(lambda: self.faults or (self.calls >= before + calls and self.opened > opened), "clients call on", 60)

    def end(self) -> None:
        """Lets all clients end their sessions."""
        self._stop.set()
        with contextlib.suppress(RuntimeError):
            self._thread.join(60)

    def start(self) -> None:
        self._thread.start()
        until(lambda: self.faults or self.sessions == self._held, "every client has its session", 120)


@contextlib.contextmanager
def clients(url: str, call: Call, held: int = 4) -> Iterator[Clients]:
    """Clients that call ``call`` at ``url`` while the block lasts."""
    found = Clients(url, call, held)
    found.start()
    try:
        yield found
    finally:
        found.end()
