"""The sample config that an installation of the tests begins with."""

from __future__ import annotations

import json

from tests.e2e.support.site import PROJECT

SAMPLE = json.loads((PROJECT / "files" / "mcp.config.json").read_text())["mcpServers"]
RUNNING = sorted(name for name, entry in SAMPLE.items() if not entry.get("disabled"))
ANOTHER = {
    "command": "docker",
    "args": ["run", "--rm", "-i", "-e", "TZ", "mcp-sample/time:1"],
    "env": {"TZ": "Asia/Tokyo"},
}
