"""A client's word as the record of calls has it."""

from __future__ import annotations

import re

_LONGEST = 64  # bytes of a client's word
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@][A-Za-z0-9_.:/@-]{0,63}").fullmatch


def word(text: str) -> str:
    """Returns a client's word as one word of plain characters: what is not plain is `%` and two digits a byte."""
    if not text:
        return "-"
    if _PLAIN(text):
        return text
    raw = text[:_LONGEST].encode("utf-8", "replace")[:_LONGEST]
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02x}" for byte in raw)
