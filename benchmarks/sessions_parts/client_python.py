"""Holds one session with each server and calls a tool all the time, with one of the clients written in Python.

Usage: client_python.py KIND CALLS, where CALLS is JSON: [[url, tool, arguments], ...]. KIND is ``python-1``,
``python-2``, ``fastmcp``, or ``litellm`` for the second in sessions with a LiteLLM Proxy. Prints one JSON line for each
call: the server's number, the seconds, the fault or null. A session that is lost is opened again, after the fault is
told. Ends when its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

PAUSE = 0.1
Ask = Callable[[str, dict[str, Any]], Awaitable[Any]]


@asynccontextmanager
async def first_generation(url: str) -> AsyncIterator[Ask]:
    """A session of the official SDK 1.x."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client  # type: ignore[attr-defined]

    async with AsyncExitStack() as stack:
        read, write, *_ = await stack.enter_async_context(streamablehttp_client(url))
        session = await stack.enter_async_context(ClientSession(read, write))
        await session.initialize()
        yield session.call_tool


@asynccontextmanager
async def second_generation(url: str) -> AsyncIterator[Ask]:
    """A client of the official SDK 2.x, which has a session where the server wants one."""
    from mcp.client.client import Client

    async with Client(url, mode="auto") as client:
        yield client.call_tool


@asynccontextmanager
async def fastmcp(url: str) -> AsyncIterator[Ask]:
    """A client of FastMCP."""
    from fastmcp import Client  # type: ignore[import-not-found]

    async with Client(url) as client:
        yield client.call_tool


@asynccontextmanager
async def litellm(url: str) -> AsyncIterator[Ask]:
    """A session with a LiteLLM Proxy, which holds one with the server that the fragment of ``url`` names."""
    import httpx2
    from mcp.client.client import Client
    from mcp.client.streamable_http import streamable_http_client

    address, _, server = url.partition("#")
    headers = {"x-litellm-api-key": "Bearer sk-test", "x-mcp-servers": server}
    transport = streamable_http_client(address, http_client=httpx2.AsyncClient(headers=headers, timeout=120))
    async with Client(transport, mode="legacy") as client:
        yield client.call_tool


KINDS = {"python-1": first_generation, "python-2": second_generation, "fastmcp": fastmcp, "litellm": litellm}


def told(error: BaseException) -> str:
    """The first cause of ``error``, in words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def call_on(kind: str, number: int, call: tuple[str, str, dict[str, Any]], done: asyncio.Event) -> None:
    """Calls until ``done``, and tells of each call."""
    url, tool, arguments = call
    while not done.is_set():
        begin = time.monotonic()
        try:
            async with KINDS[kind](url) as ask:
                while not done.is_set():
                    begin = time.monotonic()
                    result = await ask(tool, arguments)
                    failed = getattr(result, "isError", False) or getattr(result, "is_error", False)
                    tell(number, begin, str(result.content) if failed else None)
                    await asyncio.sleep(PAUSE)
        except Exception as error:  # whatever it is, it is what is measured
            tell(number, begin, told(error))
            await asyncio.sleep(PAUSE)


def tell(number: int, begin: float, fault: str | None) -> None:
    """Prints what became of one call."""
    print(json.dumps([number, round(time.monotonic() - begin, 3), fault]), flush=True)


async def main() -> None:
    """Calls with every session until the input ends."""
    done = asyncio.Event()
    kind, calls = sys.argv[1], json.loads(sys.argv[2])
    asking = [asyncio.create_task(call_on(kind, number, call, done)) for number, call in enumerate(calls)]
    await asyncio.to_thread(sys.stdin.read)
    done.set()
    await asyncio.gather(*asking)


if __name__ == "__main__":
    asyncio.run(main())
