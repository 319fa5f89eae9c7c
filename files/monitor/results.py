"""The answers to requests and the audit log: what docs/requests.md describes, as plain objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LARGEST = 4 * 1024 * 1024
AUDITS = 9
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_TIMED = re.compile(r"(\d{8}T\d{12}Z)-[0-9a-f]{8}", re.ASCII)


@dataclass(frozen=True)
class Result:
    """What came of a request; ``changes`` are what the run did, a line each, and ``run`` its id."""

    id: str
    action: str
    server: str | None
    who: str
    origin: str
    status: str
    messages: tuple[str, ...]
    changes: tuple[str, ...]
    run: str | None
    answered: datetime


@dataclass(frozen=True)
class Entry:
    """A line of the audit log: what was asked by whom, or what has lapsed, which has no ``status`` and no ``who``."""

    at: datetime
    id: str
    action: str
    server: str | None
    who: str
    origin: str
    status: str
    message: str


def is_identity(identity: str) -> bool:
    """Whether requests may have this id."""
    return _ID.fullmatch(identity) is not None


def asked_at(identity: str) -> datetime | None:
    """When a request of the monitor was written, which its id says."""
    found = _TIMED.fullmatch(identity)
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def read_result(folder: Path, identity: str) -> Result | None:
    """The answer to a request; None where there is none that can be read."""
    if not is_identity(identity):
        return None
    try:
        with (folder / f"{identity}.json").open("rb") as file:
            return _result(json.loads(file.read(LARGEST)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _result(found: Any) -> Result:
    changes = [
        f"{name}: {change}" for name, each in sorted(found["servers"].items()) for change in each.get("changes", ())
    ]
    return Result(
        id=str(found["id"]),
        action=_text(found["action"]),
        server=_maybe(found["server"]),
        who=_who(found["who"]),
        origin=_text(found["from"]),
        status=str(found["status"]),
        messages=tuple(str(each) for each in found["messages"]),
        changes=tuple(changes),
        run=_maybe(found["run"]),
        answered=_moment(found["answered"]),
    )


def audit_entries(file: Path, limit: int) -> list[Entry]:
    """The newest lines of the audit log, at most ``limit``; what cannot be read is left out."""
    found: list[Entry] = []
    for entry in _newest_first(file):
        if len(found) >= limit:
            break
        found.append(entry)
    return found


def _newest_first(file: Path) -> Iterator[Entry]:
    for path in (file, *(file.with_name(f"{file.name}.{number}") for number in range(1, AUDITS))):
        try:
            with path.open("rb") as stream:
                lines = stream.read(LARGEST).splitlines()
        except OSError:
            continue
        for line in reversed(lines):
            try:
                yield _entry(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                continue


def _entry(found: Any) -> Entry:
    asked = found["event"] == "request"
    return Entry(
        at=_moment(found["time"]),
        id=_text(found.get("id")),
        action=_text(found.get("action")) if asked else str(found["event"]),
        server=_maybe(found["server"]),
        who=_who(found["who"]) if asked else "",
        origin=_text(found.get("from")),
        status=_text(found.get("status")),
        message=_text(found.get("message")),
    )


def _who(found: Any) -> str:
    return str(found["name"] or found["user"])


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _maybe(value: Any) -> str | None:
    return None if value is None else str(value)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
