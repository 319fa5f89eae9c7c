"""How far the sender of spans is, and what it has counted: files/traces writes it, where it runs at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "progress.json"
_LARGEST = 4 * 1024 * 1024


@dataclass(slots=True)
class Progress:
    """``position``: of each server. ``sent`` and ``dropped`` count spans, ``lost`` how often calls of a server were
    deleted before they were read."""

    position: Mapping[str, str]
    sent: int = 0
    dropped: int = 0
    lost: int = 0


def read_progress(directory: Path) -> Progress | None:
    """Returns what the file in the sender's directory says; None where there is none that can be read."""
    try:
        with (directory / FILE).open("rb") as file:
            found: Any = json.loads(file.read(_LARGEST))
        position = {str(server): str(reached) for server, reached in found["position"].items()}
        return Progress(position, int(found["sent"]), int(found["dropped"]), int(found["lost"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
