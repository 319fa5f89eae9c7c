"""Where a value stands in JSON text, so that it can be replaced and everything else stays as it was.

All functions take text that is known to be valid JSON.
"""

from __future__ import annotations

import json
import re

Span = tuple[int, int]

# A string or a bracket. Possessive, so that long strings cost no memory.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{\]}]', re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_COLON = re.compile(rb"\s*+:\s*+")
_SPACE = re.compile(rb"\s*+")
_SCALAR = re.compile(rb"[^\s,\]}]++")


class Ambiguous(ValueError):
    """A key occurs twice in one object, so that readers may disagree about its value."""


def find(text: bytes, *path: str) -> Span:
    """Returns where the value at the keys `path` stands, which must exist. Raises Ambiguous."""
    quoted = b'"%b"' % path[-1].encode()
    # Where the key's text occurs once, that is the place, whatever surrounds it; unless the key itself is written with
    # an escape, so that only readers see it.
    if text.count(quoted) == 1 and b"\\u00" not in text:
        colon = _COLON.match(text, text.index(quoted) + len(quoted))
        if colon is not None:
            return colon.end(), _end_of_value(text, colon.end())
    start, end = _skip_space(text, 0), len(text)
    for key in path:
        start, end = _member(text, start, key)
    return start, end


def replace(text: bytes, span: Span, value: bytes) -> bytes:
    """Returns `text` with `value` in the place of what stands at `span`."""
    return text[: span[0]] + value + text[span[1] :]


def elements(text: bytes) -> list[bytes]:
    """Returns the elements of the array `text`, as they are written."""
    found: list[bytes] = []
    position = _skip_space(text, text.index(b"[") + 1)
    while text[position : position + 1] != b"]":
        end = _end_of_value(text, position)
        found.append(text[position:end])
        position = _next(text, end)
    return found


def _member(text: bytes, start: int, key: str) -> Span:
    """Where the value of `key` stands in the object that begins at `start`."""
    found: Span | None = None
    position = _skip_space(text, start + 1)
    while text[position : position + 1] != b"}":
        name = _STRING.match(text, position)
        colon = None if name is None else _COLON.match(text, name.end())
        if name is None or colon is None:
            raise ValueError("not an object")
        end = _end_of_value(text, colon.end())
        if json.loads(name.group()) == key:
            if found is not None:
                raise Ambiguous(f"the key {key!r} occurs twice")
            found = colon.end(), end
        position = _next(text, end)
    if found is None:
        raise KeyError(key)
    return found


def _next(text: bytes, end: int) -> int:
    """Where the next element or member begins, or the closing bracket stands, after a value that ends at `end`."""
    position = _skip_space(text, end)
    return _skip_space(text, position + 1) if text[position : position + 1] == b"," else position


def _skip_space(text: bytes, position: int) -> int:
    match = _SPACE.match(text, position)
    return position if match is None else match.end()


def _end_of_value(text: bytes, start: int) -> int:
    """Where the value that begins at `start` ends."""
    first = text[start : start + 1]
    if first == b'"':
        string = _STRING.match(text, start)
        return len(text) if string is None else string.end()
    if first not in (b"[", b"{"):
        scalar = _SCALAR.match(text, start)
        return len(text) if scalar is None else scalar.end()
    depth = 0
    for token in _TOKEN.finditer(text, start):
        mark = text[token.start()]
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
            if depth == 0:
                return token.end()
    return len(text)
