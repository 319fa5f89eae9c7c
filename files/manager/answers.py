"""The schemas of what tools answer: the shapes of the API's documents, each with all that it refers to."""

from __future__ import annotations

from functools import reduce
from typing import Any

from monitor.api.shape import PUBLIC, Shape
from monitor.api.shapes import shapes

_LOCAL = "#/$defs/"


def standing_alone(shape: Shape) -> Shape:
    """Returns the same as a schema of its own, an object at its root, as clients of every revision expect it."""
    needed: dict[str, Shape] = {}
    root: Shape = _local(_named(shape["$ref"]) if set(shape) == {"$ref"} else shape, needed)
    return {**root, "$defs": dict(sorted(needed.items()))} if needed else root


def _local(shape: Any, needed: dict[str, Shape]) -> Any:
    """The same with references to ``needed``, to which it adds those that it refers to."""
    if isinstance(shape, list):
        return [_local(each, needed) for each in shape]
    if not isinstance(shape, dict):
        return shape
    reference = shape.get("$ref")
    if not isinstance(reference, str):
        return {key: _local(each, needed) for key, each in _split(shape).items()}
    name = reference.removeprefix(PUBLIC)
    if "/" in name:  # a part of another shape, of which the rest is not needed
        return _local(_named(reference), needed)
    if name not in needed:
        needed[name] = {}
        needed[name] = _local(_named(reference), needed)
    return {"$ref": _LOCAL + name}


def _split(shape: Shape) -> Shape:
    """The same with a branch for each of several types: some clients know no list of types."""
    kinds = shape.get("type")
    if not isinstance(kinds, list):
        return shape
    said = {key: each for key, each in shape.items() if key == "description"}
    rest = {key: each for key, each in shape.items() if key not in ("type", "description")}
    return {**said, "anyOf": [{"type": kind, **(rest if kind != "null" else {})} for kind in kinds]}


def _named(reference: str) -> Any:
    """What a reference stands for."""
    return reduce(lambda found, key: found[key], reference.removeprefix(PUBLIC).split("/"), shapes())
