"""The limits that the service model itself states: required members, lengths, ranges, patterns, enumerations."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from local_alb.errors import validation_error

MAX_REPORTED = 10


def check_request(operation: OperationModel, request: dict[str, Any]) -> None:
    """Raises a ValidationError that names every violated limit of the model, in the words that AWS uses."""
    if operation.input_shape is None:
        return
    complaints: list[str] = []
    _check(operation.input_shape, request, "", complaints)
    if complaints:
        noun = "error" if len(complaints) == 1 else "errors"
        shown = "; ".join(complaints[:MAX_REPORTED])
        raise validation_error(f"{len(complaints)} validation {noun} detected: {shown}")


def _check(shape: Shape, value: Any, where: str, complaints: list[str]) -> None:
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if name not in value:
                complaints.append(_complaint(None, _join(where, name), "Member must not be null"))
        for name, member in value.items():
            _check(shape.members[name], member, _join(where, name), complaints)
    elif isinstance(shape, ListShape):
        _check_size(shape, len(value), value, where, complaints)
        for index, member in enumerate(value, 1):
            _check(shape.member, member, f"{where}.{index}.member", complaints)
    elif shape.type_name == "string":
        _check_size(shape, len(value), value, where, complaints)
        _check_text(shape, value, where, complaints)
    elif shape.type_name in ("integer", "long"):
        _check_range(shape, value, where, complaints)


def _check_size(shape: Shape, size: int, value: Any, where: str, complaints: list[str]) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        complaints.append(_complaint(value, where, f"Member must have length greater than or equal to {low}"))
    if high is not None and size > high:
        complaints.append(_complaint(value, where, f"Member must have length less than or equal to {high}"))


def _check_range(shape: Shape, value: int, where: str, complaints: list[str]) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        complaints.append(_complaint(value, where, f"Member must have value greater than or equal to {low}"))
    if high is not None and value > high:
        complaints.append(_complaint(value, where, f"Member must have value less than or equal to {high}"))


def _check_text(shape: Shape, value: str, where: str, complaints: list[str]) -> None:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        complaints.append(
            _complaint(value, where, f"Member must satisfy enum value set: [{', '.join(sorted(allowed))}]")
        )
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).search(_classes(value) if r"\p{" in pattern else value):
        complaints.append(_complaint(value, where, f"Member must satisfy regular expression pattern: {pattern}"))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # Python has no \p{…}; _classes() turns letters, numbers and separators into these stand-ins beforehand.
    for prefix, stand_in in ((r"\p{L}", "a"), (r"\p{N}", "0"), (r"\p{Z}", " ")):
        pattern = pattern.replace(prefix, stand_in)
    return re.compile(re.sub(r"\$$", r"\\Z", pattern))


def _classes(value: str) -> str:
    stand_ins = {"L": "a", "N": "0", "Z": " "}
    return "".join(stand_ins.get(unicodedata.category(character)[0], character) for character in value)


def _join(where: str, name: str) -> str:
    # AWS names members in lower camel case in its validation messages.
    name = name[:1].lower() + name[1:]
    return f"{where}.{name}" if where else name


def _complaint(value: Any, where: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{str(value)[:200]}'"
    return f"Value {shown} at '{where}' failed to satisfy constraint: {constraint}"
