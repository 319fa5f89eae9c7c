"""The files that people edit, where no path unit watches them.

They are looked at once a second, which costs a few stat(2) calls and holds on every file system; inotify tells nothing
on network file systems, of a folder behind a bind mount of another kernel, or of a folder that comes later.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

Fingerprint = frozenset[tuple[str, int, int, int]]


class Inputs:
    """Files and folders that a run reads, and a spool of requests that it empties."""

    def __init__(self, paths: Sequence[Path], spool: Path | None) -> None:
        self._paths = paths
        self._spool = spool

    def edited(self) -> Fingerprint:
        """Returns what differs after an edit: name, inode, size and time of each file and of each file in a folder."""
        return frozenset(found for path in self._paths for found in _found(path))

    def requests(self) -> frozenset[str]:
        """Returns the names of the files that wait, also of what a run is going to refuse."""
        if self._spool is None:
            return frozenset()
        try:
            return frozenset(name for name in os.listdir(self._spool) if not name.startswith("."))
        except OSError:
            return frozenset()


def _found(path: Path) -> Iterator[tuple[str, int, int, int]]:
    """A file, or the files of a folder that count: an editor's own come and go."""
    try:
        names = [path / name for name in os.listdir(path) if name.endswith(".json")] if path.is_dir() else [path]
    except OSError:
        return
    for each in names:
        try:
            found = each.stat()
        except OSError:
            continue
        yield str(each), found.st_ino, found.st_size, found.st_mtime_ns
