"""Files of who may come in: root writes them, the monitor's group reads them, and nobody else does."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

LARGEST = 1024 * 1024
MODE = 0o640


class OpenToAll(Exception):
    """Every user of the host can read the file. The sentence says so, and the way out."""


def read_stored(file: Path) -> bytes:
    """The file's content; raises OpenToAll and OSError."""
    with file.open("rb") as stream:
        if os.fstat(stream.fileno()).st_mode & stat.S_IROTH:
            raise OpenToAll(f"{file} can be read by every user; run: chmod 640 {file}")
        return stream.read(LARGEST + 1)


def stamp_of(file: Path) -> tuple[int, ...]:
    """Another one as soon as the file is another; empty where there is none."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size)


def write_stored(file: Path, document: Any, group: str | int) -> None:
    """Replaces the file in one step; it belongs to ``group``. Raises OSError and LookupError."""
    part = file.with_name(f".{file.name}.new")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(json.dumps(document, indent=1) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    shutil.chown(part, group=group)
    part.chmod(MODE)
    part.replace(file)
