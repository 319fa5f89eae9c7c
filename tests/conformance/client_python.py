"""What a user of the Python SDK does, of 1.x and of 2.x alike. Usage: client_python.py URL [sse]. Prints JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from mcp import ClientSession, types


async def first_generation(url: str, transport: str) -> dict[str, Any]:
    from mcp.client.sse import sse_client
    from mcp.client.streamable_http import streamablehttp_client

    progress: list[float] = []
    logs: list[Any] = []

    async def sampling(context: Any, params: Any) -> Any:
        content = types.TextContent(type="text", text="sampled")
        return types.CreateMessageResult(role="assistant", model="m", content=content)

    async def elicited(context: Any, params: Any) -> Any:
        return types.ElicitResult(action="accept", content={"username": "u", "email": "e"})

    async def logged(params: Any) -> None:
        logs.append(params.data)

    async def progressed(done: float, total: float | None, message: str | None) -> None:
        progress.append(done)

    async with AsyncExitStack() as stack:
        client = sse_client(url) if transport == "sse" else streamablehttp_client(url)
        read, write, *_ = await stack.enter_async_context(client)
        session = await stack.enter_async_context(
            ClientSession(
                read,
                write,
                sampling_callback=sampling,
                elicitation_callback=elicited,
                logging_callback=logged,
                read_timeout_seconds=timedelta(seconds=20),
            )
        )
        hello = await session.initialize()
        tools = await session.list_tools()
        await session.call_tool("test_tool_with_progress", {}, progress_callback=progressed)
        await session.call_tool("test_tool_with_logging", {})
        sampled = await session.call_tool("test_sampling", {"prompt": "p"})
        elicitation = await session.call_tool("test_elicitation", {"message": "m"})
        resource = await session.read_resource("test://static-text")  # type: ignore[arg-type]
        # Notifications are handled beside the calls; the test tells which of them are missing in the end.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(20):
                while len(progress) < 3 or len(logs) < 3:
                    await asyncio.sleep(0.01)
        return {
            "server": hello.serverInfo.name,
            "protocol": hello.protocolVersion,
            "tools": len(tools.tools),
            "progress": progress,
            "logs": len(logs),
            "sampled": sampled.content[0].text,
            "elicited": elicitation.content[0].text,
            "resource": resource.contents[0].text,
        }


async def second_generation(url: str) -> dict[str, Any]:
    from mcp.client.client import Client

    progress: list[float] = []

    async def progressed(done: float, total: float | None, message: str | None) -> None:
        progress.append(done)

    async with Client(url, mode="auto") as client:
        tools = await client.list_tools()
        await client.call_tool("test_tool_with_progress", {}, progress_callback=progressed)
        simple = await client.call_tool("test_simple_text", {})
        resource = await client.read_resource("test://static-text")
        return {
            "protocol": str(client.protocol_version),
            "tools": len(tools.tools),
            "progress": progress,
            "simple": simple.content[0].text,
            "resource": resource.contents[0].text,
        }


def main() -> None:
    url, transport = sys.argv[1], sys.argv[2]
    if transport == "second":
        print(json.dumps(asyncio.run(second_generation(url))))
    else:
        print(json.dumps(asyncio.run(first_generation(url, transport))))


main()
