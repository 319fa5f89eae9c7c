"""Every tool. What clients see, validation and docs/mcp-tools.md are made of this table."""

from __future__ import annotations

from manager.tool import Tool
from manager.tools.changes import CHANGES
from manager.tools.config import CONFIG
from manager.tools.logs import LOGS
from manager.tools.runs import RUNS
from manager.tools.servers import SERVERS

TOOLS: tuple[Tool, ...] = (*SERVERS, *LOGS, *CHANGES, *CONFIG, *RUNS)
