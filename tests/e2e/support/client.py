"""What clients ask of a site: a path over HTTP, a tool over MCP."""

from __future__ import annotations

import asyncio
import http.client
import urllib.error
import urllib.request
from typing import Any

from mcp import Client
from mcp.client.sse import sse_client

from tests.e2e.support.waiting import until

CALL_SECONDS = 120


def status(url: str, headers: dict[str, str] | None = None) -> int:
    """The HTTP status of an address; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return 0


def answers(url: str, code: int, headers: dict[str, str] | None = None) -> None:
    """Waits until an address answers with this status: after a change it may take a moment. Raises AssertionError."""
    seen: list[int] = []

    def does() -> bool:
        seen[:] = [status(url, headers)]
        return seen == [code]

    until(does, lambda: f"{url} answers {code}, not {seen[0]}")


def call(url: str, tool: str, arguments: dict[str, Any], *, sse: bool = False) -> str:
    """The text that a tool answers with; ``sse`` is for servers of the older transport."""

    async def session() -> str:
        async with Client(sse_client(url) if sse else url) as client:
            result = await client.call_tool(tool, arguments)
            return str(result.content[0].text)

    return asyncio.run(asyncio.wait_for(session(), CALL_SECONDS))
