"""How the form of a document is written down: JSON Schema, as OpenAPI 3.1 has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

PUBLIC = "#/components/schemas/"

Shape = dict[str, Any]


def ref(name: str) -> Shape:
    """Returns what stands for a shape that the document has by its name."""
    return {"$ref": f"{PUBLIC}{name}"}


def record(fields: dict[str, Any], description: str, optional: Iterable[str] = ()) -> Shape:
    """Returns the shape of an object, all of whose fields are there but the optional ones."""
    left_out = set(optional)
    return {
        "type": "object",
        "additionalProperties": False,
        "description": description,
        "required": [name for name in fields if name not in left_out],
        "properties": fields,
    }


def listed(item: Any, description: str = "") -> Shape:
    """Returns the shape of a list of these."""
    return {"type": "array", "items": item} | ({"description": description} if description else {})


def maybe(kind: str, description: str = "", **more: Any) -> Shape:
    """Returns the shape of something that may be null."""
    return {"type": [kind, "null"], **({"description": description} if description else {}), **more}


TEXT: Shape = {"type": "string"}
WHOLE: Shape = {"type": "integer"}
NUMBER: Shape = {"type": "number"}
TEXTS: Shape = {"type": "array", "items": TEXT}
MOMENT = ref("moment")
MAYBE_MOMENT: Shape = {"oneOf": [MOMENT, {"type": "null"}]}
NEXT = maybe("string", "The path of what comes after; null where that is all.")
