"""How the bridge itself gets to know a child, and what the child said of itself."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from bridge.protocol.message import Message
from bridge.protocol.revision import HANDSHAKE, MODERN

from .rpc_client import Conversation, NoAnswer, Silent

PREFIX = "io.modelcontextprotocol/"
SELF = {"name": "mcp-bridge", "version": "1"}
META = {PREFIX + "protocolVersion": MODERN, PREFIX + "clientInfo": SELF, PREFIX + "clientCapabilities": {}}
_HELLO = {"protocolVersion": HANDSHAKE[-1], "capabilities": {}, "clientInfo": SELF}
_DISCOVER_SECONDS = 2.0


class Refused(NoAnswer):
    """The child answers, but neither era's greeting with a result."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a child said when it was greeted. `modern`: it understands requests that stand alone (2026-07-28)."""

    modern: bool
    revision: str
    supported: tuple[str, ...]
    answer: Message

    @property
    def server(self) -> dict[str, Any]:
        """Name and version, as the server gives them."""
        info = self.answer.result.get("serverInfo")
        if not isinstance(info, dict):
            meta = self.answer.result.get("_meta")
            info = meta.get(PREFIX + "serverInfo") if isinstance(meta, dict) else None
        return info if isinstance(info, dict) else {}


async def greet(conversation: Conversation, seconds: float, *, discover: bool = True) -> Greeting:
    """Greets a fresh child, as a client of both eras should on stdio: `server/discover` first, and on any other answer
    than a result, or none for a while, `initialize` (modelcontextprotocol.io, transports, stdio, backward
    compatibility). Raises NoAnswer."""
    early = asyncio.Future[Message]()
    if discover:
        early = conversation.start("server/discover", {"_meta": META})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(_DISCOVER_SECONDS, seconds / 2)):
                found = _discovered(await asyncio.shield(early))
                if found is not None:
                    return found
    try:
        answer = await conversation.ask("initialize", _HELLO, seconds)
    except Silent:
        answer = None
    # A slow server may have answered the first question only now.
    if early.done() and not early.cancelled() and early.exception() is None:
        found = _discovered(early.result())
        if found is not None:
            return found
    if answer is None:
        raise Silent(f"initialize was not answered within {seconds:g} s")
    if answer.error is not None:
        raise Refused(f"initialize was refused: {str(answer.error.get('message'))[:200]}")
    revision = str(answer.result.get("protocolVersion"))
    conversation.tell("notifications/initialized")
    return Greeting(False, revision, (revision,), answer)


def _discovered(answer: Message) -> Greeting | None:
    supported = answer.result.get("supportedVersions")
    if not isinstance(supported, list):
        return None
    modern = tuple(str(one) for one in supported if one not in HANDSHAKE)
    if not modern:
        return None
    return Greeting(True, MODERN if MODERN in modern else modern[-1], tuple(map(str, supported)), answer)


async def check(conversation: Conversation, greeting: Greeting, seconds: float) -> None:
    """Asks a greeted child for a sign of life. Raises NoAnswer."""
    if greeting.modern:
        await conversation.ask("server/discover", {"_meta": META}, seconds)
    else:
        await conversation.ask("ping", None, seconds)  # an error is an answer, too
