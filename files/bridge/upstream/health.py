"""Whether the server behind the bridge answers MCP, for health checks and for people."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .handshake import Handshake

_SLOW_SECONDS = 2.0
FAILURES_TO_FAIL = 2
"""One missed sign of life of a server that was well is not the end of it."""


class Health:
    """The verdict: `starting`, `ok`, `asleep`, `degraded` or `failing`, with a reason in words and its kind in one
    word."""

    def __init__(self) -> None:
        self._obstacle: str | None = None  # why clients are not served, although the child that is watched is well
        self._state = "starting"
        self._kind = "starting"
        self._reason = "the server has not answered yet"
        self.checked = time.monotonic()
        self.child_started: float | None = None
        self.failures = 0
        self.latency: float | None = None
        self.handshake: Handshake | None = None
        self.tools: list[str] | None = None
        """The names of the tools that the server last listed; None where it has not, or could not."""
        self._answered: float | None = None  # seconds since the epoch
        self._awaiting: list[Callable[[Handshake | None], None]] = []

    @property
    def state(self) -> str:
        """starting, ok, asleep, degraded or failing."""
        return "failing" if self._obstructed else self._state

    @property
    def kind(self) -> str:
        """starting, ok, asleep, slow, stuck, or the kind that `failed` got."""
        return "stuck" if self._obstructed else self._kind

    @property
    def reason(self) -> str:
        """A sentence for people."""
        return self._obstacle if self._obstructed and self._obstacle is not None else self._reason

    @property
    def _obstructed(self) -> bool:
        return self._obstacle is not None and self._state in ("ok", "degraded")

    @property
    def serves(self) -> bool:
        """Whether clients should be sent here."""
        return self.state in ("ok", "degraded", "asleep")

    def when_known(self, callback: Callable[[Handshake | None], None]) -> None:
        """Calls `callback` with what the server said in its handshake, None where it said nothing: now, or at the end
        of its first start."""
        if self.handshake is not None or self.state == "failing":
            callback(self.handshake)
        else:
            self._awaiting.append(callback)

    def obstructed_by(self, obstacle: str | None) -> None:
        """Takes note of why clients are not served although the server answers; None where nothing is in the way."""
        self._obstacle = obstacle

    def initialized(self, handshake: Handshake, child_started: float) -> None:
        """Takes note of what a new child has said. `child_started`: seconds since the epoch."""
        self.handshake = handshake
        self.child_started = child_started
        self._announce()

    def answered(self, seconds: float) -> None:
        """Takes note of a sign of life that came after `seconds`."""
        self.failures = 0
        self.latency = seconds
        self._answered = time.time()
        if seconds > _SLOW_SECONDS:
            self._judge("degraded", "slow", f"the server took {seconds:.1f} s to answer")
        else:
            self._judge("ok", "ok", "the server answers")

    def failed(self, kind: str, why: str) -> None:
        """Takes note that there was no sign of life. `kind`: exits, late, silent, refuses or
        cannot_start."""
        self.failures += 1
        times = f" ({self.failures} times in a row)" if self.failures > 1 else ""
        was_well = self.serves and self.failures < FAILURES_TO_FAIL
        self._judge("degraded" if was_well else "failing", kind, why + times)
        self._announce()

    def woke(self) -> None:
        """Takes note that a client has woken the server, and that it serves."""
        if self._state == "asleep":
            self._judge("ok", "ok", "a client uses the server")

    def fell_asleep(self) -> None:
        """Takes note that no process waits any more, because nobody uses the server."""
        last = time.strftime("%H:%M UTC", time.gmtime(self._answered))
        self._judge("asleep", "asleep", f"asleep, last answered {last}")

    def report(self) -> dict[str, Any]:
        """Returns what /health says on the host, as JSON: seconds, milliseconds and times of RFC 3339."""
        handshake = self.handshake
        return {
            "state": self.state,
            "reason": self.reason,
            "kind": self.kind,
            "age_seconds": round(time.monotonic() - self.checked, 1),
            "latency_ms": None if self.latency is None else round(self.latency * 1000, 1),
            "answered": None if self._answered is None else _rfc3339(self._answered),
            "child_started": None if self.child_started is None else _rfc3339(self.child_started),
            "server": None if handshake is None else handshake.server,
            "protocol": None if handshake is None else handshake.revision,
            "tools": self.tools,
        }

    def _announce(self) -> None:
        awaiting, self._awaiting = self._awaiting, []
        for callback in awaiting:
            callback(self.handshake)

    def _judge(self, state: str, kind: str, reason: str) -> None:
        self._state, self._kind, self._reason = state, kind, reason
        self.checked = time.monotonic()


def _rfc3339(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
