"""The forms of the documents that operations answer with. What a file of a run has keeps the form of its schema."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

_FILES = Path(__file__).resolve().parents[2]
_LOCAL, _PUBLIC = "#/$defs/", "#/components/schemas/"

Shape = dict[str, Any]


def ref(name: str) -> Shape:
    """Returns what stands for a shape that the document has by its name."""
    return {"$ref": f"{_PUBLIC}{name}"}


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

_SUMMARY_FIELDS: Shape = {
    "name": TEXT,
    "remote": {"type": "boolean", "description": "Whether it runs elsewhere."},
    "condition": ref("condition"),
    "severity": ref("severity"),
    "text": {"type": "string", "description": "The condition in words."},
    "type": {"enum": ["stdio", "http", "sse", None], "description": "What it speaks itself."},
    "group": maybe("string"),
    "host": {
        "enum": ["here", "other-hosts", "elsewhere"],
        "description": "Where it runs: on this host, on other hosts of the fleet, or elsewhere.",
    },
    "image": maybe("string"),
    "url": maybe("string", "Where clients reach it."),
    "tools": {"type": "integer", "minimum": 0, "description": "How many tools it offers."},
    "error": maybe("string"),
    "since": ref("since"),
}

_SHAPES: dict[str, Shape] = {
    "health_of_the_api": record({"status": {"const": "ok"}}, "It answers."),
    "problem": {
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "Which kind of problem it is, for programs."},
            "title": {"type": "string", "description": "What that kind means."},
            "status": WHOLE,
            "detail": {"type": "string", "description": "What is wrong, and the way out."},
            "errors": listed(
                record({"place": TEXT, "detail": TEXT}, "One thing that is wrong."), "Everything that is wrong."
            ),
        },
    },
    "server_summary": record(_SUMMARY_FIELDS, "A server in the list."),
    "server_list": record(
        {
            "servers": listed(ref("server_summary"), "By name."),
            "total": {"type": "integer", "minimum": 0, "description": "How many are meant, on all pages together."},
            "next": NEXT,
        },
        "A page of servers.",
    ),
    "server_or_remote": {"oneOf": [ref("server"), ref("remote")]},
    "server_status": record(
        {
            "name": TEXT,
            "condition": ref("condition"),
            "severity": ref("severity"),
            "text": {"type": "string", "description": "The condition in words."},
            "desired": maybe("string", "What the config says; null for a remote server."),
            "observed": maybe("string", "What became of its container; null for a remote server."),
            "since": ref("since"),
            "error": maybe("string"),
            "health": {"$ref": f"{_PUBLIC}server/properties/health"},
            "override": {"$ref": f"{_PUBLIC}server/properties/override"},
            "retry": {"$ref": f"{_PUBLIC}server/properties/retry"},
            "run": record({"id": TEXT, "finished": MOMENT}, "The run that found it so."),
        },
        "How a server is.",
    ),
}


@cache
def shapes() -> dict[str, Shape]:
    """Returns every shape by its name, those of the schemas beside the programs among them."""
    found: dict[str, Shape] = {}
    for file in ("routes", "history", "state"):
        document = json.loads((_FILES / f"{file}.schema.json").read_text("utf-8"))
        found |= {name: _public(each) for name, each in document["$defs"].items()}
    return found | _SHAPES


def _public(shape: Any) -> Any:
    """The same with references to where the shapes are here."""
    if isinstance(shape, dict):
        return {
            key: _PUBLIC + each.removeprefix(_LOCAL) if key == "$ref" and isinstance(each, str) else _public(each)
            for key, each in shape.items()
        }
    return [_public(each) for each in shape] if isinstance(shape, list) else shape
