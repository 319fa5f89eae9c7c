"""Regular expressions that somebody sends, tried by grep.

grep's own matcher goes over a line once, whatever the expression is. Python's goes back and forth: an expression of a
few characters can keep it busy for hours over one line that a server writes (CWE-1333).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

LONGEST = 200
SECONDS = 5.0
"""After this long a search by expression ends with what it has found."""

# Before a line's text: TIME STREAM CONTAINER, each followed by a space.
_HEAD = "^[^ ]+ [^ ]+ [^ ]+ "
_REFERENCE = re.compile(r"\\[0-9]")
_COUNT = re.compile(r"\{([0-9,]+)\}")
_MOST_COUNTED = 100
# There a byte is a character: what is no UTF-8 stops nothing.
_BYTES = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}


class PatternRefused(ValueError):
    """The expression cannot be looked for; the sentence says why and what to do."""


def checked(pattern: str) -> str:
    """Returns the expression. Raises PatternRefused where grep does not take it, or where it could cost too much."""
    if not pattern:
        return pattern
    if len(pattern) > LONGEST:
        raise PatternRefused(f"the expression is longer than {LONGEST} characters; write a shorter one")
    if not pattern.isprintable():
        raise PatternRefused("the expression has control characters; write it without")
    if _REFERENCE.search(pattern):
        raise PatternRefused("the expression refers back to a group, such as \\1; write it without")
    counts = _COUNT.findall(pattern)
    if len(counts) > 1 or any(int(count or 0) > _MOST_COUNTED for each in counts for count in each.split(",")):
        raise PatternRefused(f"the expression repeats more than once by a number, or more than {_MOST_COUNTED} times")
    done = subprocess.run(
        ["grep", "-E", "-e", _anchored(pattern)], input=b"", capture_output=True, env=_BYTES, check=False
    )
    if done.returncode > 1:
        said = done.stderr.decode("utf-8", "replace").strip().removeprefix("grep: ")
        raise PatternRefused(f"the expression is wrong: {said[:100]}")
    return pattern


def matches(pattern: str, files: Sequence[Path], seconds: float = SECONDS) -> Iterator[tuple[Path, int, bytes]]:
    """Yields file, offset and line, without newline, of each line in whose text the expression is found.

    ``files`` are ours: no name of theirs may come from a request. Ends after ``seconds``.
    """
    if not files:
        return
    command = [
        "timeout",
        f"{seconds:g}",
        "grep",
        "--line-buffered",
        "-abHZE",
        "-e",
        _anchored(pattern),
        "--",
        *map(str, files),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_BYTES) as running:
        try:
            for found in running.stdout or ():
                name, _, rest = found.partition(b"\0")
                offset, _, line = rest.partition(b":")
                if offset.isdigit():
                    yield Path(name.decode()), int(offset), line.rstrip(b"\n")
        finally:
            running.terminate()


def matches_in(pattern: str, data: bytes, seconds: float = SECONDS) -> Iterator[tuple[int, bytes]]:
    """Yields offset and line, without newline, of each line of ``data`` in whose text the expression is found."""
    command = ["timeout", f"{seconds:g}", "grep", "-abE", "-e", _anchored(pattern)]
    done = subprocess.run(command, input=data, capture_output=True, env=_BYTES, check=False)
    for found in done.stdout.split(b"\n"):
        offset, _, line = found.partition(b":")
        if offset.isdigit():
            yield int(offset), line


def _anchored(pattern: str) -> str:
    if pattern.startswith("^"):
        return f"{_HEAD}({pattern[1:]})"
    return f"{_HEAD}.*({pattern})"
