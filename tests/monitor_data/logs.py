"""Logs, as the watcher's log of a server writes them."""

from __future__ import annotations

import random
from pathlib import Path

from records.line import ERR, OUT, SHORT_ID, harmless
from records.moment import SECOND, text_of
from watcher.disk import Disk
from watcher.logs.server_log import ServerLog
from watcher.segment_writer import SegmentWriter

from tests.monitor_data.fleet import Fleet
from tests.monitor_data.past import Past

SIZE = 10 * 1024 * 1024
_WORDS = (
    (OUT, "INFO request {number} done in {milliseconds} ms"),
    (OUT, '{{"level": "info", "msg": "call ended", "id": {number}}}'),
    (OUT, "DEBUG cache hit for key customer/{number}"),
    (ERR, "WARNING upstream answered 429, trying again in {milliseconds} ms"),
    (ERR, "ERROR upstream timed out after {milliseconds} ms"),
    (ERR, "Traceback (most recent call last):"),
    (OUT, "\x1b[32mok\x1b[0m <b>{number}</b> größer \u202e drehen"),
)
_OFTEN = (60, 20, 30, 5, 2, 1, 1)


def server_log(directory: Path, name: str, size: int = SIZE) -> ServerLog:
    """Returns what writes the log and the calls of a server."""
    for kind in ("logs", "calls"):
        (directory / kind).mkdir(exist_ok=True)
    logs, calls, disk = directory / "logs" / name, directory / "calls" / name, Disk(directory)
    sinks = (SegmentWriter(logs, size, disk), SegmentWriter(calls, size, disk))
    return ServerLog(logs, calls, sinks, lambda: None)


def write_logs(directory: Path, fleet: Fleet, past: Past, lines: int, seed: int) -> None:
    """Writes ``logs`` below ``directory``: about so many lines of each server, more of them lately."""
    for name in fleet.names:
        chance = random.Random(f"{seed} log {name}")
        log = server_log(directory, name)
        length = past.ended - past.begun
        # Most of what is kept is of the last days.
        times = sorted(int((past.ended - length * chance.random() ** 4) * SECOND) for _ in range(lines))
        rolls = past.rolls.get(name, [])
        generation = -1
        for number, time in enumerate(times):
            if past.is_dark(time // SECOND):
                continue
            now = sum(each * SECOND <= time for each in rolls)
            container = fleet.container(name, now)[:SHORT_ID]
            if now != generation:
                generation = now
                said = f"the log of mcp-{name} begins here (generation {now}, replica 1)"
                log.remark(text_of(time), container, harmless(said.encode()))
            stream, words = chance.choices(_WORDS, _OFTEN)[0]
            text = words.format(number=number, milliseconds=chance.randint(1, 900))
            log.keep(text_of(time), stream, container, harmless(text.encode()))
        log.flush()
