"""Notes how far spans are sent, and how many were; ``records.spans`` reads it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from records.spans import FILE, Progress

_MODE = 0o640


def write_progress(directory: Path, progress: Progress) -> None:
    """Replaces the file in one step. Raises OSError."""
    new = directory / f"{FILE}.new"
    content = {
        "position": dict(progress.position),
        "sent": progress.sent,
        "dropped": progress.dropped,
        "lost": progress.lost,
    }
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(json.dumps(content))
    new.replace(directory / FILE)
