"""Logs on disk, as the watcher keeps them."""

from __future__ import annotations

from pathlib import Path

from records.moment import text_of
from records.segments import name_of

FIRST = 1_700_000_000
"""Seconds since 1970 of the first line."""


def at(second: float) -> str:
    return text_of(FIRST * 1_000_000_000 + int(second * 1_000_000_000))


def line(second: float, text: str, stream: str = "out", container: str = "0123456789ab") -> bytes:
    return f"{at(second)} {stream} {container} {text}\n".encode()


def keep(directory: Path, server: str, *segments: bytes) -> Path:
    place = directory / server
    place.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(segments, 1):
        (place / name_of(number)).write_bytes(content)
    return place
