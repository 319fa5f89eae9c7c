"""What a user of the Python SDK does who has to log in. Usage: login_client.py URL.

Prints {"open": URL} for the browser, reads where it was sent back to, and prints what the server offers and the token.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

BACK = "http://127.0.0.1:9/callback"  # nobody listens there: the test reads where its browser was sent


class Kept:
    """Tokens in memory."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def opened(url: str) -> None:
    print(json.dumps({"open": url}), flush=True)


async def sent_back() -> AuthorizationCodeResult:
    line = await asyncio.to_thread(sys.stdin.readline)
    found = parse_qs(urlsplit(line.strip()).query)
    return AuthorizationCodeResult(code=found["code"][0], state=found["state"][0], iss=found["iss"][0])


async def main(url: str) -> None:
    metadata = OAuthClientMetadata(
        client_name="python",
        redirect_uris=[BACK],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
    )
    kept = Kept()
    auth = OAuthClientProvider(url, metadata, kept, opened, sent_back)
    async with (
        httpx2.AsyncClient(auth=auth, verify=ssl.create_default_context(), timeout=30) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        tools = await client.list_tools()
        token = kept.tokens.access_token if kept.tokens else None
        print(json.dumps({"server": client.server_info.name, "tools": len(tools.tools), "token": token}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
