"""Calls of tools in this process, over the real API of a site of files, without a socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
from manager.api import Api
from manager.tools import TOOLS
from mcp_types import CallToolResult

from tests.unit.monitor.api.program import URL, Program

BY_NAME = {each.name: each for each in TOOLS}


class Assistant:
    """Has a token of a scope at a site below a directory. What it asks for waits for no run."""

    def __init__(self, directory: Path, scope: str) -> None:
        self.program = Program(directory)
        self.told: list[tuple[float, str]] = []
        self._scope = scope

    def call(self, name: str, **arguments: Any) -> CallToolResult:
        """What a call comes to."""
        return asyncio.run(self._call(name, arguments))

    async def _call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer)) as http:
            api = Api(http, f"http://monitor{URL}", f"Bearer mcpt_{self._scope}")
            return await BY_NAME[name].called(api, arguments, self._hear)

    async def _hear(self, progress: float, text: str) -> None:
        self.told.append((progress, text))

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        query = str(httpx2.QueryParams({k: v for k, v in request.url.params.items() if k != "wait"}))
        path = request.url.path.removeprefix(URL) + (f"?{query}" if query else "")
        headers = {"authorization": request.headers["authorization"]}
        told = self.program.ask(path, request.method, token=None, body=request.content or None, **headers)
        return httpx2.Response(told.status, headers=dict(told.headers), content=told.body)


def text_of(result: CallToolResult) -> str:
    """What a model reads of a result."""
    return "\n".join(each.text for each in result.content if each.type == "text")
