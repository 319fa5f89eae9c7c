"""How the bridge itself initializes a child, and what the child said of itself."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from bridge.protocol.message import Message
from bridge.protocol.revision import HANDSHAKE, META_PREFIX, MODERN

from .rpc_client import NoAnswer, RpcClient, Silent

SELF = {"name": "mcp-bridge", "version": "1"}
META = {
    META_PREFIX + "protocolVersion": MODERN,
    META_PREFIX + "clientInfo": SELF,
    META_PREFIX + "clientCapabilities": {},
}
_HELLO = {"protocolVersion": HANDSHAKE[-1], "capabilities": {}, "clientInfo": SELF}
_DISCOVER_SECONDS = 2.0


class Refused(NoAnswer):
    """The child answers, but the request of neither era with a result."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a child said in its handshake.

    `modern`: it understands requests that stand alone (2026-07-28). `revision`: the one it is spoken to in.
    `supported`: all that it names. `answer`: to `server/discover` or to `initialize`.
    """

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
            info = meta.get(META_PREFIX + "serverInfo") if isinstance(meta, dict) else None
        return info if isinstance(info, dict) else {}


async def perform_handshake(
    rpc: RpcClient, seconds: float, *, discover: bool = True, last_resort: bool = False
) -> Handshake:
    """Initializes a fresh child, as a client of both eras should on stdio: `server/discover` first, and on any other
    answer than a result, or none for a while, `initialize` (modelcontextprotocol.io, transports, stdio, backward
    compatibility). `seconds`: what each answer may take. `discover`: whether to ask that first. `last_resort`: whether
    to ask it where `initialize` is refused. Raises NoAnswer."""
    early = asyncio.Future[Message]()
    if discover:
        early = rpc.start("server/discover", {"_meta": META})
        # A child that ends before it answers is told of by the answer to `initialize`.
        early.add_done_callback(lambda lost: lost.cancelled() or lost.exception())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(_DISCOVER_SECONDS, seconds / 2)):
                found = _discovered(await asyncio.shield(early))
                if found is not None:
                    return found
    try:
        answer = await rpc.ask("initialize", _HELLO, seconds)
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
        if last_resort and not discover:
            found = _discovered(await rpc.ask("server/discover", {"_meta": META}, seconds))
            if found is not None:
                return found
        raise Refused(f"initialize was refused: {str(answer.error.get('message'))[:200]}")
    revision = str(answer.result.get("protocolVersion"))
    rpc.notify("notifications/initialized")
    return Handshake(False, revision, (revision,), answer)


def _discovered(answer: Message) -> Handshake | None:
    supported = answer.result.get("supportedVersions")
    if not isinstance(supported, list):
        return None
    modern = tuple(str(one) for one in supported if one not in HANDSHAKE)
    if not modern:
        return None
    return Handshake(True, MODERN if MODERN in modern else modern[-1], tuple(map(str, supported)), answer)


def sign_of_life(*, modern: bool) -> tuple[str, dict[str, Any] | None]:
    """Returns the method and the params of what every server answers, of one era or the other."""
    return ("server/discover", {"_meta": META}) if modern else ("ping", None)


async def check_alive(rpc: RpcClient, seconds: float, *, modern: bool) -> None:
    """Asks a child for a sign of life, to come within `seconds`. Raises NoAnswer."""
    await rpc.ask(*sign_of_life(modern=modern), seconds)  # an error is an answer, too
