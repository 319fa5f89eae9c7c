"""What a server requires is on its page."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from monitor.pages.server_facts import facts_of
from monitor.state import parse_state

from tests.unit.monitor import samples


def test_the_page_of_a_server_tells_what_it_requires_and_how_that_is() -> None:
    document = samples.three_servers()
    database = {"name": "db", "image": "pg:1", "condition": "healthy", "state": "failed"}
    shown = {"id": "d1", "name": "mcp-time.db", "logs": "docker logs mcp-time.db"}
    step = {"name": "schema", "image": "pg:1", "condition": "completed", "state": "waiting", "container": None}
    document["servers"][0]["requires"] = [{**database, "container": shown}, step]
    state = parse_state(json.dumps(document).encode())
    facts = {fact.name: fact.values for fact in facts_of(state.servers[0], datetime.now(UTC))}
    assert facts["Requires"] == ("db (pg:1): failed, mcp-time.db", "schema (pg:1): waiting")
