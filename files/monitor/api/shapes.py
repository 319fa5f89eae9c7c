"""The forms of the documents that operations answer with. What a file of a run has keeps the form of its schema."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from monitor.api.recorded_shapes import RECORDED_SHAPES
from monitor.api.registry_shapes import REGISTRY_SHAPES
from monitor.api.run_shapes import RUN_SHAPES
from monitor.api.shape import (
    MAYBE_MOMENT,
    MOMENT,
    NEXT,
    PUBLIC,
    TEXT,
    TEXTS,
    WHOLE,
    Shape,
    listed,
    maybe,
    record,
    ref,
)
from monitor.api.template_shapes import TEMPLATE_SHAPES

_FILES = Path(__file__).resolve().parents[2]
_LOCAL = "#/$defs/"

_SUMMARY_FIELDS: Shape = {
    "name": TEXT,
    "remote": {"type": "boolean", "description": "Whether it runs elsewhere."},
    "condition": ref("condition"),
    "severity": ref("severity"),
    "text": {"type": "string", "description": "The condition in words."},
    "type": {"enum": ["stdio", "http", "sse", None], "description": "What it speaks itself."},
    "group": maybe("string"),
    "template": maybe("string", "The one that its entry names, with its version."),
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
            "health": {"$ref": f"{PUBLIC}server/properties/health"},
            "override": {"$ref": f"{PUBLIC}server/properties/override"},
            "retry": {"$ref": f"{PUBLIC}server/properties/retry"},
            "run": record({"id": TEXT, "finished": MOMENT}, "The run that found it so."),
        },
        "How a server is.",
    ),
    "explanation": record(
        {
            "name": TEXT,
            "condition": ref("condition"),
            "severity": ref("severity"),
            "since": ref("since"),
            "text": {"type": "string", "description": "The condition in words."},
            "because": {**TEXTS, "description": "Why it is so."},
            "next_run": {**TEXTS, "description": "What the next run does with it."},
            "events": listed(
                record({"at": MOMENT, "event": TEXT, "text": TEXT}, "Something that happened."),
                "The last, the newest first.",
            ),
            "run": record({"id": TEXT, "finished": MOMENT}, "The run that found it so."),
        },
        "Why a server is as it is.",
    ),
    "tool_list": record(
        {
            "server": TEXT,
            "tools": listed(
                record(
                    {
                        "name": TEXT,
                        "title": maybe("string"),
                        "description": maybe("string"),
                        "input": {"description": "The schema of what it takes; null where none is kept."},
                    },
                    "A tool, in the words of its server.",
                )
            ),
            "checked": MAYBE_MOMENT,
            "protocol": maybe("string", "The MCP revision that was agreed on."),
        },
        "The tools that a server listed when it was last asked.",
    ),
    **RECORDED_SHAPES,
    **REGISTRY_SHAPES,
    **RUN_SHAPES,
    **TEMPLATE_SHAPES,
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
            key: PUBLIC + each.removeprefix(_LOCAL) if key == "$ref" and isinstance(each, str) else _public(each)
            for key, each in shape.items()
        }
    return [_public(each) for each in shape] if isinstance(shape, list) else shape
