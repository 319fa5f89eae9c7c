"""What others chose, made fit for a log and for an error: one bounded line that does nothing to the terminal it is
shown on.

Logs are read with `docker logs` and `journalctl`, which hand every byte on: an escape sequence in them can rewrite what
stands on the screen, and a line break can forge a line (CWE-117, CWE-150).
"""

from __future__ import annotations

import unicodedata

LINE = 16 * 1024
"""Characters of one line in the log."""
VALUE = 100
"""Characters of a value that an error repeats."""

# Control characters, what turns the direction of writing or is invisible, line separators, and halves of characters.
_HARMFUL = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
_KEPT = frozenset("\t\u200c\u200d")  # joiners belong to the writing of several languages, and to emoji


def printable(text: str | bytes, most: int = LINE) -> str:
    """Returns `text` in which what acts instead of being seen is written as an escape, such as `\\x1b`. Bytes are
    UTF-8, and those that are not are escaped, too. What is longer than `most` characters ends in `…` and its full
    length."""
    if isinstance(text, bytes):
        size = len(text)
        # No character takes more than four bytes: what is cut here is not shown anyway.
        text = text[: 4 * most + 4].decode("utf-8", "backslashreplace")
    else:
        size = len(text)
    cut = text[:most]
    if not cut.isprintable():  # hardly ever
        cut = "".join(character if _harmless(character) else _escaped(character) for character in cut)
    return f"{cut}… ({size} in all)" if len(text) > most else cut


def _harmless(character: str) -> bool:
    return character in _KEPT or unicodedata.category(character) not in _HARMFUL


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
