"""The MCP server on the official SDK, which speaks the revisions of both eras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams

from manager.api import Api
from manager.tools import TOOLS

Context = ServerRequestContext[dict[str, Any], Any]

INSTRUCTIONS = (
    "Manages the MCP servers of this fleet: each is an entry of mcpServers that runs in a container of its own behind a"
    " load balancer. What a tool changes is a request, which the next run of the reconciler does; a stop holds until"
    " somebody starts the server. Begin with docker_list_servers; explain_server says why a server is as it is."
)
_TOOLS = {each.name: each for each in TOOLS}
_LISTED = [each.listed() for each in TOOLS]


def make_server(api_of: Callable[[Context], Api]) -> Server[dict[str, Any]]:
    """Returns the server; ``api_of`` is the API as the one who calls may use it."""

    async def list_tools(_context: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=_LISTED)

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        tool = _TOOLS.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"There is no such tool; there are {', '.join(_TOOLS)}")

        async def tell(progress: float, text: str) -> None:
            await context.session.report_progress(progress, message=text)

        return await tool.called(api_of(context), params.arguments or {}, tell)

    return Server(
        "mcp-orchestrator",
        title="MCP Orchestrator",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
