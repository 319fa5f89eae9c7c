"""A small shop's orders over streamable HTTP at /mcp, with /health beside it: a server that needs no bridge."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse

STATUS = {"A-1": "shipped", "A-2": "open"}

server = MCPServer("orders", version="1.0.0", instructions="Looks up orders by their number.")


@server.tool()
def order_status(order: str) -> str:
    """Return the status of one order: open, shipped or unknown."""
    return STATUS.get(order, "unknown")


@server.tool()
def open_orders() -> list[str]:
    """Return the numbers of all open orders."""
    return [order for order, status in STATUS.items() if status == "open"]


@server.custom_route("/health", methods=["GET"])
async def health(_request: Request) -> JSONResponse:
    """Answer 200 while the server serves."""
    return JSONResponse({"status": "ok"})


if __name__ == "__main__":
    server.run("streamable-http", host="0.0.0.0", port=8000)  # noqa: S104  # only its container's network reaches it
