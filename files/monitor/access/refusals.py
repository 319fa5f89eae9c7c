"""Logins and actions that were refused: written by the monitor itself, read on its audit page.

A line of JSON each: time, kind, user, client, text. It is bounded, and holds no password: what somebody types as a name
may be one, so that it is written only where there is such a user.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger("monitor")

LOGIN, ACTION = "login", "action"
MOST_BYTES = 512 * 1024


@dataclass(frozen=True)
class Refusal:
    """What was refused: a login or an action, whose it would have been, and where it came from."""

    at: datetime
    kind: str
    user: str | None
    client: str
    text: str


@dataclass(frozen=True)
class Refusals:
    """The file, and an older one beside it."""

    file: Path

    @property
    def older(self) -> Path:
        """The file before."""
        return self.file.with_name(f"{self.file.name}.1")

    def note(self, kind: str, user: str | None, client: str, text: str) -> None:
        """Writes one down. Where that is not possible the log alone has it."""
        log.warning("refused from %s as %s: %s", client, user or "unknown", text)
        document = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "kind": kind,
            "user": user,
            "client": client,
            "text": text,
        }
        try:
            descriptor = os.open(
                self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
            with open(descriptor, "ab", buffering=0) as stream:
                stream.write((json.dumps(document) + "\n").encode())
                if stream.tell() >= MOST_BYTES:
                    self.file.replace(self.older)
        except OSError as error:
            log.warning("%s cannot be written: %s", self.file, error.strerror)

    def read(self) -> list[Refusal]:
        """All of them, the newest first; what cannot be read is left out."""
        found = [each for path in (self.older, self.file) for each in _read(path)]
        return found[::-1]


def _read(path: Path) -> list[Refusal]:
    try:
        with path.open("rb") as stream:
            lines = stream.read(2 * MOST_BYTES).splitlines()
    except OSError:
        return []
    return [refusal for line in lines if (refusal := _refusal(line)) is not None]


def _refusal(line: bytes) -> Refusal | None:
    try:
        found = json.loads(line)
        user = found["user"]
        at = datetime.fromisoformat(found["time"]).astimezone(UTC)
        return Refusal(
            at, str(found["kind"]), None if user is None else str(user), str(found["client"]), str(found["text"])
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
