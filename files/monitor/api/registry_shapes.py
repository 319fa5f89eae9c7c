"""The forms of a registry's answers, as far as they are given here.

https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json has those of a server.
"""

from __future__ import annotations

from monitor.api.shape import MOMENT, TEXT, Shape, listed, record, ref

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
OFFICIAL = "io.modelcontextprotocol.registry/official"
NAME_FORM = "^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$"
LATEST = "latest"
LONGEST_DESCRIPTION = 100
LONGEST_VERSION = 255

REGISTRY_SHAPES: dict[str, Shape] = {
    "registry_list": record(
        {
            "servers": listed(ref("registry_entry"), "By name."),
            "metadata": record(
                {
                    "count": {"type": "integer", "minimum": 0, "description": "How many are on this page."},
                    "nextCursor": {"type": "string", "description": "What to ask for as cursor; missing at the end."},
                },
                "Where in the list this is.",
                optional=("nextCursor",),
            ),
        },
        "A page of a registry.",
    ),
    "registry_entry": record(
        {
            "server": record(
                {
                    "$schema": {"const": SCHEMA},
                    "name": {"type": "string", "pattern": NAME_FORM, "minLength": 3, "maxLength": 200},
                    "title": {"type": "string", "minLength": 1, "maxLength": 100},
                    "description": {"type": "string", "minLength": 1, "maxLength": LONGEST_DESCRIPTION},
                    "version": {"type": "string", "minLength": 1, "maxLength": LONGEST_VERSION},
                    "remotes": listed(
                        record(
                            {
                                "type": {"enum": ["streamable-http", "sse"]},
                                "url": {"type": "string", "pattern": r"^https?://\S+$"},
                                "headers": listed(
                                    record(
                                        {
                                            "name": TEXT,
                                            "description": TEXT,
                                            "isRequired": {"type": "boolean"},
                                            "isSecret": {"type": "boolean"},
                                        },
                                        "A header that a client has to send.",
                                    )
                                ),
                            },
                            "Where clients reach it.",
                            optional=("headers",),
                        )
                    ),
                },
                "A server.",
            ),
            "_meta": record(
                {
                    OFFICIAL: record(
                        {
                            "status": {"const": "active"},
                            "isLatest": {"const": True},
                            "statusChangedAt": MOMENT,
                            "updatedAt": MOMENT,
                        },
                        "What the registry says of it.",
                        optional=("statusChangedAt", "updatedAt"),
                    )
                },
                "What is said of the entry.",
            ),
        },
        "A server in a registry.",
    ),
}
