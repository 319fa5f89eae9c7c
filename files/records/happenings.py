"""What happened to servers between runs, as the watcher saw it: each a line of a log, whose text is JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from .history import Event
from .line import Line
from .logs import Logs
from .moment import SECOND, nanoseconds_of
from .query import Query

FOLDER = "events"


def happenings(directory: Path, server: str, limit: int) -> list[Event]:
    """Returns the newest of a server, the newest first; ``directory`` is that of all records. None has a run."""
    return list(_events(reversed(Logs(directory / FOLDER).tail([server], Query(), limit).lines)))


def _events(lines: Iterator[Line]) -> Iterator[Event]:
    for line in lines:
        try:
            found = json.loads(line.text)
            at = datetime.fromtimestamp(nanoseconds_of(line.time) / SECOND, UTC)
            yield Event("", at, line.server, str(found["event"]), str(found["text"]), dict(found["details"]))
        except (ValueError, KeyError, TypeError):
            continue
