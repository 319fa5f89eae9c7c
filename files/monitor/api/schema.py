"""Whether a value is as a schema says. Of JSON Schema this knows what the operations use, and nothing else.

A validator from a package tells one mistake at a time, or puts the value into its sentence, which may be a secret here;
these name every mistake by its place, and no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from monitor.api.problem import Mistake

Schema = Mapping[str, Any]

_NAMES = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)


def read_text(text: str, schema: Schema) -> Any:
    """Returns what stands in a URL or header as the schema's type; the text itself where it cannot be that."""
    if schema.get("type") == "integer" and _WHOLE.fullmatch(text):
        return int(text)
    if schema.get("type") == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def mistakes(value: Any, schema: Schema, place: str) -> Iterator[Mistake]:
    """Yields everything in which a value is not as the schema says; ``place`` is its name."""
    if "enum" in schema and (value not in schema["enum"] or isinstance(value, bool)):
        yield Mistake(place, f"is not one of {', '.join(str(each) for each in schema['enum'])}")
        return
    kinds = schema.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        yield Mistake(place, f"is not {' or '.join(_NAMES[kind] for kind in kinds)}")
        return
    if isinstance(value, str):
        yield from _of_text(value, schema, place)
    elif isinstance(value, bool):
        return
    elif isinstance(value, int | float):
        yield from _of_number(value, schema, place)
    elif isinstance(value, dict):
        yield from _of_object(value, schema, place)
    elif isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield Mistake(place, f"has more than {schema['maxItems']} items")
        for number, each in enumerate(value):
            yield from mistakes(each, schema.get("items", {}), f"{place}[{number}]")


def _is(value: Any, kind: str) -> bool:
    types: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool}
    if kind == "null":
        return value is None
    if kind in types:
        return isinstance(value, types[kind])
    if isinstance(value, bool):
        return False
    # A number without a fraction is a whole one (JSON Schema, 6.1.1).
    return isinstance(value, int) or (isinstance(value, float) and (kind == "number" or value.is_integer()))


def _of_text(value: str, schema: Schema, place: str) -> Iterator[Mistake]:
    if len(value) > schema.get("maxLength", len(value)):
        yield Mistake(place, f"is longer than {schema['maxLength']} characters")
    elif len(value) < schema.get("minLength", 0):
        yield Mistake(place, "is empty" if not value else f"is shorter than {schema['minLength']} characters")
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        yield Mistake(place, f"is not {schema.get('description', 'of its form').rstrip('.')}")


def _of_number(value: float, schema: Schema, place: str) -> Iterator[Mistake]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and value < least:
        yield Mistake(place, f"is less than {least}")
    if most is not None and value > most:
        yield Mistake(place, f"is more than {most}")


def _of_object(value: dict[str, Any], schema: Schema, place: str) -> Iterator[Mistake]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name in schema.get("required", ()):
        if name not in value:
            yield Mistake(f"{place}.{name}", "is missing")
    if len(value) < schema.get("minProperties", 0):
        yield Mistake(place, "is empty")
    if len(value) > schema.get("maxProperties", len(value)):
        yield Mistake(place, f"has more than {schema['maxProperties']} keys")
    if "oneOf" in schema and sum(not list(mistakes(value, each, place)) for each in schema["oneOf"]) != 1:
        yield Mistake(place, f"has to have {schema['description']}")
    for name, each in value.items():
        if known.get(name) is False:
            yield Mistake(f"{place}.{_shown(name)}", "does not belong there")
        elif name in known:
            yield from mistakes(each, known[name], f"{place}.{name}")
        elif others is False:
            yield Mistake(f"{place}.{_shown(name)}", f"is unknown; known are {', '.join(known) or 'none'}")
        elif isinstance(others, Mapping):
            yield from mistakes(each, others, f"{place}.{_shown(name)}")


def _shown(name: str) -> str:
    """A name that somebody made up, as a sentence can have it."""
    return "".join(each if each.isprintable() else "?" for each in name[:40])
