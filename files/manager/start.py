"""How the tools are served: at a socket to which the monitor hands on what comes over HTTP, or over stdio."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import httpx2
import uvicorn
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette

from manager.api import Api
from manager.server import Context, make_server

TOKEN = "MCP_ORCHESTRATOR_TOKEN"  # noqa: S105 - the name of a variable
LARGEST_REQUEST = 64 * 1024
_IDLE_SECONDS = 75


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Serve until the client or SIGTERM ends it. Exits 2 when it cannot start, with one line that says why."""
    parser = argparse.ArgumentParser(prog="python -m manager", description="Tools that manage MCP servers, over MCP.")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--stdio", action="store_true", help=f"serve one client, with the token in {TOKEN}")
    kind.add_argument("--socket", type=Path, metavar="FILE", help="serve at this socket, with each caller's own token")
    parser.add_argument(
        "--api", default="http://127.0.0.1:8482/monitor/api/v1", metavar="URL", help="where the monitor's API is"
    )
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(levelname)s: %(message)s", stream=sys.stderr)
    logging.getLogger("manager").setLevel(options.log_level)
    http = httpx2.AsyncClient(trust_env=not options.socket, limits=httpx2.Limits(keepalive_expiry=_IDLE_SECONDS - 5))
    if options.stdio:
        token = os.environ.get(TOKEN, "")
        if not token:
            sys.exit(_complaint(f"give a token in the variable {TOKEN}; on the host, make token NAME=… makes one"))
        asyncio.run(_serve_stdio(Api(http, options.api.rstrip("/"), f"Bearer {token}")))
    else:
        uvicorn.run(
            application(http, options.api.rstrip("/")),
            uds=str(options.socket),
            log_level=options.log_level.lower(),
            access_log=False,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=5,
        )
    sys.exit(0)


def application(http: httpx2.AsyncClient, url: str) -> Starlette:
    """The ASGI application. It keeps nothing between two requests: each bears its caller's token."""

    def api_of(context: Context) -> Api:
        headers = context.request.headers if context.request is not None else {}
        return Api(http, url, headers.get("authorization", ""), headers.get("x-forwarded-for", ""))

    # Which Host and Origin may call is the monitor's to judge, which alone gets to the socket.
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return make_server(api_of).streamable_http_app(
        stateless_http=True, transport_security=security, max_request_body_size=LARGEST_REQUEST
    )


async def _serve_stdio(api: Api) -> None:
    server = make_server(lambda _context: api)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def _complaint(text: str) -> int:
    print(f"manager: {text}", file=sys.stderr)
    return 2
