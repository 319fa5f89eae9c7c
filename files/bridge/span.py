"""Where a value stands in JSON text, so that it can be replaced and everything else stays as it was."""

from __future__ import annotations

import re

# A string and, where it is a key, its colon; or a bracket. Possessive, so that long strings cost no memory.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"(\s*+:)?|[\[{]|[\]}]', re.DOTALL)
_SPACE = re.compile(rb"\s*+")
_SCALAR = re.compile(rb"[^\s,\]}]++")


def elements(text: bytes) -> list[bytes]:
    """The elements of the array `text`, which must be valid JSON."""
    start = text.index(b"[") + 1
    found: list[bytes] = []
    position = _skip_space(text, start)
    while text[position : position + 1] != b"]":
        end = _end_of_value(text, position)
        found.append(text[position:end])
        position = _skip_space(text, end)
        if text[position : position + 1] == b",":
            position = _skip_space(text, position + 1)
    return found


def _skip_space(text: bytes, position: int) -> int:
    match = _SPACE.match(text, position)
    return position if match is None else match.end()


def _end_of_value(text: bytes, start: int) -> int:
    """Where the value that begins at `start` ends."""
    first = text[start : start + 1]
    if first not in (b"[", b"{", b'"'):
        scalar = _SCALAR.match(text, start)
        return len(text) if scalar is None else scalar.end()
    depth = 0
    for token in _TOKEN.finditer(text, start):
        mark = token.group()[:1]
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
        if depth == 0:
            # A string that is followed by a colon is a key, and no value.
            return token.end() if token.group(1) is None else token.start(1)
    return len(text)
