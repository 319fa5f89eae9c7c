"""Following the output of every container of the fleet."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from records.call import MARK
from records.line import CALL, ERR, SHORT_ID, harmless
from records.moment import SECOND, nanoseconds_of, text_of

from watcher.disk import Disk
from watcher.engine.client import Engine
from watcher.errors import PeerError, Refused
from watcher.roster import Member, Roster
from watcher.segment_writer import DIRECTORY_MODE, SegmentWriter

from .frame import Joiner, Output
from .journal import Journal
from .limit import Limit
from .server_log import ServerLog, Sink

log = logging.getLogger("watcher")

LOGS, CALLS = "logs", "calls"
BRIDGE_LABEL = "mcp_bridge"
GENERATION_LABEL, REPLICA_LABEL = "mcp_generation", "mcp_replica"

FLUSH_SECONDS = 0.2
SAVE_SECONDS = 5.0
_MOST_WAITING = 128 * 1024
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_NOT_FOUND = 404
_HEAD = 50  # bytes before a text
_HELD = 20  # lines
_LONGEST_HELD = 4096  # bytes


class Follower:
    """Follows all containers of a roster, and keeps what they write by server below ``directory``."""

    def __init__(
        self,
        engine: Engine,
        roster: Roster,
        directory: Path,
        disk: Disk,
        *,
        size: int,
        rate: int,
        journal_fleet: str | None = None,
    ) -> None:
        """``size`` is bytes a server; ``rate`` bytes a second and container, 0 for all. With ``journal_fleet``, a
        fleet's name, logs go to journald."""
        self._engine = engine
        self._roster = roster
        self._directory = directory
        self._disk = disk
        self._size, self._rate = size, rate
        self._journal_fleet = journal_fleet
        self._servers: dict[str, ServerLog] = {}
        self._following: dict[str, asyncio.Task[None]] = {}
        self._recorders: dict[str, _Recorder] = {}
        self._dirty: set[str] = set()
        self._flush_due = asyncio.Event()
        roster.listeners.append(self._found)

    async def keep(self) -> None:
        """Writes what comes until it is cancelled; then writes the rest."""
        for name in (LOGS, CALLS):
            (self._directory / name).mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        saved = time.monotonic()
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._flush_due.wait(), SAVE_SECONDS)
                await asyncio.sleep(FLUSH_SECONDS)
                self._flush()
                if time.monotonic() - saved >= SAVE_SECONDS:
                    saved = time.monotonic()
                    for recorder in self._recorders.values():
                        recorder.report()
                    self._save()
        finally:
            for task in self._following.values():
                task.cancel()
            self._following.clear()
            self._flush()
            self._save()

    def _flush(self) -> None:
        self._flush_due.clear()
        dirty, self._dirty = self._dirty, set()
        for server in dirty:
            self._servers[server].flush()

    def _save(self) -> None:
        there: dict[str, set[str]] = {}
        for member in self._roster.members.values():
            there.setdefault(member.container.server, set()).add(member.container.id)
        for name, server in self._servers.items():
            server.forget_others(there.get(name, ()))
            server.save()

    def _found(self, member: Member) -> None:
        """Follows a container that is not followed yet. One that has ended is read to its end."""
        identity = member.container.id
        if not member.container.server or identity in self._following:
            return
        task = asyncio.create_task(self._follow(member), name=f"logs of {member.container.name}")
        self._following[identity] = task
        task.add_done_callback(lambda _: self._following.pop(identity, None))

    def _server(self, name: str) -> ServerLog:
        found = self._servers.get(name)
        if found is None:
            directory, calls = self._directory / LOGS / name, self._directory / CALLS / name

            def wake() -> None:
                self._dirty.add(name)
                self._flush_due.set()

            lines: Sink
            if self._journal_fleet is None:
                lines = SegmentWriter(directory, self._size, self._disk)
            else:
                lines = Journal(name, self._journal_fleet)
            sinks = (lines, SegmentWriter(calls, self._size, self._disk))
            found = self._servers[name] = ServerLog(directory, calls, sinks, wake)
        return found

    async def _follow(self, member: Member) -> None:
        """Follows one container for as long as it is there; the engine ends its answer at every exit."""
        recorder = _Recorder(self._server(member.container.server), member, self._rate)
        self._recorders[member.container.id] = recorder
        try:
            await self._read_on(recorder, member)
        finally:
            del self._recorders[member.container.id]

    async def _read_on(self, recorder: _Recorder, member: Member) -> None:
        pause = _FIRST_PAUSE
        while member.container.id in self._roster.members:
            begun = time.monotonic()
            # An engine may end its answer before the last lines are in it (Docker 20.10): what has ended is read again.
            had_ended = not member.is_running
            member.changed.clear()
            try:
                await self._read(recorder, member)
            except Refused as error:
                if error.status == _NOT_FOUND:
                    return
                recorder.refused(error)
            except PeerError as error:
                log.debug("logs of %s: %s", member.container.name, error)
            except Exception:
                log.exception("logs of %s: reading them failed, and is tried again", member.container.name)
            if time.monotonic() - begun > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            with suppress(TimeoutError):
                await asyncio.wait_for(member.changed.wait(), None if had_ended else pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _read(self, recorder: _Recorder, member: Member) -> None:
        since = recorder.resume()
        async with (member.source or self._engine).logs(member.container.id, since) as frames:
            async for stream, frame in frames:
                recorder.feed(stream, frame)
                if recorder.server.waiting > _MOST_WAITING:
                    recorder.server.flush()
                    await asyncio.sleep(0)
        recorder.end()


class _Recorder:
    """One container's way into its server's log."""

    def __init__(self, server: ServerLog, member: Member, rate: int) -> None:
        self.server = server
        self._member = member
        self._identity = member.container.id
        self._short = member.container.id[:SHORT_ID]
        self._bridged = bool(member.container.labels.get(BRIDGE_LABEL))
        self._progress = server.progress(self._identity)
        self._joiner = Joiner()
        self._limit = Limit(rate)
        # The end of a flood is what tells why it came: it is kept.
        self._last: deque[Output] = deque(maxlen=_HELD)
        self._refused = ""
        self._is_announced = False

    def resume(self) -> str:
        """Returns from when on the engine is to send: seconds with nine digits of a fraction, 0 for all."""
        self._joiner = Joiner()
        begun = self._progress.has_begun
        since = self._progress.resume(_now())
        if not begun:
            self._announce()
            return "0"
        seconds, rest = divmod(nanoseconds_of(since), SECOND)
        return f"{seconds}.{rest:09d}"

    def _announce(self) -> None:
        """Says where the log begins; what is about to start is asked for again and again."""
        if not self._is_announced:
            self._is_announced = True
            labels = self._member.container.labels
            said = f"the log of {self._member.container.name} begins here (generation"
            said += f" {labels.get(GENERATION_LABEL, '-')}, {self._place()})"
            self.server.remark(_now(), self._short, harmless(said.encode()))

    def _place(self) -> str:
        pod = self._member.pod
        if pod is None:
            return f"replica {self._member.container.labels.get(REPLICA_LABEL, '1')}"
        return f"node {pod.node or '-'}"

    def feed(self, stream: str, frame: bytes) -> None:
        """Takes a frame of the engine's."""
        for output in self._joiner.feed(stream, frame):
            self._keep(output)

    def end(self) -> None:
        """Notes that the engine has sent everything that there is for now."""
        for output in self._joiner.rest():
            self._keep(output)
        self.report()

    def refused(self, error: Refused) -> None:
        """Says, once, that the engine does not show the container's output."""
        if str(error) != self._refused:
            self._refused = str(error)
            driver = "" if self._member.pod is not None else f"log driver {self._member.log_driver}: "
            said = f"nothing can be read here: {driver}{error}"
            self.server.remark(_now(), self._short, harmless(said.encode()))
            log.warning("logs of %s: %s", self._member.container.name, said)

    def _keep(self, output: Output) -> None:
        if self._bridged and output.stream == ERR and output.raw.startswith(MARK):
            text = harmless(output.raw[len(MARK) :])
            if self._progress.stream(CALL).is_new(output.time, text):
                self.server.keep(output.time, CALL, self._short, text)
            return
        seen = self._progress.stream(output.stream)
        leaves_out = self._limit.leaves_out
        if not seen.may_be_new(output.time):
            return
        if not self._limit.takes(output.time, output.size + _HEAD):
            # An engine that is not read as fast as it can loses what comes later: a flood is read, and only counted.
            seen.pass_over(output.time)
            self._last.append(Output(output.time, output.stream, output.raw[:_LONGEST_HELD], output.size))
            return
        text = harmless(output.raw, output.size)
        if seen.is_new(output.time, text):
            if leaves_out:
                self.report()
            self.server.keep(output.time, output.stream, self._short, text)

    def report(self) -> None:
        """Says what was left out since it was last said."""
        held = list(self._last)
        self._last.clear()
        left_out = self._limit.report(len(held), sum(each.size + _HEAD for each in held))
        if left_out is not None:
            self.server.remark(held[0].time if held else left_out.time, self._short, left_out.text)
        for each in held:
            self.server.keep(each.time, each.stream, self._short, harmless(each.raw, each.size))


def _now() -> str:
    return text_of(time.time_ns())
