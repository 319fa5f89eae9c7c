"""The HTTP front of a stdio-only MCP server: a transparent relay that runs inside that server's container."""

from __future__ import annotations
