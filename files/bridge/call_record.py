"""One line in the container's log for each call that ends: who, what, how it ended and how long it took. Never what it
carried."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .word import word

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .log import Log
    from .protocol.message import Message

RECORDS = ("on", "off", "traced")

_GATHER_SECONDS = 0.02
_MOST_NOTED, _LONGEST_NOTED = 256, 256
# A pipe takes so many bytes whole or not at all (PIPE_BUF, pipe(7)).
_AT_ONCE = 4096


class CallRecord:
    """Writes `bridge: call: ENDED SESSION METHOD TOOL OUTCOME MILLISECONDS`, several lines in one go.

    Where calls are traced ` STARTED ERROR` and the words of `context` follow; STARTED is in microseconds since 1970.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, log: Log, record: str) -> None:
        """`record`: one of RECORDS."""
        self._loop = loop
        self._log = log
        self._enabled = record != "off"
        self.context: Callable[[Message, dict[bytes, bytes], str | None], str] = _untraced
        """Returns what is kept of a request until `ended`: nothing where calls are not traced."""
        if record == "traced":
            from .trace_context import context_of

            self.context = context_of
        self._waiting: list[bytes] = []
        self._second = 0
        self._time = ""
        # What was written before: sessions, methods and tools come again and again.
        self._sessions: dict[str, str] = {}
        self._words: dict[str, str] = {}

    def ended(
        self, session: str, method: str, tool: str, outcome: str, seconds: float, trace: str = "", error: str = ""
    ) -> None:
        """Records a call that took `seconds`. `session`: its id, empty without one; a digest of it is written. `tool`:
        the client's name for the tool that it called, empty for other methods. `trace`: as `context` gave it.
        `error`: as error_type says of an answer."""
        if not self._enabled:
            return
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second, self._time = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        who = self._sessions.get(session) or _noted(self._sessions, session, digest(session))
        what = self._words.get(method) or _noted(self._words, method, word(method))
        which = self._words.get(tool) or _noted(self._words, tool, word(tool))
        traced = f" {int((now - seconds) * 1_000_000)} {error or '-'} {trace}" if trace else ""
        line = (
            f"bridge: call: {self._time}.{int(now % 1 * 1000):03d}Z {who} {what} {which}"
            f" {outcome} {seconds * 1000:.1f}{traced}\n"
        )
        if not self._waiting:
            self._loop.call_later(_GATHER_SECONDS, self.flush)
        self._waiting.append(line.encode("ascii"))

    def flush(self) -> None:
        """Writes what has gathered."""
        waiting, self._waiting = self._waiting, []
        piece: list[bytes] = []
        size = 0
        for line in waiting:
            if size + len(line) > _AT_ONCE:
                self._log.lines(piece)
                piece, size = [], 0
            piece.append(line)
            size += len(line)
        if piece:
            self._log.lines(piece)


def _untraced(_message: Message, _headers: dict[bytes, bytes], _revision: str | None) -> str:
    return ""


def _noted(known: dict[str, str], text: str, written: str) -> str:
    if len(known) >= _MOST_NOTED:
        known.clear()
    if len(text) <= _LONGEST_NOTED:
        known[text] = written
    return written


def digest(session: str) -> str:
    """Returns what a record says of a session's id: the first 16 digits of its SHA-256; `-` without one."""
    if not session:
        return "-"
    from hashlib import sha256  # of no use to a bridge that nobody calls

    return sha256(session.encode()).hexdigest()[:16]
