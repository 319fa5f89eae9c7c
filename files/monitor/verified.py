"""Reading the results of verifications: what files/verification.schema.json describes, as plain objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VERSION = 1
LARGEST_FILE = 32 * 1024 * 1024


@dataclass(frozen=True)
class Case:
    """What came of a case; ``seconds`` is what its steps took."""

    file: str
    name: str
    protocol: str
    verdict: str
    seconds: float
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Changed:
    """A difference to the server's baseline."""

    where: str
    text: str
    breaking: bool


@dataclass(frozen=True)
class Verified:
    """The last verification of a server; ``verdict`` is passed, flaky or failed."""

    server: str
    at: datetime
    verdict: str
    cases: tuple[Case, ...]
    changes: tuple[Changed, ...]


def read_verified(path: Path) -> tuple[Verified, ...]:
    """Returns what is known of each server, by name; nothing where the file is none of ours, or is not there."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(LARGEST_FILE))
        if found["version"] != VERSION:
            return ()
        return tuple(_verified(each) for each in found["servers"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()


def _verified(found: Any) -> Verified:
    return Verified(
        server=str(found["name"]),
        at=datetime.strptime(found["at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
        verdict=str(found["verdict"]),
        cases=tuple(_case(each) for each in found["cases"]),
        changes=tuple(Changed(str(e["where"]), str(e["text"]), bool(e["breaking"])) for e in found["changes"]),
    )


def _case(found: Any) -> Case:
    return Case(
        file=str(found["file"]),
        name=str(found["name"]),
        protocol=str(found["protocol"]),
        verdict=str(found["verdict"]),
        seconds=float(found["seconds"]),
        failures=tuple(str(each) for each in found["failures"]),
    )
