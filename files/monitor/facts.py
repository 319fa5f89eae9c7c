"""Facts of an action of a run as lines for people: whatever plain data a report has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

LONGEST = 500
MOST_FACTS = 60
_DEEPEST = 4


def facts_of(value: Any) -> dict[str, str]:
    """Returns plain data as texts by name; names of nested ones are joined with a dot."""
    found: dict[str, str] = {}
    for name, text in _flat(value, "", 0):
        if len(found) >= MOST_FACTS:
            break
        found[name] = text
    return found


def _flat(value: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list) and not any(isinstance(each, (dict, list)) for each in value):
        yield name, _cut(", ".join(map(str, value)))
    elif value is not None:
        yield name, _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
