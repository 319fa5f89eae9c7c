"""Takes what bridges have recorded, sends it, and notes how far: for ever."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from opentelemetry.sdk.trace import ReadableSpan
from records.spans import Progress, read_progress

from .backlog import MOST_CALLS, Backlog
from .delivery import Outcome
from .progress import write_progress
from .resources import Resources
from .span import span_of

log = logging.getLogger("traces")

LOOK_SECONDS = 2.0
"""How often the records are looked at: calls of so long travel together."""
OLDEST_SECONDS = 900.0
"""How old a call may be whose span is sent: what waits longer than that for a receiver is dropped."""
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
_MICROSECONDS = 1_000_000


class Sending(Protocol):
    """What takes spans: ``delivery.Receiver``."""

    def send(self, spans: Sequence[ReadableSpan]) -> tuple[Outcome, str]:
        """Sends a batch, and returns what became of it and why it was not taken."""


class Program:
    """``directory`` is that of the watcher's records, ``own`` this program's.

    Nothing waits for it: calls that it, or the receiver, is too slow for are dropped, and counted.
    """

    def __init__(
        self, fleet: str, directory: Path, own: Path, receiver: Sending, clock: Callable[[], float] = time.time
    ) -> None:
        self._receiver = receiver
        self._clock = clock
        self._own = own
        noted = read_progress(own)
        self._backlog = Backlog(directory / "calls", noted.position if noted is not None else None)
        self._progress = noted or Progress(self._backlog.position)
        self._resources = Resources(fleet, directory / "samples")
        self._pause = 0.0
        self._said = ""
        self._unsaid = 0  # dropped since it was last said

    def run(self) -> None:
        """Sends for ever."""
        while True:
            time.sleep(self.step())

    def step(self) -> float:
        """Sends one batch, and returns after how many seconds the next is due."""
        batch = self._backlog.next()
        if not batch.position:
            return LOOK_SECONDS
        for server in sorted(batch.skipped):
            self._progress.lost += 1
            log.warning("calls of %s were deleted before they were read: there were too many", server)
        spans, dropped = [], 0
        oldest = (self._clock() - OLDEST_SECONDS) * _MICROSECONDS
        for call in batch.calls:
            if call.trace is not None and call.trace.started + call.milliseconds * 1000 < oldest:
                dropped += 1
                continue
            span = span_of(call, self._resources.of(call.server, call.container))
            if span is not None:
                spans.append(span)
        outcome, why = self._receiver.send(spans) if spans else (Outcome.TAKEN, "")
        if outcome is Outcome.WAITS:
            self._tell(f"the receiver takes no spans, which wait for it: {why}")
            self._pause = min(2 * self._pause or _FIRST_PAUSE, _LONGEST_PAUSE)
            return self._pause
        if outcome is Outcome.REFUSED:
            self._tell(f"a batch of spans was refused: {why}")
            dropped += len(spans)
        elif spans:
            self._progress.sent += len(spans)
            self._tell("")
        self._progress.dropped += dropped
        self._unsaid += dropped
        self._backlog.done(batch)
        self._progress.position = self._backlog.position
        self._note()
        self._pause = 0.0
        return 0.0 if len(batch.calls) >= MOST_CALLS else LOOK_SECONDS

    def _note(self) -> None:
        """Notes how far it is. Where that is lost, spans are sent again, under their ids, after the next start."""
        try:
            write_progress(self._own, self._progress)
        except OSError as error:
            self._tell(f"{self._own} cannot be written: {error.strerror}")

    def _tell(self, said: str) -> None:
        """Logs what is wrong once as long as it stays the same, and when it is over what it has cost."""
        if said == self._said:
            return
        if said:
            log.warning("%s", said)
        else:
            log.warning("spans are sent again; %d were dropped meanwhile", self._unsaid)
            self._unsaid = 0
        self._said = said
