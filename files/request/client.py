"""Writing a request, and waiting for its answer. Whoever may write into the spool may use it."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PAUSE_SECONDS = 0.1


class NotWritten(Exception):
    """The request cannot be written; the sentence says why, and the way out."""


def identity() -> str:
    """Returns the id of a new request: ids of one writer are in the order of time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}"


def ask(directory: Path, name: str, said: Mapping[str, Any]) -> None:
    """Drops the request ``name`` into the spool below ``directory``, whole or not at all. Raises NotWritten."""
    spool = directory / "requests"
    hidden = spool / f".{name}"
    try:
        with open(os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
            json.dump(said, file)
            file.flush()
            os.fsync(file.fileno())
        hidden.rename(spool / f"{name}.json")
    except FileNotFoundError:
        raise NotWritten(f"{spool} is missing: run setup.sh, which makes it") from None
    except PermissionError:
        raise NotWritten(f"{spool} is not open to this user; run as root (sudo)") from None
    except OSError as error:
        hidden.unlink(missing_ok=True)
        raise NotWritten(f"{spool} cannot be written to: {error.strerror}") from error


def wait_for(directory: Path, name: str, timeout: float) -> dict[str, Any] | None:
    """Returns the answer to the request ``name``; None where there is none within ``timeout`` seconds."""
    path = directory / "results" / f"{name}.json"
    end = time.monotonic() + timeout
    while True:
        try:
            answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if time.monotonic() >= end:
                return None
            time.sleep(PAUSE_SECONDS)
        else:
            return answer
