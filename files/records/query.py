"""What somebody looks for in logs or calls, and whether a line is that."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .line import LEVELS, STREAMS, Line, harmless, text_start
from .pattern import PatternRefused, checked

LONGEST_TEXT = 200


class QueryRefused(ValueError):
    """What is asked for cannot be looked for; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a line must be. Times are those of ``moment``: ``since`` belongs to it, ``until`` does not.

    ``text`` is looked for without regard to the case of ASCII letters; ``regex`` is an extended regular expression of
    grep, with regard to case. ``level`` is the least one of ``LEVELS``; lines without a level count as info. Raises
    QueryRefused.
    """

    text: str = ""
    regex: str = ""
    since: str = ""
    until: str = ""
    stream: str = ""
    container: str = ""
    level: str = ""

    def __post_init__(self) -> None:
        if len(self.text) > LONGEST_TEXT:
            raise QueryRefused(f"the text is longer than {LONGEST_TEXT} characters; look for a part of it")
        if self.stream and self.stream not in STREAMS:
            raise QueryRefused(f"{self.stream[:20]!r} is no stream; write one of {', '.join(STREAMS)}")
        if self.level and self.level not in LEVELS:
            raise QueryRefused(f"{self.level[:20]!r} is no level; write one of {', '.join(LEVELS)}")
        try:
            checked(self.regex)
        except PatternRefused as error:
            raise QueryRefused(str(error)) from None

    @property
    def needle(self) -> bytes:
        """The text as a kept line has it, in small letters."""
        return harmless(unicodedata.normalize("NFC", self.text).encode("utf-8", "surrogatepass")).lower()

    def admits(self) -> Callable[[Line], bool]:
        """Returns what says whether a line is meant, apart from ``text`` and ``regex``."""
        least = LEVELS.index(self.level) if self.level else 0

        def admitted(line: Line) -> bool:
            if (self.stream and line.stream != self.stream) or line.time < self.since:
                return False
            if (self.until and line.time >= self.until) or not line.container.startswith(self.container):
                return False
            return not least or LEVELS.index(line.level or "info") >= least

        return admitted


def spans(data: bytes, needle: bytes) -> Iterator[tuple[int, int]]:
    """Yields where the lines begin and end in whose text ``needle`` is; all lines where it is empty.

    ``data`` is whole lines. ``needle`` is in small letters.
    """
    if not needle:
        start = 0
        for found in re.finditer(rb"\n", data):
            yield start, found.start()
            start = found.end()
        return
    lowered, at = data.lower(), 0
    while (at := lowered.find(needle, at)) >= 0:
        start, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
        # What stands before the text is no part of it.
        if lowered.find(needle, start + text_start(data[start : start + 64]), end) >= 0:
            yield start, end
        at = end
