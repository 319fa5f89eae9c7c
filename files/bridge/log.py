"""What the container's log gets: the bridge's own sentences and its children's stderr, line by line."""

from __future__ import annotations

import os
import stat
import sys
import traceback
from typing import TYPE_CHECKING

from .printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVELS = ("debug", "info", "warning", "error")


class Log:
    """Writes lines to stderr. A reader that does not keep up costs lines, never time: they are counted and dropped."""

    def __init__(self, level: str = "info") -> None:
        self._least = LEVELS.index(level)
        self._fd = sys.stderr.fileno()
        self._dropped = 0
        self._torn = False  # the last line reached the reader in part
        if stat.S_ISFIFO(os.fstat(self._fd).st_mode):
            os.set_blocking(self._fd, False)

    def debug(self, text: str) -> None:
        """Logs what helps to find a fault."""
        self._say(0, text)

    def info(self, text: str) -> None:
        """Logs what happens."""
        self._say(1, text)

    def warning(self, text: str) -> None:
        """Logs what somebody may have to look at."""
        self._say(2, text)

    def error(self, text: str) -> None:
        """Logs what somebody must look at."""
        self._say(3, text)

    def failure(self, what: str, error: BaseException) -> None:
        """Logs a fault of the bridge's own, by its kind and its place. Not by its text: that may quote a client."""
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        place = " < ".join(f"{os.path.basename(one.filename)}:{one.lineno} {one.name}" for one in reversed(frames))
        self.error(f"{what}: {type(error).__name__} at {place or 'an unknown place'}")

    def child(self, tag: str, line: bytes) -> None:
        """Logs a line from the child of session `tag`; whatever it does to terminals is shown instead of done."""
        said = printable(line.rstrip(b"\r"))
        self._say_line(f"[{tag}] {said}")

    def _say(self, level: int, text: str) -> None:
        if level >= self._least:
            self._say_line(f"bridge: {LEVELS[level]}: {printable(text)}")

    def _say_line(self, text: str) -> None:
        self._write(f"{text}\n".encode(errors="backslashreplace"))

    def _write(self, line: bytes) -> None:
        if self._dropped:
            line = b"bridge: warning: %d log lines were dropped\n%b" % (self._dropped, line)
        if self._torn:
            line = b"\n" + line
        try:
            written = os.write(self._fd, line)
        except OSError:
            self._dropped += 1
            return
        self._dropped = 0
        self._torn = written < len(line)

    def lines(self, lines: Sequence[bytes]) -> None:
        """Logs whole lines that are fit for it, in one go; they are written or dropped together."""
        dropped = self._dropped
        self._write(b"".join(lines))
        if self._dropped > dropped:
            self._dropped = dropped + len(lines)
