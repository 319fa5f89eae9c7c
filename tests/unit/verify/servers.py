"""MCP servers in this process: one that is right, and the same with something wrong on purpose."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import SamplingMessage, TextContent, ToolAnnotations
from pydantic import BaseModel


class Order(BaseModel):
    """What a person fills in."""

    item: str
    amount: int = 1


async def order(context: Context) -> str:
    """Asks a person what to order"""
    answer = await context.elicit("What may it be?", Order)
    return f"{answer.data.amount} {answer.data.item}" if answer.action == "accept" else answer.action


def shop(
    *, without: str = "", slower: float = 0.0, refuses: bool = False, stricter: bool = False, flakes_every: int = 0
) -> MCPServer:
    """A server with two tools, a resource and a prompt.

    ``without`` leaves a tool out, ``slower`` are seconds that ``price`` takes, ``refuses`` makes it fail for what it
    knew, ``stricter`` asks for one argument more, ``flakes_every`` makes each so many-th call of ``stock`` fail.
    """
    server = MCPServer("shop", instructions="Ask for prices.")
    calls = iter(range(1, 1_000_000))

    if without != "price":
        if stricter:

            async def price(item: str, currency: str) -> dict[str, float | str]:
                return {"item": item, "price": 2.5, "currency": currency}
        else:

            async def price(item: str) -> dict[str, float | str]:  # type: ignore[misc]
                if refuses or item != "tea":
                    raise ToolError(f"no {item} here")
                await anyio.sleep(slower)
                return {"item": item, "price": 2.5}

        server.add_tool(price, description="What it costs", annotations=ToolAnnotations(read_only_hint=True))
    if without != "stock":

        @server.tool()
        async def stock(wait: float = 0.0) -> str:
            """How many are left"""
            if flakes_every and next(calls) % flakes_every == 0:
                raise ToolError("try again")
            await anyio.sleep(wait)
            return "12 left"

    @server.tool()
    async def ask(question: str, context: Context) -> str:
        """Asks the client's model"""
        message = SamplingMessage(role="user", content=TextContent(type="text", text=question))
        answer = await context.session.create_message([message], max_tokens=10)
        return f"the model says {answer.content.text}"  # type: ignore[union-attr]

    server.add_tool(order)

    @server.resource("shop://hours")
    def hours() -> str:
        return '{"opens": 8}'

    @server.prompt()
    def greet(name: str) -> str:
        return f"Greet {name}"

    return server


@contextmanager
def served(server: MCPServer) -> Iterator[str]:
    """The URL at which a server answers streamable HTTP on loopback, until it is left."""
    running = uvicorn.Server(uvicorn.Config(server.streamable_http_app(), port=0, log_level="critical"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not running.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}/mcp"
    running.should_exit = True
    thread.join(20)
