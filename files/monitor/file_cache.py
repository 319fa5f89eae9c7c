"""What a file says, read again only once it is another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Content = TypeVar("Content")
Identity = tuple[int, int, int]


class FileCache(Generic[Content]):
    """A file that its writer replaces as a whole; ``read`` may raise, which is not remembered."""

    def __init__(self, path: Path, read: Callable[[Path], Content]) -> None:
        self._path = path
        self._read = read
        self._known: tuple[Identity, Content] | None = None

    def content(self) -> Content:
        """Returns what the file says now. Raises what ``read`` raises."""
        identity = self.identity
        known = self._known
        if known is not None and known[0] == identity:
            return known[1]
        found = self._read(self._path)
        self._known = None if identity is None else (identity, found)
        return found

    @property
    def identity(self) -> Identity | None:
        """Another one as soon as the file is another; None where there is none."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
