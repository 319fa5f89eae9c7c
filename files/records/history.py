"""The history of runs: what files/history.schema.json describes, as plain objects, the newest first.

The writer replaces each file in one step and removes the oldest, so that a reader meets whole files and may meet one
that is gone. What cannot be read is left out; a history with a corrupt file is still one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VERSION = 1
LARGEST_FILE = 4 * 1024 * 1024

_REPORT = re.compile(r"(\d{8}T\d{6}Z-[A-Za-z0-9._-]{1,64})\.json", re.ASCII)


@dataclass(frozen=True)
class Event:
    """Something that happened to a server, or with ``server`` None to the fleet, in the run ``run`` that ended ``at``.

    ``event`` is one word for programs, ``text`` a sentence for people, ``details`` plain data: which tools came and
    went, for example.
    """

    run: str
    at: datetime
    server: str | None
    event: str
    text: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One run, or ``count`` runs in a row that found and did the same.

    ``started`` is when the first began, ``last_started`` when the last did and ``finished`` when that ended; ``id`` and
    ``last_id`` are theirs. ``plan`` are the actions: step, server, action, reason, and before and after where they are
    known. ``errors`` have server, step and message. Times are in UTC.
    """

    id: str
    last_id: str
    trigger: str
    started: datetime
    last_started: datetime
    finished: datetime
    count: int
    result: str
    summary: str
    severity: str
    plan: tuple[dict[str, Any], ...]
    more_actions: int
    diff: str
    errors: tuple[dict[str, Any], ...]
    events: tuple[Event, ...]

    @property
    def seconds(self) -> float:
        """How long it took, the last of several."""
        return (self.finished - self.last_started).total_seconds()


def runs(folder: Path, limit: int = 50, before: str | None = None) -> list[Run]:
    """Returns the newest reports, at most ``limit``; with ``before`` those older than the report with that id.

    A folder that is missing or may not be read has none.
    """
    found: list[Run] = []
    for identity in _identities(folder):
        if before is not None and identity >= before:
            continue
        if len(found) >= limit:
            break
        report = run(folder, identity)
        if report is not None:
            found.append(report)
    return found


def run(folder: Path, identity: str) -> Run | None:
    """Returns the report with this id, which is that of its first run; None where there is none that can be read."""
    if not _REPORT.fullmatch(f"{identity}.json"):
        return None
    try:
        with (folder / f"{identity}.json").open("rb") as file:
            return _run(json.loads(file.read(LARGEST_FILE)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def run_of(folder: Path, identity: str) -> Run | None:
    """Returns the report that a run is in, by the run's own id, the last of several included; None without one.

    A run between the first and the last of several has no id in the report, and is found by its time.
    """
    exact = run(folder, identity)
    if exact is not None:
        return exact
    for first in _identities(folder):
        if first <= identity:
            report = run(folder, first)
            return report if report is not None and identity <= report.last_id else None
    return None


def events(folder: Path, server: str | None = None, since: datetime | None = None, limit: int = 100) -> list[Event]:
    """Returns the newest events, at most ``limit``, of one server where it is named, and none that is older."""
    found: list[Event] = []
    for identity in _identities(folder):
        report = run(folder, identity)
        if report is None:
            continue
        if since is not None and report.finished < since:
            break
        found += [each for each in report.events if server in (None, each.server)]
        if len(found) >= limit:
            break
    return found[:limit]


def _identities(folder: Path) -> Iterator[str]:
    """The ids of the reports, the newest first: each begins with the time of its run."""
    try:
        names = [each.name for each in folder.iterdir()]
    except OSError:
        return iter(())
    return iter(sorted((match[1] for name in names if (match := _REPORT.fullmatch(name))), reverse=True))


def _run(document: Any) -> Run:
    if document["version"] != VERSION:
        raise ValueError("another version")
    finished = _moment(document["finished"])
    return Run(
        id=str(document["id"]),
        last_id=str(document["last_id"]),
        trigger=str(document["trigger"]),
        started=_moment(document["started"]),
        last_started=_moment(document["last_started"]),
        finished=finished,
        count=int(document["runs"]),
        result=str(document["result"]),
        summary=str(document["summary"]),
        severity=str(document["severity"]),
        plan=tuple(dict(each) for each in document["plan"]),
        more_actions=int(document["more_actions"]),
        diff=str(document["diff"]),
        errors=tuple(dict(each) for each in document["errors"]),
        events=tuple(_event(each, str(document["id"]), finished) for each in document["events"]),
    )


def _event(document: Any, identity: str, at: datetime) -> Event:
    server = document["server"]
    return Event(
        run=identity,
        at=at,
        server=None if server is None else str(server),
        event=str(document["event"]),
        text=str(document["text"]),
        details=dict(document.get("details") or {}),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
