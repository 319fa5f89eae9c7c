"""What runs did."""

from __future__ import annotations

from typing import Any

from monitor.api.shape import listed, record, ref

from manager.tool import Call, Tool
from manager.tools.parameters import SERVER_NAME

MOST_RUNS = 100


async def _runs(call: Call) -> dict[str, Any]:
    given = call.arguments
    found = await call.api.get("/runs", server=given.get("server_name"), limit=given.get("limit", 10))
    return {"runs": found["runs"]}


RUNS = (
    Tool(
        "list_runs",
        "List runs",
        "The reports of the last runs, the newest first: what started each, how it ended, how much it did and met. Runs"
        " in a row that found and did the same are one report.",
        record({"runs": listed(ref("run_summary"), "The newest first.")}, "Runs."),
        _runs,
        {
            "server_name": {**SERVER_NAME, "description": "Only those that did something to this server, or met it."},
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_RUNS,
                "description": "How many at most; 10 without it.",
            },
        },
    ),
)
