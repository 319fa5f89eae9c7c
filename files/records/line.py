"""One line of a log as it is kept: ``TIME STREAM CONTAINER text``.

TIME is the engine's, in UTC with nine digits. STREAM is ``out`` or ``err``; ``rec`` is the recorder's own remark,
``call`` a call of the bridge. CONTAINER is the first twelve digits of its id. The text is UTF-8 and does nothing to a
terminal: see ``harmless``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.printable import printable

OUT, ERR, REMARK, CALL = "out", "err", "rec", "call"
STREAMS = (OUT, ERR, REMARK)
LONGEST = 32 * 1024
"""Characters of one line; what is longer ends in ``…`` and its full length in bytes."""
SHORT_ID = 12

_HARMFUL = re.compile(rb"[^\x20-\x7e\t]")
_COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")
_LINE = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (out|err|rec|call) ([0-9a-f]{12}|-) ")
# The words by which loggers of Python, Node, Go, Rust and Java begin or mark their lines.
_LEVEL = re.compile(
    r"\b(?:(?P<error>ERROR|ERR|FATAL|CRITICAL|PANIC|SEVERE|Traceback)|(?P<warning>WARN(?:ING)?)"
    r"|(?P<info>INFO|NOTICE)|(?P<debug>DEBUG|TRACE))\b",
    re.IGNORECASE,
)
_LEVEL_WITHIN = 200
LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was read. ``position`` is where it ends: what follows it comes after that."""

    server: str
    time: str
    stream: str
    container: str
    text: str
    position: str

    @property
    def level(self) -> str | None:
        """One of LEVELS, as a word near the line's beginning says it; None where none does."""
        return level_of(self.text)


def harmless(raw: bytes, size: int = 0) -> bytes:
    """Returns the text of a line as it may be kept and shown: valid UTF-8 without anything that acts on a terminal.

    Colours are left out; control characters, escape sequences, what turns the direction of writing, and bytes that
    are no UTF-8 are written as escapes such as ``\\x1b``. ``size``: the bytes of the whole line where ``raw`` is only
    its beginning.
    """
    size = max(size, len(raw))
    if size <= LONGEST and _HARMFUL.search(raw) is None:
        return raw
    raw = _COLOUR.sub(b"", raw) if b"\x1b" in raw else raw
    text = raw[: 4 * LONGEST].decode("utf-8", "backslashreplace")
    kept = printable(text[:LONGEST], LONGEST)
    is_cut = len(text) > LONGEST or size > 4 * LONGEST
    return (f"{kept}… ({size} bytes in all)" if is_cut else kept).encode()


def head(time: str, stream: str, container: str) -> bytes:
    """Returns what stands before the text."""
    return f"{time} {stream} {container[:SHORT_ID] or '-'} ".encode()


def text_start(line: bytes) -> int:
    """Returns where the text of a line begins, 0 where it is no line of ours."""
    found = _LINE.match(line)
    return 0 if found is None else found.end()


def parse(server: str, line: bytes, position: str) -> Line | None:
    """Returns what a line without its newline says; None where it is none of ours, such as the torn end of a file."""
    found = _LINE.match(line)
    if found is None:
        return None
    time, stream, container = (part.decode("ascii") for part in found.groups())
    return Line(server, time, stream, container, line[found.end() :].decode("utf-8", "backslashreplace"), position)


def level_of(text: str) -> str | None:
    """Returns one of LEVELS, as a word near the beginning of ``text`` says it."""
    found = _LEVEL.search(text[:_LEVEL_WITHIN])
    return None if found is None else found.lastgroup
