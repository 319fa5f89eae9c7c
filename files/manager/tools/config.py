"""Whether the config is right, and whether a new server would be."""

from __future__ import annotations

from typing import Any

from monitor.api.shape import TEXTS, maybe, record

from manager.api import Refused
from manager.tool import Call, Tool
from manager.tools.changes import WAIT_SECONDS
from manager.tools.parameters import SERVER_NAME

_REFUSED = "request-refused"


async def _check(call: Call) -> dict[str, Any]:
    given = call.arguments
    if "server_name" not in given and "entry" not in given:
        return await _of_last_run(call)
    if "server_name" not in given or "entry" not in given:
        raise Refused("Give server_name and entry together, or neither of them; nothing was checked")
    body = {"name": given["server_name"], "entry": given["entry"]}
    try:
        found = await call.api.post("/check", body, wait=WAIT_SECONDS)
    except Refused as refused:
        if refused.kind != _REFUSED:
            raise
        return {"accepted": False, "mistakes": list(refused.mistakes), "notes": []}
    accepted = True if found["status"] == "done" else None
    return {"accepted": accepted, "mistakes": [], "notes": found["messages"]}


async def _of_last_run(call: Call) -> dict[str, Any]:
    """What the last run had against the config that there is."""
    runs = (await call.api.get("/runs", limit=1))["runs"]
    if not runs:
        return {"accepted": None, "mistakes": [], "notes": ["No run has read the config yet"]}
    run = await call.api.get(f"/runs/{runs[0]['id']}")
    wrong = [_sentence(each) for each in run["errors"] if each.get("step") == "config"]
    return {"accepted": not wrong, "mistakes": wrong, "notes": [f"Run {run['last_id']} of {run['finished']} read it"]}


def _sentence(error: dict[str, Any]) -> str:
    return f"{error['server']}: {error['message']}" if error.get("server") else str(error["message"])


CONFIG = (
    Tool(
        "check_config",
        "Check the config",
        "Whether a new server could be made of an entry of mcpServers: the config's own reader judges it, with the"
        " settings of the host, and says all that is in the way; nothing is made. Without arguments: what the last run"
        " had against the config that there is. With them it needs a token of the scope operate, and waits up to"
        f" {WAIT_SECONDS} seconds for a run.",
        record(
            {
                "accepted": maybe("boolean", "Whether it is right; null where that is not known yet."),
                "mistakes": {**TEXTS, "description": "All that is in the way."},
                "notes": {**TEXTS, "description": "What of it is ignored or decided, and why."},
            },
            "What the config's reader says.",
        ),
        _check,
        {
            "server_name": {**SERVER_NAME, "description": "The name that the server would have."},
            "entry": {
                "type": "object",
                "minProperties": 1,
                "description": 'What would stand behind its name in mcpServers: command and args, or {"template": …}.',
            },
        },
    ),
)
