"""An assistant that calls the MCP tools of a site by the official SDK, each call with a client of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Tool

from tests.conformance.node import CACHE, package

ERAS = {"2026-07-28": "auto", "2025-11-25": "legacy"}
"""The revisions that the clients of both eras agree on, and how a client is told to be of that era."""


@dataclass
class Assistant:
    """Calls the tools at an address with a token; ``era`` is the protocol's revision."""

    url: str
    token: str
    era: str = "2026-07-28"
    told: list[tuple[float, str]] = field(default_factory=list)
    """The notifications of progress that came."""
    results: list[CallToolResult] = field(default_factory=list)
    """What every call came to."""

    def tools(self) -> dict[str, Tool]:
        """The tools that there are, by name."""
        return {each.name: each for each in asyncio.run(self._with(lambda client: client.list_tools())).tools}

    def call(self, name: str, **arguments: Any) -> CallToolResult:
        """What a call of a tool comes to, good or not."""
        result = asyncio.run(self._with(lambda client: client.call_tool(name, arguments, progress_callback=self._hear)))
        assert isinstance(result, CallToolResult)
        self.results.append(result)
        return result

    def do(self, name: str, **arguments: Any) -> Any:
        """The structured answer of a call that has to be good."""
        result = self.call(name, **arguments)
        assert not result.is_error, result.content
        return result.structured_content

    async def _hear(self, progress: float, _total: float | None, message: str | None) -> None:
        self.told.append((progress, message or ""))

    async def _with(self, ask: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=70) as http,
            Client(streamable_http_client(self.url, http_client=http), mode=ERAS[self.era]) as client,
        ):
            assert client.protocol_version == self.era
            return await ask(client)


class Inspector(Assistant):
    """The same by the command line of the MCP inspector."""

    def call(self, name: str, **arguments: Any) -> CallToolResult:
        folder = CACHE / "inspector"
        environment = package(folder, "@modelcontextprotocol/inspector@2.12.0")
        given = [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in arguments.items()]
        command = [
            *(str(folder / "node_modules/.bin/mcp-inspector"), "--cli", self.url, "--transport", "http"),
            *("--header", f"Authorization: Bearer {self.token}", "--method", "tools/call", "--tool-name", name),
            *(word for each in given for word in ("--tool-arg", each)),
        ]
        told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
        assert told.returncode in (0, 5), told.stderr  # 5: isError
        self.results.append(CallToolResult.model_validate_json(told.stdout))
        return self.results[-1]


def text_of(result: CallToolResult) -> str:
    """What a model reads of a result."""
    return "\n".join(each.text for each in result.content if each.type == "text")
