"""The forms of templates."""

from __future__ import annotations

from monitor.api.shape import TEXT, TEXTS, Shape, listed, maybe, record, ref

TEMPLATE_SHAPES: dict[str, Shape] = {
    "template": record(
        {
            "name": TEXT,
            "description": TEXT,
            "capabilities": TEXTS,
            "versions": listed(
                record(
                    {
                        "template": {"type": "string", "description": "What names it, such as github@1."},
                        "image": maybe("string"),
                        "command": maybe("string", "The program that it is started with, where it has no image."),
                        "required_env": {
                            "type": "object",
                            "additionalProperties": TEXT,
                            "description": "The variables that it needs, each with what that is.",
                        },
                    },
                    "A version.",
                )
            ),
        },
        "A type of server.",
    ),
    "template_list": record({"templates": listed(ref("template"), "By name.")}, "The templates that there are."),
}
