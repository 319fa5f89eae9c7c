"""Looking at servers."""

from __future__ import annotations

from typing import Any

from monitor.api.shape import WHOLE, listed, record, ref
from monitor.api.shapes import shapes

from manager.tool import Call, Tool
from manager.tools.parameters import SERVER_NAME

MOST = 200
"""So many servers are a result that clients take: some refuse more than a megabyte."""


async def _list(call: Call) -> dict[str, Any]:
    given = call.arguments
    found = await call.api.get("/servers", status=given.get("status"), template=given.get("server_type"), limit=MOST)
    shown, total = found["servers"], found["total"]
    return {"servers": shown, "total": total, "left_out": total - len(shown)}


async def _status(call: Call) -> dict[str, Any]:
    return await call.api.get(f"/servers/{call.arguments['server_name']}/status")


async def _explain(call: Call) -> dict[str, Any]:
    return await call.api.get(f"/servers/{call.arguments['server_name']}/explain")


SERVERS = (
    Tool(
        "docker_list_servers",
        "List servers",
        "The servers as the last run found them, by name: the condition of each and since when, what it speaks, its"
        " image, the address at which clients reach it, how many tools it offers, what is wrong with it.",
        record(
            {
                "servers": listed(ref("server_summary"), "By name."),
                "total": {**WHOLE, "description": "How many are meant."},
                "left_out": {**WHOLE, "description": f"How many of them are not shown: at most {MOST} are."},
            },
            "Servers.",
        ),
        _list,
        {
            "status": {**shapes()["condition"], "description": "Only those in this condition."},
            "server_type": {
                "type": "string",
                "minLength": 1,
                "maxLength": 100,
                "description": "Only those made from this template: github@1, or github for all of its versions.",
            },
        },
    ),
    Tool(
        "docker_get_server_status",
        "Status of a server",
        "How one server is: its condition and since when, what the config asks for and what there is, its last check,"
        " what operators have asked for, when it is tried again.",
        ref("server_status"),
        _status,
        {"server_name": SERVER_NAME},
        ("server_name",),
    ),
    Tool(
        "explain_server",
        "Explain a server",
        "Why a server is in its condition, what the next run will do with it, and what happened to it last. As far as"
        " the last run knew.",
        ref("explanation"),
        _explain,
        {"server_name": SERVER_NAME},
        ("server_name",),
    ),
)
