"""How far calls are sent, and how many were: a file that the monitor reads as well."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "progress.json"
_LARGEST = 4 * 1024 * 1024
_MODE = 0o640


@dataclass(slots=True)
class Progress:
    """``position``: of each server, None before anything was read. ``sent`` and ``dropped`` count spans, ``lost`` how
    often calls of a server were deleted before they were read."""

    position: Mapping[str, str] | None = None
    sent: int = 0
    dropped: int = 0
    lost: int = 0


def read_progress(directory: Path) -> Progress:
    """Returns what the file says; a new beginning where there is none, or none that can be read."""
    try:
        with (directory / FILE).open("rb") as file:
            found: Any = json.loads(file.read(_LARGEST))
        position = {str(server): str(reached) for server, reached in found["position"].items()}
        return Progress(position, int(found["sent"]), int(found["dropped"]), int(found["lost"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Progress()


def write_progress(directory: Path, progress: Progress) -> None:
    """Replaces the file in one step. Raises OSError."""
    new = directory / f"{FILE}.new"
    content = {
        "position": dict(progress.position or {}),
        "sent": progress.sent,
        "dropped": progress.dropped,
        "lost": progress.lost,
    }
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(json.dumps(content))
    new.replace(directory / FILE)
