"""The shape of answers: a JSON Schema of what was seen. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify.compatibility import Schema

DEEPEST = 8
_KINDS_OF_CONTENT = ("text", "image", "audio", "resource", "resource_link")


def shape_of(value: Any, depth: int = 0) -> dict[str, Any]:
    """The shape of one value. What is deeper than eight levels is anything."""
    if depth >= DEEPEST:
        return {}
    if isinstance(value, Mapping):
        properties = {str(key): shape_of(each, depth + 1) for key, each in value.items()}
        if value.get("type") in _KINDS_OF_CONTENT:
            properties["type"] = {"type": "string", "enum": [value["type"]]}
        return {"type": "object", "properties": properties, "required": sorted(properties)}
    if isinstance(value, list):
        shape: dict[str, Any] = {"type": "array"}
        for each in value:
            item = shape_of(each, depth + 1)
            shape["items"] = merged(shape["items"], item) if "items" in shape else item
        return shape
    if value is None:
        return {"type": "null"}
    if isinstance(value, bool):
        return {"type": "boolean"}
    return {"type": "string" if isinstance(value, str) else "number"}


def merged(one: Schema, other: Schema) -> dict[str, Any]:
    """The shape of which both are."""
    if not one or not other:
        return {}
    if _type_set(one) == _type_set(other) == {"object"}:
        names = {**one["properties"], **other["properties"]}
        properties = {
            name: merged(one["properties"][name], other["properties"][name])
            if name in one["properties"] and name in other["properties"]
            else shape
            for name, shape in names.items()
        }
        required = sorted(set(one["required"]) & set(other["required"]))
        return {"type": "object", "properties": properties, "required": required}
    if _type_set(one) == _type_set(other) == {"array"}:
        items = [each["items"] for each in (one, other) if "items" in each]
        if not items:
            return {"type": "array"}
        return {"type": "array", "items": merged(items[0], items[1]) if len(items) == 2 else items[0]}
    if "object" in _type_set(one) | _type_set(other) and _type_set(one) != _type_set(other):
        return {}  # an object at times, and something else at others: nothing can be said of it
    types = sorted(_type_set(one) | _type_set(other))
    if "enum" in one and "enum" in other:
        return {"type": "string", "enum": sorted({*one["enum"], *other["enum"]})}
    return {"type": types[0] if len(types) == 1 else types}


def _type_set(shape: Schema) -> set[str]:
    given = shape["type"]
    return set(given) if isinstance(given, list) else {given}
