"""Where a server is, and how it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import StdioServerParameters
from mcp.client._transport import Transport
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 3600.0
"""Of a single read: how long a step may take is said by the step."""


@dataclass(frozen=True)
class Target:
    """One server by its name, behind a ``url`` or as a program's ``command`` that speaks over stdin and stdout.

    ``server`` is one in this process, as the SDK takes it. ``transport`` is http or sse. ``reason`` says why it cannot
    be asked at all.
    """

    name: str
    url: str = ""
    command: tuple[str, ...] = ()
    transport: str = "http"
    server: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    def connection(self, headers: Mapping[str, str]) -> Any:
        """What the SDK's client takes: a transport with these headers besides the target's own, or the server."""
        if self.server is not None:
            return self.server
        if self.command:
            return stdio_client(StdioServerParameters(command=self.command[0], args=list(self.command[1:])))
        sent = {**self.headers, **headers}
        if self.transport == "sse":
            return sse_client(self.url, headers=sent)
        return _Http(self.url, sent)


class _Http(AbstractAsyncContextManager[Any]):
    """Streamable HTTP over a client of its own, which ends with it."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        timeout = httpx2.Timeout(CONNECT_SECONDS, read=ANSWER_SECONDS)
        self._client = httpx2.AsyncClient(headers=dict(headers), timeout=timeout)
        self._transport: Transport = streamable_http_client(url, http_client=self._client)

    async def __aenter__(self) -> Any:
        await self._client.__aenter__()
        return await self._transport.__aenter__()

    async def __aexit__(self, *problem: Any) -> bool | None:
        try:
            return await self._transport.__aexit__(*problem)
        finally:
            await self._client.__aexit__(*problem)
