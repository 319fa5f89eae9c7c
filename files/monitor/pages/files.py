"""The state for programs, and what MCP clients need."""

from __future__ import annotations

import json

from monitor.sources import Sources
from monitor.state import StateMissing, StateUnreadable, client_config, parse_state
from monitor.web import Answer, Request

_JSON = "application/json"


def state_json(_request: Request, sources: Sources) -> Answer:
    """The state file as it is."""
    try:
        content = sources.state_bytes()
        parse_state(content)
    except StateUnreadable as error:
        return _no_state(error)
    return Answer(content, content_type=_JSON, may_be_compressed=True)


def mcp_json(_request: Request, sources: Sources) -> Answer:
    """The config file that an MCP client needs to reach every server that it can."""
    try:
        state = sources.state()
    except StateUnreadable as error:
        return _no_state(error)
    content = json.dumps(client_config(state), indent=2, ensure_ascii=False) + "\n"
    return Answer(content, content_type=_JSON, headers={"Content-Disposition": 'attachment; filename="mcp.json"'})


def _no_state(error: StateUnreadable) -> Answer:
    return Answer(json.dumps({"error": str(error)}), 404 if isinstance(error, StateMissing) else 503, _JSON)
